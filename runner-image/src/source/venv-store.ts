/**
 * Virtual environments in the artifact store, for containers that begin with an empty disk: what one has installed, the next
 * one unpacks. Only a help: what fails here is a warning, and the environments are made as if there were no store.
 */
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { UserError } from "../../../model/diagnostic.js";
import type { ArtifactStore } from "../artifacts.js";
import { runShell } from "../install/shell.js";
import { findTools } from "../install/tools.js";

export interface VenvStoreOptions {
  /** Of environments alone. */
  readonly store: ArtifactStore;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: (level: "info" | "warn", message: string) => void;
  readonly signal?: AbortSignal;
}

/** The newest that are kept: several projects' and branches' of one deployment, and what a change left. */
const keptArchives = 5;
const file = "venvs.tar.gz";

/** Puts the folder there as it was stored. Gives false when it wasn't, or can't be used. */
export function restoreVenvs(venvsDir: string, options: VenvStoreOptions): Promise<boolean> {
  return helpfully("fetched from", options, () =>
    inFolderBeside(venvsDir, async (dir) => {
      try {
        await options.store.get(await archiveName(venvsDir, options.env), dir);
      } catch (error) {
        if (error instanceof UserError && absent.has(error.code)) return false;
        throw error;
      }
      await tar(["-xzf", file], dir, options);
      await rename(join(dir, basename(venvsDir)), venvsDir);
      return true;
    }),
  );
}

export async function storeVenvs(venvsDir: string, options: VenvStoreOptions): Promise<void> {
  await helpfully("stored in", options, () =>
    inFolderBeside(venvsDir, async (dir) => {
      await tar(["-czf", file, "-C", dirname(venvsDir), basename(venvsDir)], dir, options);
      await options.store.push(await archiveName(venvsDir, options.env), dir, [file]);
      await options.store.prune(keptArchives);
      return true;
    }),
  );
}

const absent: ReadonlySet<string> = new Set(["no-artifacts", "unknown-archive"]);

/** Scripts of an environment hold its path; what is compiled is of one processor and one Python. */
async function archiveName(venvsDir: string, env: VenvStoreOptions["env"]): Promise<string> {
  const { pythonVersion } = await findTools(env);
  const hash = createHash("sha256").update(JSON.stringify([venvsDir, process.arch, pythonVersion]));
  return `${basename(venvsDir)}-${hash.digest("hex").slice(0, 16)}`;
}

async function helpfully(
  what: string,
  { log, signal }: VenvStoreOptions,
  work: () => Promise<boolean>,
): Promise<boolean> {
  try {
    return await work();
  } catch (error) {
    if (signal?.aborted) return false;
    const reason = error instanceof Error ? error.message : String(error);
    log("warn", `virtual environments could not be ${what} the artifact store: ${reason}`);
    return false;
  }
}

/** On the same disk, so that what is unpacked is brought to its place by a rename. */
async function inFolderBeside<T>(venvsDir: string, use: (dir: string) => Promise<T>): Promise<T> {
  const parent = dirname(venvsDir);
  await mkdir(parent, { recursive: true });
  const dir = await mkdtemp(join(parent, ".part-"));
  try {
    return await use(dir);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function tar(args: readonly string[], cwd: string, options: VenvStoreOptions): Promise<void> {
  const { env, signal } = options;
  const quoted = args.map((arg) => `'${arg.replaceAll("'", `'\\''`)}'`);
  const shell = { cwd, env, log: () => {}, ...(signal === undefined ? {} : { signal }) };
  const { ok, how, lastLines } = await runShell(`tar ${quoted.join(" ")}`, shell);
  if (!ok) throw new Error(`tar ${how}: ${lastLines.at(-1) ?? ""}`);
}
