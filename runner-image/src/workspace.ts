/**
 * Makes the folder that a run's commands work in: the project's `files/` with their templates rendered, `artifacts/`,
 * and the files that hold secrets.
 *
 * Text files under `files/` are templates. Not rendered, but copied as they are: what isn't text, what is larger than
 * 1 MiB, and what the list `files/.norender` names, one glob pattern a line (relative to `files/`, `#` for comments): a
 * dbt project, say, whose models have Jinja of their own, is listed as `dbt/**`.
 */
import * as fs from "node:fs/promises";
import path from "node:path";
import { listProjectFiles } from "../../model/content.js";
import { type Diagnostic, UserError } from "../../model/diagnostic.js";
import type { GlobSet } from "../../model/glob.js";
import { noRenderList, readNoRender } from "../../model/norender.js";
import type { RunRequest, RunSpec } from "../../model/run.js";
import { renderTemplate, type TemplateScope } from "../../model/template.js";
import { readManifest, writeManifest } from "./workspace/manifest.js";
import { isInside, mayReplace, replaceFile, writeSecret } from "./workspace/write.js";

export interface WorkspaceOptions {
  readonly spec: RunSpec;
  readonly request: RunRequest;
  /** Folder of the project: holds `files/`. */
  readonly codeDir: string;
  /** Made where it isn't there; what commands left in it stays. Must not be the project's folder. */
  readonly workDir: string;
  readonly scope: TemplateScope;
  /** strict: an undefined name is an error; lenient (0.x): it is empty, with a warning. */
  readonly mode: "strict" | "lenient";
  /** Values by key. */
  readonly secrets: Readonly<Record<string, string>>;
  /** Told of the files (absolute paths) that may hold a secret's value, before they are there. */
  readonly onSecretFiles?: (files: readonly string[]) => void;
}

/** Larger files are data, not templates. */
export const maxTemplateBytes = 1024 * 1024;

/**
 * Makes the workspace and gives back every problem with a file of it. With an error among them, the run must not start;
 * the file in question isn't written, and no file of secrets. Files of an earlier run that the project no longer has are removed; files that
 * commands wrote are not.
 * @throws UserError for a link that leads out of the project, and for a workspace that is the project's folder.
 */
export async function prepareWorkspace(options: WorkspaceOptions): Promise<Diagnostic[]> {
  const { codeDir, workDir } = options;
  await checkFolders(codeDir, workDir);
  await fs.mkdir(path.join(workDir, "artifacts"), { recursive: true });
  await fs.mkdir(path.join(workDir, "files"), { recursive: true });
  const before = await readManifest(workDir);

  const diagnostics: Diagnostic[] = [];
  const written: string[] = [];
  const withSecrets: string[] = [];
  const filesDir = path.join(codeDir, "files");
  const raw = readNoRender(filesDir);
  const sources = listProjectFiles(codeDir)
    .filter((name) => name.startsWith("files/") && name !== `files/${noRenderList}`)
    .map((name) => name.slice("files/".length));
  // Before anything is written: a crash in the middle must not leave a file of secrets that nobody knows of.
  const planned = [
    ...new Set([...before.files, ...sources.map((name) => `files/${name}`), ...secretPaths(options)]),
  ];
  await writeManifest(workDir, { schemaVersion: 1, files: planned, secretFiles: planned });
  const tell = (files: readonly string[]) =>
    options.onSecretFiles?.(files.map((file) => path.resolve(workDir, file)));
  tell(planned);

  for (const name of sources) {
    const outcome = await placeFile(name, filesDir, raw, options);
    diagnostics.push(...outcome.diagnostics);
    if (outcome.written) written.push(`files/${name}`);
    if (outcome.secret) withSecrets.push(`files/${name}`);
  }
  const failed = diagnostics.some((diagnostic) => diagnostic.severity === "error");
  const secrets = failed ? { written: [], diagnostics: [] } : await writeSecrets(options);
  diagnostics.push(...secrets.diagnostics);
  withSecrets.push(...secrets.written);

  const now = new Set([...written, ...secrets.written]);
  for (const stale of before.files)
    if (!now.has(stale)) await fs.rm(path.join(workDir, stale), { force: true });
  await removeEmptyFolders(workDir, before.files);
  await writeManifest(workDir, { schemaVersion: 1, files: [...now], secretFiles: withSecrets });
  tell(withSecrets);
  return diagnostics;
}

/** Removes every file with a secret's value from a workspace. To be called when the run has ended, however it ended. */
export async function removeSecretFiles(workDir: string): Promise<void> {
  const manifest = await readManifest(workDir);
  if (manifest.secretFiles.length === 0) return;
  for (const file of manifest.secretFiles) await fs.rm(path.join(workDir, file), { force: true });
  const gone = new Set(manifest.secretFiles);
  const files = manifest.files.filter((file) => !gone.has(file));
  await writeManifest(workDir, { schemaVersion: 1, files, secretFiles: [] });
}

