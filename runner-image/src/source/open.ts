/** A project that is cloned when a run starts: from its address to what a run needs. */
import { createHash } from "node:crypto";
import { existsSync, realpathSync, statSync } from "node:fs";
import { mkdir, readdir, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join, sep } from "node:path";
import { contentHash, filesNamedBy, listProjectFiles } from "../../../model/content.js";
import { formatLocation, throwIfErrors, UserError } from "../../../model/diagnostic.js";
import { repositoryName } from "../../../model/git-source.js";
import { loadProject } from "../../../model/load.js";
import { runSpec } from "../../../model/plan.js";
import type { GitSource, Project } from "../../../model/project.js";
import type { RunSpec } from "../../../model/run.js";
import type { ArtifactStore } from "../artifacts.js";
import { installVenvs } from "../install.js";
import { type CloneOptions, clone, interrupted, setToken } from "./clone.js";
import { git } from "./git.js";
import { restoreVenvs, storeVenvs } from "./venv-store.js";

export interface SourceOptions extends Pick<CloneOptions, "signal" | "retryDelays"> {
  /** The clone goes into a folder in it, of the repository's name; made, and removed by `close`. */
  readonly dir: string;
  /** Virtual environments and downloads of packages, for the next run on this disk. */
  readonly cacheDir: string;
  /** Where environments are kept for containers that begin with an empty disk. Default: nowhere else. */
  readonly venvStore?: ArtifactStore;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Value of a secret; undefined: the deployment doesn't have it. */
  readonly secret: (key: string) => string | undefined;
  /** Whether the deployment has the declared store. */
  readonly hasStore: (name: string) => boolean;
  readonly log: (level: "info" | "warn", message: string) => void;
}

export interface OpenSource {
  readonly spec: RunSpec;
  /** The project's folder. */
  readonly codeDir: string;
  /** SHA-1 (or SHA-256) of the commit, hexadecimal. */
  readonly commit: string;
  /** Where `install` puts the virtual environments. */
  readonly venvsDir: string;
  /** Makes what virtual environments aren't there. @throws UserError as `installVenvs` */
  install(): Promise<void>;
  /** Removes the clone. */
  close(): Promise<void>;
}

/**
 * Clones the source and reads the project in it.
 * @throws UserError as `clone`; `source-path` where there is no such folder, `invalid-project` with all that is wrong with
 *   project.yml, `not-in-deployment` for a secret or store that the deployment doesn't have
 */
