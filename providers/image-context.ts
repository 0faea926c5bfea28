/**
 * The folder that a project's image is built from: the runner, what the environments are installed from, and the project, so that
 * each is a layer that changes only with it. The same folder for BuildKit and for Docker's classic builder.
 */
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, relative } from "node:path";
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
 * Writes the folder anew.
 * @param dir default: `imageContextDir`
 */
export function writeImageContext(
  plan: DeployPlan,
  { dir = imageContextDir(plan.settings) }: { readonly dir?: string } = {},
): string {
  for (const folder of ["runner", "project", "installs"])
    rmSync(join(dir, folder), { recursive: true, force: true });
  const runner = dirname(runnerEntry());
  for (const file of listFiles(runner)) copy(join(runner, file), join(dir, "runner", file));
  for (const file of ["Dockerfile", "init"]) copy(join(packageDir(), "runner-image", file), join(dir, file));
  mkdirSync(join(dir, "installs", "project"), { recursive: true });
  mkdirSync(join(dir, "project"), { recursive: true });
  if (isGenericImage(plan)) writeNoProject(dir);
  else writeProject(plan, dir);
  return dir;
}

/** Whether the image holds no project, but clones one at its start (`deploy.source: git`): one for all of a team's. */
export function isGenericImage(plan: DeployPlan): boolean {
  return clones(plan);
}

/** What the Dockerfile is told: the stack's base, and of the project; nothing of it for a generic image, which is the same for all. */
export function imageArgs(plan: DeployPlan): Readonly<Record<string, string>> {
  const { imageBase } = plan.settings;
  const base = imageBase === undefined ? {} : { BASE: imageBase };
  if (isGenericImage(plan)) return { ...base, PROGRAMS: "git", INSTALLER: "uv" };
  return { ...base, CONTENT_HASH: plan.contentHash, PROJECT: plan.spec.project.name };
}

function writeProject({ spec, settings: { projectDir } }: DeployPlan, dir: string): void {
  const files = listProjectFiles(projectDir);
  const forInstalls = new Set(
    spec.project.installs.flatMap(({ command }) => filesNamedBy(command, projectDir, files)),
  );
  write(join(dir, "installs", "spec.json"), `${JSON.stringify(installSpec(spec), null, 1)}\n`);
  write(join(dir, "spec.json"), `${JSON.stringify(spec)}\n`);
  for (const file of forInstalls) copy(join(projectDir, file), join(dir, "installs", "project", file));
  for (const file of files) copy(join(projectDir, file), join(dir, "project", file));
}

/** `null` in place of a project's spec: the runner is told by HANDOFF_SOURCE_* what to clone. */
function writeNoProject(dir: string): void {
  write(join(dir, "installs", "spec.json"), '{"installs": []}\n');
  write(join(dir, "spec.json"), "null\n");
}

/** Paths of the files below `dir`, relative to it. */
export function listFiles(dir: string): string[] {
  const found = readdirSync(dir, { withFileTypes: true, recursive: true });
  return found
    .filter((entry) => entry.isFile())
    .map((entry) => relative(dir, join(entry.parentPath, entry.name)));
}

function copy(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true });
  copyFileSync(from, to);
  // Readable for the image's user, whatever the author's umask; executable as it was.
  chmodSync(to, (statSync(from).mode & 0o100) === 0 ? 0o644 : 0o755);
}

function write(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true });
  if (existsSync(file) && readFileSync(file, "utf8") === text) return;
  writeFileSync(file, text, { mode: 0o644 });
}
