/**
 * The virtual environments of a project's installs, built by the runner and shared by the deployments that install the
 * same. A failing install fails the update, with its output.
 */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { contentHash, filesNamedBy, listProjectFiles } from "../../model/content.js";
import type { Install } from "../../model/project.js";
import type { RunSpec } from "../../model/run.js";
import { withLock } from "../lock.js";
import { runnerEntry } from "./entries.js";
import { homePaths, makeDir } from "./home.js";
import { addReference, dropReference, pruneEmpty } from "./plugin-files.js";
import { type PluginContext, type ResourceKind, requireText, text } from "./plugin-kind.js";
import type { Props } from "./plugin-values.js";

/** Present when every install ended well. Environments can't be renamed into place: scripts in them hold their path. */
const completeMarker = ".complete";
/** Lines of a failed install's output that the error repeats. */
const outputLines = 40;

export const venvs: ResourceKind = {
  replaceOn: ["deployment", "key"],
  ignore: ["source", "codeDir", "spec"],
  check(inputs) {
    const failures = requireText(inputs, "deployment", "source");
    if (!isSpec(inputs.spec)) failures.push({ property: "spec", reason: "must be a runner's spec" });
    return failures;
  },
  derived: (inputs) => ({ key: installKey(text(inputs, "source"), specOf(inputs).project.installs) }),
  path: (inputs, context) => join(homePaths(context.home).venvs, text(inputs, "key")),
  async write(inputs, path, context) {
    makeDir(dirname(path));
    await withLock(`${path}.lock`, async () => {
      addReference(path, text(inputs, "deployment"));
      if (existsSync(join(path, completeMarker))) return;
      rmSync(path, { recursive: true, force: true });
      makeDir(path);
      await install(specOf(inputs), path, text(inputs, "codeDir"), context);
      writeFileSync(join(path, completeMarker), "", { mode: 0o600 });
    });
    return { venvsDir: path };
  },
  read(state, path) {
    if (!existsSync(join(path, completeMarker))) return undefined;
    const { deployment, key, source, codeDir, spec } = state;
    return { deployment, key, source, codeDir, spec };
  },
  async remove(state, path) {
    if (!existsSync(dirname(path))) return;
    await withLock(`${path}.lock`, () => {
      if (dropReference(path, text(state, "deployment"))) rmSync(path, { recursive: true, force: true });
    });
    pruneEmpty(dirname(path));
  },
};

function isSpec(value: unknown): value is RunSpec {
  if (typeof value !== "object" || value === null || !("project" in value)) return false;
  const { project } = value;
  return (
    typeof project === "object" &&
    project !== null &&
    "installs" in project &&
    Array.isArray(project.installs)
  );
}

function specOf(inputs: Props): RunSpec {
  if (!isSpec(inputs.spec)) throw new Error("property spec is not a runner's spec");
  return inputs.spec;
}

/**
 * Hash of the installs and of the project's files that their commands name: an edit of requirements.txt makes
 * `pip install -r requirements.txt` another install, an edit of a query does not.
 */
export function installKey(source: string, installs: readonly Install[]): string {
  const hash = createHash("sha256");
  const files = listProjectFiles(source);
  for (const { venv, command } of installs) {
    hash.update(JSON.stringify([venv, command]));
    const named = filesNamedBy(command, source, files);
    if (named.length > 0) hash.update(contentHash(source, named));
  }
  return hash.digest("hex");
}

/** Runs the built runner, the one place that knows how environments are made. */
async function install(
  spec: RunSpec,
  target: string,
  codeDir: string,
  context: PluginContext,
): Promise<void> {
  const temporary = mkdtempSync(join(tmpdir(), "handoff-install-"));
  try {
    const specFile = join(temporary, "spec.json");
    writeFileSync(specFile, JSON.stringify(spec), { mode: 0o600 });
    const args = [runnerEntry(), "install", "--spec", specFile, "--venvs", target];
    const { exitCode, output } = await run(process.execPath, args, codeDir, context);
    if (exitCode !== 0) {
      const tail = output.trimEnd().split("\n").slice(-outputLines).join("\n");
      throw new Error(`installing the virtual environments failed (exit code ${exitCode}):\n${tail}`);
    }
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

function run(command: string, args: string[], cwd: string, context: PluginContext) {
  return new Promise<{ exitCode: number; output: string }>((done, fail) => {
    const child = spawn(command, args, { cwd, env: context.env, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    const collect = (data: Buffer) => {
      // A noisy installer must not fill the memory; its end says what went wrong.
      output = (output + data.toString()).slice(-64 * 1024);
    };
    child.stdout.on("data", collect);
    child.stderr.on("data", collect);
    child.on("error", fail);
    child.on("close", (code, signal) => done({ exitCode: code ?? (signal ? 128 : 1), output }));
  });
}
