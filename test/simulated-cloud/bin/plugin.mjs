// What the executables beside this file share.
import { register } from "tsx/esm/api";

/**
 * Serves the simulated provider of one package, such as `azure-native`, to the engine that started this process. From the
 * TypeScript beside this folder, or from a bundle of it that HANDOFF_SIMULATED_PLUGIN names.
 */
export async function serve(packageName) {
  const bundle = process.env.HANDOFF_SIMULATED_PLUGIN;
  if (!bundle) register();
  const plugin = await import(bundle || "../plugin.ts");
  await plugin.serve(packageName, process.env, process.argv.slice(2));
}
