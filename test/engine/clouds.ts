/** A user's repository that is deployed to simulated clouds by the real engine. */
import { mkdirSync, rmSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildSync } from "esbuild";
import type { Env } from "../../deploy/env.js";
import { type Fixture, makeRepository, packageRoot } from "../deploy/fixture.js";
import { type Call, type Held, readCalls, World } from "../simulated-cloud/world.js";

export const packages = ["aws", "gcp", "azure-native", "docker-build"] as const;
export type PackageName = (typeof packages)[number];

const plugins = fileURLToPath(new URL("../simulated-cloud/bin", import.meta.url));

export interface Clouds extends Fixture {
  /** The fixture's, with the plugins on PATH. */
  readonly env: Env;
  /** What a cloud holds now. */
  held(cloud: PackageName): Held[];
  /** What any cloud holds, as `type name-or-id`, sorted. */
  everything(): string[];
  /** Calls since the log was last cleared. */
  calls(): Call[];
  clearCalls(): void;
  /** Puts an object into a bucket, a row into a table. */
  fill(type: string): void;
  /** Environment in which the k-th call that changes something fails. */
  failingAt(k: number): Env;
  readonly folder: string;
}

/** Below the package, from where the plugins find the SDKs. */
const bundles = join(packageRoot, ".cache", `simulated-cloud-${process.pid}`);
process.on("exit", () => rmSync(bundles, { recursive: true, force: true }));

/** One file instead of twenty that tsx would look at: the engine starts the plugins anew with every update. */
function bundlePlugin(): string {
  const outfile = join(bundles, "plugin.mjs");
  buildSync({
    absWorkingDir: packageRoot,
    entryPoints: ["test/simulated-cloud/plugin.ts"],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    external: ["@pulumi/*", "@grpc/*", "google-protobuf"],
    logLevel: "warning",
  });
  return outfile;
}

export interface CloudsOptions {
  /** Folders that are looked into for plugins first: real ones in place of simulated. */
  readonly plugins?: readonly string[];
  /** `host:port` of a registry that takes images, for those of all clouds. */
  readonly registry?: string;
}

export function makeClouds({ plugins: real = [], registry }: CloudsOptions = {}): Clouds {
  const repository = makeRepository();
  const folder = join(dirname(repository.root), "clouds");
  const log = join(folder, "calls.jsonl");
  mkdirSync(folder, { recursive: true });
  const env: Env = {
    ...repository.env,
    PATH: [...real, plugins, repository.env.PATH ?? ""].join(delimiter),
    HANDOFF_SIMULATED_CLOUD: folder,
    HANDOFF_SIMULATED_PLUGIN: bundlePlugin(),
    HANDOFF_SIMULATED_FAIL_AT: undefined,
    HANDOFF_SIMULATED_REGISTRY: registry,
    // What this machine may have set up is not for the tests.
    AWS_REGION: undefined,
    AWS_DEFAULT_REGION: undefined,
    GOOGLE_PROJECT: undefined,
  };
  const held = (cloud: PackageName) => new World(folder, cloud).all();
  return {
    ...repository,
    env,
    options: { ...repository.options, env },
    folder,
    held,
    everything: () => packages.flatMap((cloud) => held(cloud).map(({ type, id }) => `${type} ${id}`)).sort(),
    calls: () => readCalls(log),
    clearCalls: () => rmSync(log, { force: true }),
    fill(type) {
      for (const cloud of packages) {
        const world = new World(folder, cloud);
        for (const one of world.ofType(type)) world.put({ ...one, data: ["2026-11-21.csv"] });
      }
    },
    failingAt(k) {
      rmSync(log, { force: true });
      return { ...env, HANDOFF_SIMULATED_FAIL_AT: String(k) };
    },
  };
}
