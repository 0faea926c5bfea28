/** Anything that has a name and names of what must come before it. */
export interface GraphItem {
  readonly name: string;
  readonly dependsOn: readonly string[];
}

/**
 * Items in an order in which each comes after all it depends on; ties keep the order given. Names that aren't
 * among the items are ignored.
 * @throws Error when there is a cycle: call `findCycle` first.
 */
export function topologicalOrder<T extends GraphItem>(items: readonly T[]): T[] {
  const byName = new Map(items.map((item) => [item.name, item]));
  const done = new Set<string>();
  const order: T[] = [];
  // An explicit stack: a chain of 100,000 tasks must not overflow ours.
  for (const root of items) {
    const stack: { item: T; next: number }[] = [{ item: root, next: 0 }];
    const open = new Set([root.name]);
    if (done.has(root.name)) continue;
    for (let top = stack.at(-1); top; top = stack.at(-1)) {
      const dependency = top.item.dependsOn[top.next++];
      if (dependency === undefined) {
        done.add(top.item.name);
        order.push(top.item);
        open.delete(top.item.name);
        stack.pop();
        continue;
      }
      if (open.has(dependency)) throw new Error(`cycle through ${dependency}`);
      const item = byName.get(dependency);
      if (item && !done.has(dependency)) {
        open.add(dependency);
        stack.push({ item, next: 0 });
      }
    }
  }
  return order;
}

/** Names along one cycle, the first again at the end (`["a", "b", "a"]`), or null when there is none. */
export function findCycle(items: readonly GraphItem[]): string[] | null {
  const byName = new Map(items.map((item) => [item.name, item]));
  const done = new Set<string>();
  for (const root of items) {
    if (done.has(root.name)) continue;
    const stack: { item: GraphItem; next: number }[] = [{ item: root, next: 0 }];
    const open = new Set([root.name]);
    for (let top = stack.at(-1); top; top = stack.at(-1)) {
      const dependency = top.item.dependsOn[top.next++];
      if (dependency === undefined) {
        done.add(top.item.name);
        open.delete(top.item.name);
        stack.pop();
        continue;
      }
      if (open.has(dependency)) {
        const names = stack.map((entry) => entry.item.name);
        return [...names.slice(names.indexOf(dependency)), dependency];
      }
      const item = byName.get(dependency);
      if (item && !done.has(dependency)) {
        open.add(dependency);
        stack.push({ item, next: 0 });
      }
    }
  }
  return null;
}
