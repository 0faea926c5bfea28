/** Finds a Pulumi CLI: on PATH, in handoff's cache, downloaded, or built with Go. */
import { accessSync, constants, existsSync, mkdirSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { basename, delimiter, dirname, isAbsolute, join, resolve } from "node:path";
import { PulumiCommand } from "@pulumi/pulumi/automation/index.js";
import { UserError } from "../model/diagnostic.js";
import { packageDir } from "../providers/local/entries.js";
import { withLock } from "../providers/lock.js";
import { buildEngine, downloadEngine } from "./engine-install.js";
import type { Env } from "./env.js";

/** The version that is downloaded or built; the same as in engine/go.mod. */
export const engineVersion = "3.250.0";
/** Older ones on PATH are passed over. The oldest that has all options that `deploy/` uses. */
export const minimumEngineVersion = "3.200.0";

export interface FindPulumiOptions {
  readonly env: Env;
  /** Gets a line of progress for what takes longer than a moment. */
  readonly log?: (line: string) => void;
  readonly signal?: AbortSignal;
}

/** Where an engine that handoff installed is kept: `$HANDOFF_CACHE`, else `~/.cache/handoff`. */
export function cacheDir(env: Env): string {
  return env.HANDOFF_CACHE ? resolve(env.HANDOFF_CACHE) : join(env.HOME ?? homedir(), ".cache", "handoff");
}

/**
 * The Pulumi CLI to use, installed first when there is none. The first time that can take minutes.
 * @throws UserError `no-engine` that names the ways to get one.
 */
export async function findPulumi({ env, log = () => {}, signal }: FindPulumiOptions): Promise<PulumiCommand> {
  const there = await lookForPulumi(env, log);
  if (there) return there;

  const root = engineRoot(env);
  mkdirSync(dirname(root), { recursive: true });
  const waiting = () => log("waiting for another handoff that installs the Pulumi engine");
  return await withLock(
    `${root}.lock`,
    async () => {
      const meanwhile = await fromRoot(root);
      if (meanwhile) return meanwhile;
      const failures: string[] = [];
      for (const way of [downloadEngine, buildEngine]) {
        signal?.throwIfAborted();
        const failure = await way({
          root,
          version: engineVersion,
          env,
          log,
          signal,
          packageDir: packageDir(),
        });
        const installed = failure === undefined ? await fromRoot(root) : undefined;
        if (installed) return installed;
        failures.push(failure ?? "what was installed doesn't run");
      }
      throw new UserError(
        `no Pulumi engine on this machine, and none could be installed:\n  ${failures.join("\n  ")}`,
        {
          code: "no-engine",
          hint: `install the Pulumi CLI (${minimumEngineVersion} or later) so that \`pulumi\` is on PATH, or install Go, and handoff builds it`,
          exitCode: 1,
        },
      );
    },
    waiting,
  );
}

/** The Pulumi CLI on PATH or in handoff's cache; undefined when there is none yet. Installs nothing. */
export async function lookForPulumi(
  env: Env,
  log: (line: string) => void = () => {},
): Promise<PulumiCommand | undefined> {
  return (await fromPath(env, log)) ?? (await fromRoot(engineRoot(env)));
}

function engineRoot(env: Env): string {
  return join(cacheDir(env), "pulumi", engineVersion);
}

async function fromPath(env: Env, log: (line: string) => void): Promise<PulumiCommand | undefined> {
  for (const dir of (env.PATH ?? "").split(delimiter).filter(isAbsolute)) {
    const file = join(dir, "pulumi");
    if (!isExecutable(file) || basename(dir) !== "bin") continue;
    const found = await fromRoot(dirname(dir));
    if (found) return found;
    log(`passed over ${file}: it doesn't run, or is older than ${minimumEngineVersion}`);
  }
  return undefined;
}

/** Engines that were asked for their version, by file and when it was written: a fleet asks once, not for each stack. */
const asked = new Map<string, PulumiCommand>();

async function fromRoot(root: string): Promise<PulumiCommand | undefined> {
  const file = join(root, "bin", "pulumi");
  if (!existsSync(file)) return undefined;
  const key = `${file} ${statSync(file).mtimeMs}`;
  const known = asked.get(key);
  if (known) return known;
  try {
    const command = await PulumiCommand.get({ root });
    if (command.version && command.version.compare(minimumEngineVersion) < 0) return undefined;
    asked.set(key, command);
    return command;
  } catch {
    return undefined;
  }
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
