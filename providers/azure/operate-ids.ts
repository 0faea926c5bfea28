/** Ids of resources, as Azure Resource Manager writes them; they are the same in any case of letters. */

export interface ResourceId {
  readonly subscription: string;
  readonly group: string;
  /** `microsoft.app/jobs` */
  readonly type: string;
  readonly name: string;
}

/** @throws Error for what is no id of a resource in a resource group */
export function parseId(id: unknown): ResourceId {
  const parts =
    typeof id === "string"
      ? /^\/subscriptions\/([^/]+)\/resourceGroups\/([^/]+)\/providers\/([^/]+\/[^/]+)\/([^/]+)$/i.exec(id)
      : null;
  const [, subscription, group, type, name] = parts ?? [];
  if (!subscription || !group || !type || !name) throw new Error(`${id} is no id of a resource`);
  return { subscription, group, type: type.toLowerCase(), name };
}

export const sameId = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

/** A resource in the portal. */
export const consoleOf = (id: string): string => `https://portal.azure.com/#resource${id}`;
