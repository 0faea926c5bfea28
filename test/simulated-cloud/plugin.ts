/** The process that the engine starts in place of a cloud's provider plugin. */
import { Server } from "@grpc/grpc-js";
import { main } from "@pulumi/pulumi/provider/server.js";
import { aws } from "./aws.js";
import { azureNative } from "./azure-native.js";
import type { SimulatedCloud } from "./cloud.js";
import { dockerBuild } from "./docker-build.js";
import { gcp } from "./gcp.js";
import { simulatedProvider } from "./provider.js";
import { Sdk } from "./sdk-schema.js";
import { World } from "./world.js";

const clouds: readonly SimulatedCloud[] = [aws, gcp, azureNative, dockerBuild];

/**
 * Serves one package's resources. Variables: HANDOFF_SIMULATED_CLOUD, the folder that holds the clouds;
 * HANDOFF_SIMULATED_FAIL_AT, which of the calls that change something fails, counted from 1 over all clouds since the
 * folder's `calls.jsonl` was removed.
 */
export async function serve(packageName: string, env: NodeJS.ProcessEnv, args: string[]): Promise<void> {
  const cloud = clouds.find((one) => one.packageName === packageName);
  const folder = env.HANDOFF_SIMULATED_CLOUD;
  if (!cloud) throw new Error(`no simulated cloud is called ${packageName}`);
  if (!folder) throw new Error("HANDOFF_SIMULATED_CLOUD names no folder");
  const failAt = env.HANDOFF_SIMULATED_FAIL_AT ? Number(env.HANDOFF_SIMULATED_FAIL_AT) : undefined;
  const config = configuration();
  const provider = simulatedProvider({
    cloud,
    sdk: new Sdk(packageName),
    world: new World(folder, packageName),
    failAt,
    config,
  });
  await main(provider, args);
}

/** The SDK's server drops the provider's configuration; this reads it as it comes in. */
function configuration(): () => Readonly<Record<string, string>> {
  let known: Record<string, string> = {};
  const addService = Server.prototype.addService;
  Server.prototype.addService = function (service, implementation) {
    const configure = implementation.configure;
    if (typeof configure !== "function") return addService.call(this, service, implementation);
    // The engine's request is typed by the SDK's generated classes, which have no types of their own here.
    implementation.configure = (call: ConfigureCall, callback: unknown) => {
      for (const [key, value] of call.request.getVariablesMap().toArray()) known = { ...known, [key]: value };
      return Reflect.apply(configure, implementation, [call, callback]);
    };
    return addService.call(this, service, implementation);
  };
  return () => known;
}

interface ConfigureCall {
  readonly request: { getVariablesMap(): { toArray(): [string, string][] } };
}