async function checkFolders(codeDir: string, workDir: string): Promise<void> {
  await fs.mkdir(workDir, { recursive: true });
  const [code, work] = [await fs.realpath(codeDir), await fs.realpath(workDir)];
  if (code === work || isInside(path.join(code, "files"), work)) {
    throw new UserError(
      "the workspace is the project's own folder: its files would be overwritten by rendered ones",
      {
        code: "workspace-is-project",
        hint: "Choose another folder with -w, or leave -w out.",
      },
    );
  }
}

interface Placed {
  readonly written: boolean;
  /** Whether a secret's value got into it. */
  readonly secret: boolean;
  readonly diagnostics: readonly Diagnostic[];
}

async function placeFile(
  name: string,
  filesDir: string,
  raw: GlobSet,
  options: WorkspaceOptions,
): Promise<Placed> {
  const shown = `files/${name}`;
  const target = path.join(options.workDir, "files", name);
  const source = await fs.realpath(path.join(filesDir, name));
  if (!(await mayReplace(options.workDir, target))) {
    return refused(
      shown,
      "file-in-the-way",
      "the workspace has a folder or a link in its place",
      "Use another workspace.",
    );
  }
  const stats = await fs.stat(source);
  const mode = (stats.mode & 0o777) | 0o600;
  const text = stats.size > maxTemplateBytes || raw.matches(name) ? null : decode(await fs.readFile(source));
  if (text === null || !/\{\{|\{%|\{#/.test(text)) {
    await replaceFile(target, { from: source }, mode);
    return { written: true, secret: false, diagnostics: [] };
  }
  const rendered = renderTemplate(text, options.scope, options.mode);
  const diagnostics = rendered.problems.map((problem): Diagnostic => {
    const location = { file: shown, line: problem.line ?? 1, column: problem.column ?? 1 };
    const { severity, message } = problem;
    const hint = `${problem.hint ?? "Correct the template"}; if this file isn't a template of handoff's, list it in files/${noRenderList}.`;
    return { severity, code: problem.code, message, hint, location };
  });
  if (diagnostics.some((diagnostic) => diagnostic.severity === "error")) {
    return { written: false, secret: false, diagnostics };
  }
  const secret = Object.values(options.secrets).some(
    (value) => value !== "" && rendered.text.includes(value) && !text.includes(value),
  );
  await replaceFile(target, { text: rendered.text }, secret ? 0o600 : mode);
  return { written: true, secret, diagnostics };
}

function refused(file: string, code: string, message: string, hint: string): Placed {
  const diagnostic: Diagnostic = {
    severity: "error",
    code,
    message: `${file}: ${message}`,
    hint,
    location: { file, line: 1, column: 1 },
  };
  return { written: false, secret: false, diagnostics: [diagnostic] };
}

/** Null for what isn't UTF-8 text. */
function decode(bytes: Buffer): string | null {
  if (bytes.subarray(0, 8192).includes(0)) return null;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}

function secretPaths(options: WorkspaceOptions): string[] {
  return options.spec.project.secrets.flatMap(({ file }) =>
    file === undefined ? [] : [path.posix.normalize(file)],
  );
}

async function writeSecrets(
  options: WorkspaceOptions,
): Promise<{ written: string[]; diagnostics: Diagnostic[] }> {
  const written: string[] = [];
  const diagnostics: Diagnostic[] = [];
  for (const { key, file } of options.spec.project.secrets) {
    if (file === undefined) continue;
    const value = options.secrets[key];
    const name = path.posix.normalize(file);
    if (value === undefined) {
      diagnostics.push({
        severity: "error",
        code: "secret-missing",
        message: `the secret ${key}, which belongs in ${file}, has no value`,
        hint: `Set it with \`handoff secrets set ${key}\`, or put it into .secrets/${key} for local runs.`,
      });
    } else if (await writeSecret(options.workDir, name, value)) written.push(name);
    else {
      diagnostics.push({
        severity: "error",
        code: "path-escapes",
        message: `the file of the secret ${key} would be outside of the workspace: ${file}`,
        hint: "Give a path under the workspace, such as files/key.json.",
      });
    }
  }
  return { written, diagnostics };
}

async function removeEmptyFolders(workDir: string, files: readonly string[]): Promise<void> {
  const folders = new Set(files.flatMap((file) => ancestors(file)));
  for (const folder of [...folders].sort((a, b) => b.length - a.length)) {
    // Fails, as it should, where something is in it.
    if (folder !== "files" && folder !== "artifacts")
      await fs.rmdir(path.join(workDir, folder)).catch(() => undefined);
  }
}

function ancestors(file: string): string[] {
  const parts = file.split("/").slice(0, -1);
  return parts.map((_, index) => parts.slice(0, index + 1).join("/"));
}
