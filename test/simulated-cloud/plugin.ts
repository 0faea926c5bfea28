/** The process that the engine starts in place of a cloud's provider plugin. */
import { createRequire } from "node:module";
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

// It has no types, and its exports are found at run time alone.
const { Struct } = createRequire(import.meta.url)("google-protobuf/google/protobuf/struct_pb.js");

const clouds: readonly SimulatedCloud[] = [aws, gcp, azureNative, dockerBuild];

/**
 * Serves one package's resources. Variables: HANDOFF_SIMULATED_CLOUD, the folder that holds the clouds;
 * HANDOFF_SIMULATED_FAIL_AT, which of the calls that change something fails, counted from 1 over all clouds since the
 * folder's `calls.jsonl` was removed; HANDOFF_SIMULATED_REGISTRY, `host:port` of the registry of every cloud.
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
    registry: env.HANDOFF_SIMULATED_REGISTRY || undefined,
    config,
  });
  await main(provider, args);
}

/**
 * Corrects the SDK's server: it drops the provider's configuration, and can't read what is imported. Returns the
 * configuration as far as it has come in.
 */
function configuration(): () => Readonly<Record<string, string>> {
  const known: Record<string, string> = {};
  const addService = Server.prototype.addService;
  Server.prototype.addService = function (service, implementation) {
    const { configure, read } = implementation;
    if (typeof configure === "function" && typeof read === "function") {
      implementation.configure = (call: Call, callback: unknown) => {
        for (const [key, value] of call.request.getVariablesMap().toArray()) known[key] = value;
        return Reflect.apply(configure, implementation, [call, callback]);
      };
      implementation.read = (call: Call, callback: unknown) => {
        if (!call.request.getProperties()) call.request.setProperties(new Struct());
        return Reflect.apply(read, implementation, [call, callback]);
      };
    }
    return addService.call(this, service, implementation);
  };
  return () => known;
}

/** The part of the protocol's requests that is used here; the SDK's generated classes have no types for it. */
interface Call {
  readonly request: {
    getVariablesMap(): { toArray(): [string, string][] };
    getProperties(): unknown;
    setProperties(properties: unknown): void;
  };
}
