/**
 * The Docker engine of the tests, and the images that scripts/ensure-docker.mjs makes for them: `npm test` and .ci/run call it.
 * Without them a test is skipped, and says why; with HANDOFF_TEST_DOCKER=required, as in CI, it fails.
 */
import { execFileSync } from "node:child_process";
import type { Context } from "mocha";
import { findDocker } from "../../providers/docker.js";

/** Debian with Python, venv, git and the machine's certificates. */
export const baseImage = "handoff-base:test";
/** `/usr/local/bin/node`, which is this process's. */
export const nodeImage = "handoff-node:test";

export interface TestDocker {
  /** For `buildImage`, and for a `handoff` that builds: Docker's own variables, the images, a network that is there. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

let looked: Promise<TestDocker | string> | undefined;

/** In a `before` with `function`: `docker = await needDocker(this)`. */
export async function needDocker(context: Context): Promise<TestDocker> {
  looked ??= look();
  const found = await looked;
  if (typeof found !== "string") return found;
  if (process.env.HANDOFF_TEST_DOCKER === "required") throw new Error(found);
  console.error(`    skipped: ${found}`);
  return context.skip();
}

async function look(): Promise<TestDocker | string> {
  try {
    await findDocker({ env: process.env });
  } catch (error) {
    return `${error instanceof Error ? error.message : String(error)} (node scripts/ensure-docker.mjs, as root on Debian)`;
  }
  for (const image of [baseImage, nodeImage]) {
    try {
      dockerNow(["image", "inspect", image]);
    } catch {
      return `Docker has no image ${image}: node scripts/ensure-docker.mjs makes it`;
    }
  }
  return {
    env: {
      ...process.env,
      HANDOFF_IMAGE_BASE: baseImage,
      HANDOFF_IMAGE_NODE: nodeImage,
      // The tests' own engine has no bridge.
      HANDOFF_IMAGE_NETWORK: "host",
    },
  };
}

/** Nothing that is asked this way takes longer, on a busy machine too. */
const timeoutMs = 120_000;

/** stdout of `docker …`. @throws Error with Docker's stderr when it fails */
export function dockerNow(args: readonly string[]): string {
  return execFileSync("docker", [...args], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    timeout: timeoutMs,
  });
}
