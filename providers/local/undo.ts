/** What a create that was cut short has left behind. */
import { rmSync } from "node:fs";
import { kinds } from "./plugin-provider.js";
import type { Props } from "./plugin-values.js";

export interface CutShort {
  /** Such as `handoff:local:Schedule`. */
  readonly type: string;
  /** As the engine's state has them; values of secrets may be encrypted. */
  readonly inputs: Props;
}

/**
 * Takes away what such a create made, so that nothing is left when the project no longer has the resource by the time of the
 * next update. What others use, data and queued messages stay.
 * @param home absolute HANDOFF_HOME.
 * @param owned paths of the resources that the state knows; they are left alone.
 */
export async function undoCreate(
  { type, inputs }: CutShort,
  home: string,
  owned: ReadonlySet<string>,
): Promise<void> {
  const kind = kinds[type];
  // A component: nothing outside of the state.
  if (!kind) return;
  // Without an environment: HANDOFF_DELETE_DATA is for resources that the user knew of.
  const context = { home, env: {}, log: () => {} };
  const path = kind.path(inputs, context);
  if (owned.has(path)) return;
  if (type === "handoff:local:Trigger") rmSync(path, { force: true });
  else await kind.remove({ ...inputs, deleteData: false }, path, context);
}
