/** Two programs on the same engine: a deployed local stack, and nothing at all. */
import { execFileSync } from "node:child_process";
import { mkdirSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { findPulumi } from "../deploy/engine.js";
import type { BenchCommand } from "./measure.js";
import { handoff, root } from "./paths.js";

/** Makes a project as `handoff init` does, deploys it once, and returns the command of an `up` with nothing to do. */
export function localStack(dir: string): BenchCommand {
  execFileSync(process.execPath, [handoff, "init", dir, "--template", "hello"], { stdio: ["ignore", 2, 2] });
  mkdirSync(join(dir, "node_modules"), { recursive: true });
  // What `npm install` would do there.
  symlinkSync(root, join(dir, "node_modules", "handoff"));
  const env = { HANDOFF_HOME: join(dir, "home") };
  const command: BenchCommand = { argv: [process.execPath, handoff, "up", "dev"], cwd: dir, env };
  execFileSync(process.execPath, command.argv.slice(1), {
    cwd: dir,
    env: { ...process.env, ...env },
    stdio: ["ignore", 2, 2],
  });
  return command;
}

export async function emptyProgramUp(dir: string): Promise<BenchCommand> {
  mkdirSync(join(dir, "state"), { recursive: true });
  const cli = await findPulumi({ env: process.env, log: (line) => process.stderr.write(`bench: ${line}\n`) });
  return {
    // Run from the checkout, where the SDK is found.
    argv: [process.execPath, join(root, "bench", "empty-up.mjs"), dir, dirname(dirname(cli.command))],
    env: {
      PULUMI_BACKEND_URL: `file://${join(dir, "state")}`,
      PULUMI_CONFIG_PASSPHRASE: "bench",
      PULUMI_SKIP_UPDATE_CHECK: "true",
    },
  };
}
