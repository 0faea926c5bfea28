// What the executables beside this file share.
import { register } from "tsx/esm/api";

/** Serves the simulated provider of one package, such as `azure-native`, to the engine that started this process. */
export async function serve(packageName) {
  register();
  const plugin = await import("../plugin.ts");
  await plugin.serve(packageName, process.env, process.argv.slice(2));
}
