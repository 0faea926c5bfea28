/** How to go on after failures. */
import type { FleetResult, StackOutcome } from "../../deploy/fleet/fleet.js";

/** The command that does what was not done; undefined when all was. Quoted for a shell. */
export function againCommand(
  operation: FleetResult["operation"],
  stacks: readonly StackOutcome[],
): string | undefined {
  const missing = stacks.filter(({ result }) => result !== "succeeded").map(({ stack }) => quote(stack));
  return missing.length > 0 ? `handoff ${operation} ${missing.join(" ")}` : undefined;
}

function quote(text: string): string {
  return /^[\w./@:-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
