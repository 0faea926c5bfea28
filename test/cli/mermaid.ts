/**
 * The part of Mermaid's flowchart grammar that our graphs use, read strictly: what this accepts was seen to be accepted by
 * Mermaid 11 itself, which would bring 150 packages along.
 */
const text = String.raw`"(?:[^"#<>\`\\;&]|#\d+;|<br\/>)+"`;
const id = "[a-z]+[0-9]*";
const node = new RegExp(
  String.raw`^(${id})(?:\[${text}\]|\(\[${text}\]\)|\[\/${text}\/\]|\[\(${text}\)\]|>${text}\])$`,
);
const edge = new RegExp(String.raw`^(${id}) (?:-->|<-->|-\.->|-- ${text} -->|-\. ${text} \.->) (${id})$`);
const subgraph = new RegExp(String.raw`^subgraph (${id})\[${text}\]$`);

/** Nodes and edges of a flowchart. @throws Error for a line that isn't one, and for an edge to nothing */
export function checkFlowchart(source: string): { nodes: string[]; edges: [string, string][] } {
  const [head, ...lines] = source.trimEnd().split("\n");
  if (head !== "flowchart LR") throw new Error(`no flowchart: ${head}`);
  const nodes: string[] = [];
  const edges: [string, string][] = [];
  let open = 0;
  for (const line of lines.map((each) => each.trim())) {
    const begin = subgraph.exec(line) ?? node.exec(line);
    const between = edge.exec(line);
    if (begin?.[1] !== undefined) {
      if (nodes.includes(begin[1])) throw new Error(`${begin[1]} is there twice`);
      nodes.push(begin[1]);
      if (line.startsWith("subgraph ")) open++;
    } else if (line === "end") open--;
    else if (between?.[1] !== undefined && between[2] !== undefined) edges.push([between[1], between[2]]);
    else throw new Error(`no line of a flowchart: ${line}`);
  }
  if (open !== 0) throw new Error("a subgraph is not closed");
  for (const end of edges.flat()) if (!nodes.includes(end)) throw new Error(`an edge leads to ${end}`);
  return { nodes, edges };
}