export async function openSource(source: GitSource, options: SourceOptions): Promise<OpenSource> {
  const { dir, env, log, signal } = options;
  const close = () => rm(dir, { recursive: true, force: true });
  await close();
  try {
    const token = tokenOf(source, options);
    const top = join(dir, repositoryName(source.url));
    const commit = await clone(source, {
      dir: top,
      env,
      warn: (message) => log("warn", message),
      ...(token === undefined ? {} : { token }),
      ...(signal === undefined ? {} : { signal }),
      ...(options.retryDelays === undefined ? {} : { retryDelays: options.retryDelays }),
    });
    log("info", `cloned ${source.url} at ${source.ref}: commit ${commit}`);
    const codeDir = await projectDir(source, top, env);
    const { project, diagnostics } = loadProject(codeDir, { cwd: top });
    throwIfErrors(diagnostics, `${source.url} at ${source.ref}`);
    if (project === null) throw new Error("a project without errors is there");
    for (const { message, location } of diagnostics)
      log("warn", location ? `${formatLocation(location)}: ${message}` : message);
    checkDeployment(project, commit, options);
    const venvsDir = venvsDirOf(project, codeDir, options);
    const install = () => installSource(project, { codeDir, venvsDir }, options);
    return { spec: runSpec(project), codeDir, commit, venvsDir, install, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function tokenOf({ token: key }: GitSource, { secret }: SourceOptions): string | undefined {
  if (key === undefined) return undefined;
  // What is read from a file or a form often ends with a line's end.
  const token = secret(key)?.trim();
  if (token) return token;
  throw new UserError(`the secret \`${key}\`, the token of deploy.source.git, has no value`, {
    code: "secret-missing",
    hint: setToken(key),
  });
}

/** The folder `source.path` of the clone. */
async function projectDir(source: GitSource, top: string, env: SourceOptions["env"]): Promise<string> {
  const root = realpathSync(top);
  const dir = join(root, source.path);
  const real = existsSync(dir) ? realpathSync(dir) : undefined;
  const inside = real !== undefined && (real === root || real.startsWith(root + sep));
  if (inside && statSync(real).isDirectory() && existsSync(join(real, "project.yml"))) return real;
  const { stdout } = await git(["ls-files", "-z", "--", "project.yml", "**/project.yml"], { cwd: root, env });
  const found = stdout
    .split("\0")
    .flatMap((file) => (file === "" ? [] : [`\`${file.replace(/\/?project\.yml$/, "") || "."}\``]));
  const known =
    found.length === 0 ? "the repository has none at all" : `there are ${found.slice(0, 10).join(", ")}`;
  throw new UserError(`${source.url} at ${source.ref} has no project.yml in \`${source.path}\``, {
    code: "source-path",
    hint: `${known}: correct deploy.source.git.path, and run \`handoff up\``,
  });
}

/** What a commit asks for and only an update of the deployment can bring. */
function checkDeployment(project: Project, commit: string, { secret, hasStore }: SourceOptions): void {
  const keys = new Set([...project.secrets.map(({ key }) => key), ...project.secretEnvs]);
  const missing = [
    ...[...keys].filter((key) => secret(key) === undefined).map((key) => `secret \`${key}\``),
    ...project.stores.filter(({ name }) => !hasStore(name)).map(({ name }) => `store \`${name}\``),
  ];
  if (missing.length === 0) return;
  throw new UserError(
    `commit ${commit.slice(0, 12)} declares what this deployment doesn't have: ${missing.join(", ")}`,
    {
      code: "not-in-deployment",
      hint: "check that commit out and run `handoff up`, after `handoff secrets set` for a new secret",
    },
  );
}

/** What is installed by the same commands from the same files is the same. */
function venvsDirOf({ installs }: Project, codeDir: string, { dir, cacheDir }: SourceOptions): string {
  const files = listProjectFiles(codeDir);
  const hash = createHash("sha256");
  for (const { venv, command } of installs) {
    hash.update(JSON.stringify([venv, command]));
    hash.update(contentHash(codeDir, filesNamedBy(command, codeDir, files)));
  }
  // An environment that refers to the clone's own files doesn't outlive it.
  const bound = installs.some(({ command }) => /\s(-e|--editable)\b/.test(command));
  return join(bound ? dir : cacheDir, "venvs", hash.digest("hex").slice(0, 16));
}

async function installSource(
  { installs }: Project,
  { codeDir, venvsDir }: Pick<OpenSource, "codeDir" | "venvsDir">,
  { dir, cacheDir, venvStore, env, log, signal }: SourceOptions,
): Promise<void> {
  if (installs.length === 0) return;
  const started = performance.now();
  // Those that refer to the clone's own files are of no use to another.
  const stored =
    venvStore === undefined || venvsDir.startsWith(dir + sep)
      ? undefined
      : { store: venvStore, env, log, ...(signal === undefined ? {} : { signal }) };
  if (stored !== undefined && !existsSync(venvsDir) && (await restoreVenvs(venvsDir, stored)))
    log("info", `fetched the virtual environments in ${since(started)}`);
  await mkdir(venvsDir, { recursive: true });
  await markUsed(venvsDir);
  const results = await installVenvs(installs, venvsDir, {
    log: (line) => log("info", line),
    env: { PIP_CACHE_DIR: join(cacheDir, "pip"), UV_CACHE_DIR: join(cacheDir, "uv"), ...env },
    cwd: codeDir,
    ...(signal === undefined ? {} : { signal }),
  }).catch((error: unknown) => {
    throw signal?.aborted ? interrupted(signal) : error;
  });
  const made = results.filter(({ installed }) => installed).map(({ venv }) => venv);
  if (made.length > 0) {
    log("info", `installed ${made.join(", ")} in ${since(started)}`);
    if (stored !== undefined) await storeVenvs(venvsDir, stored);
  }
  await removeUnused(dirname(venvsDir));
}

function since(started: number): string {
  return `${Math.round(performance.now() - started)} ms`;
}

/** Environments that no run has used for so long are removed. */
const unusedDays = 30;
const usedFile = ".used";

async function markUsed(venvsDir: string): Promise<void> {
  await writeFile(join(venvsDir, usedFile), "");
}

/** On a disk that stays: each change of the installs leaves environments behind. */
async function removeUnused(parent: string): Promise<void> {
  const limit = Date.now() - unusedDays * 86_400_000;
  for (const name of await readdir(parent)) {
    const dir = join(parent, name);
    const used = await stat(join(dir, usedFile)).catch(() => undefined);
    if (used !== undefined && used.mtimeMs < limit) await rm(dir, { recursive: true, force: true });
  }
}
