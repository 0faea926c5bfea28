/**
 * The folder that a project's image is built from: the runner, what the environments are installed from, and the project, so that
 * each is a layer that changes only with it. The same folder for BuildKit and for Docker's classic builder.
 */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { filesNamedBy, listProjectFiles } from "../model/content.js";
import { installSpec } from "../model/plan.js";
import type { DeployPlan, StackSettings } from "../model/plan-types.js";
import { clones } from "./git-source.js";
import { packageDir, runnerEntry } from "./local/entries.js";

/** Where it is, absolute: in the project's `.handoff/`, which git ignores. */
export function imageContextDir({ projectDir }: Pick<StackSettings, "projectDir">): string {
  return join(projectDir, ".handoff", "image");
}

/** The same as the state has it: relative to the folder of Pulumi.yaml, so that two machines don't differ. */
export function imageContextPath(settings: Pick<StackSettings, "projectDir" | "root">): string {
  return `./${relative(settings.root, imageContextDir(settings)).replaceAll("\\", "/")}`;
}

/** Whether a deployment of the plan builds an image. */
export function buildsImage({ settings }: DeployPlan): boolean {
  return settings.cloud !== "local" && settings.image === undefined;
}

/**
 * Brings the folder up to date. What is as it should be stays untouched: several stacks of a project may be deployed at a time,
 * and one's image be built from the folder while another one writes it.
 * @param dir default: `imageContextDir`
 */
export function writeImageContext(
  plan: DeployPlan,
  { dir = imageContextDir(plan.settings) }: { readonly dir?: string } = {},
): string {
  const context = new ContextFolder(dir);
  const runner = dirname(runnerEntry());
  for (const file of listFiles(runner)) context.copy(join(runner, file), join("runner", file));
  for (const file of ["Dockerfile", "init"]) context.copy(join(packageDir(), "runner-image", file), file);
  if (isGenericImage(plan)) writeNoProject(context);
  else writeProject(plan, context);
  context.tidy(["runner", "project", "installs"], [join("installs", "project"), "project"]);
  return dir;
}

/** Whether the image holds no project, but clones one at its start (`deploy.source: git`): one for all of a team's. */
export function isGenericImage(plan: DeployPlan): boolean {
  return clones(plan);
}

/** What the Dockerfile is told: the stack's base, and of the project; nothing of it for a generic image, which is the same for all. */
export function imageArgs(plan: DeployPlan): Readonly<Record<string, string>> {
  const { imageBase, imageNode } = plan.settings;
  const base = {
    ...(imageBase === undefined ? {} : { BASE: imageBase }),
    ...(imageNode === undefined ? {} : { NODE: imageNode }),
  };
  if (isGenericImage(plan)) return { ...base, PROGRAMS: "git", INSTALLER: "uv" };
  return { ...base, CONTENT_HASH: plan.contentHash, PROJECT: plan.spec.project.name };
}

function writeProject({ spec, settings: { projectDir } }: DeployPlan, context: ContextFolder): void {
  const files = listProjectFiles(projectDir);
  const forInstalls = new Set(
    spec.project.installs.flatMap(({ command }) => filesNamedBy(command, projectDir, files)),
  );
  context.write(join("installs", "spec.json"), `${JSON.stringify(installSpec(spec), null, 1)}\n`);
  context.write("spec.json", `${JSON.stringify(spec)}\n`);
  for (const file of forInstalls) context.copy(join(projectDir, file), join("installs", "project", file));
  for (const file of files) context.copy(join(projectDir, file), join("project", file));
}

/** `null` in place of a project's spec: the runner is told by HANDOFF_SOURCE_* what to clone. */
function writeNoProject(context: ContextFolder): void {
  context.write(join("installs", "spec.json"), '{"installs": []}\n');
  context.write("spec.json", "null\n");
}

/** Paths of the files below `dir`, relative to it. */
export function listFiles(dir: string): string[] {
  const found = readdirSync(dir, { withFileTypes: true, recursive: true });
  return found
    .filter((entry) => entry.isFile())
    .map((entry) => relative(dir, join(entry.parentPath, entry.name)));
}

/** A folder whose files are replaced as a whole, and only where they differ. */
class ContextFolder {
  readonly #dir: string;
  readonly #files = new Set<string>();

  constructor(dir: string) {
    this.#dir = dir;
  }

  copy(from: string, path: string): void {
    // Readable for the image's user, whatever the author's umask; executable as it was.
    this.#put(path, readFileSync(from), (statSync(from).mode & 0o100) === 0 ? 0o644 : 0o755);
  }

  write(path: string, text: string): void {
    this.#put(path, Buffer.from(text), 0o644);
  }

  /** Removes what is in `folders` and was not written; `kept` are there, be they empty. */
  tidy(folders: readonly string[], kept: readonly string[]): void {
    for (const folder of kept) mkdirSync(join(this.#dir, folder), { recursive: true });
    const needed = new Set([...this.#files, ...kept].flatMap(withParents));
    for (const folder of folders) {
      if (!existsSync(join(this.#dir, folder))) continue;
      for (const entry of readdirSync(join(this.#dir, folder), { recursive: true })) {
        const path = join(folder, String(entry));
        if (!needed.has(path)) rmSync(join(this.#dir, path), { recursive: true, force: true });
      }
    }
  }

  #put(path: string, content: Buffer, mode: number): void {
    this.#files.add(path);
    const file = join(this.#dir, path);
    if (isSame(file, content, mode)) return;
    mkdirSync(dirname(file), { recursive: true });
    // Beside the folder's contents, which an image is built from.
    const part = join(dirname(this.#dir), `.${basename(this.#dir)}.${process.pid}.part`);
    writeFileSync(part, content);
    chmodSync(part, mode);
    renameSync(part, file);
  }
}

function isSame(file: string, content: Buffer, mode: number): boolean {
  const stat = statSync(file, { throwIfNoEntry: false });
  if (!stat?.isFile() || (stat.mode & 0o777) !== mode || stat.size !== content.length) return false;
  return readFileSync(file).equals(content);
}

/** `a/b/c` is in `a/b`, which is in `a`. */
function withParents(path: string): string[] {
  const parent = dirname(path);
  return parent === "." ? [path] : [path, ...withParents(parent)];
}
