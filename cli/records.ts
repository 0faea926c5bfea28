/** Records of a stack's runs, for its operator: providers may not import the runner, whose store they are in. */
import type { DeployedStack, RunRecords } from "../providers/operate.js";
import { listRecords } from "../runner-image/src/records.js";
import { openObjects } from "../runner-image/src/store/objects.js";

export async function openRecords(artifacts: string, env: DeployedStack["env"]): Promise<RunRecords> {
  const store = await openObjects(artifacts, env);
  return { list: (options) => listRecords(store, options) };
}
