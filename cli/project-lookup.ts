import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { UserError } from "../model/diagnostic.js";

export const PROJECT_FILE = "project.yml";

/** The folder, then each of its parents. */
export function* upward(from: string): Generator<string> {
  let dir = resolve(from);
  for (;;) {
    yield dir;
    const parent = dirname(dir);
    if (parent === dir) return;
    dir = parent;
  }
}

/**
 * Folder of the project that a command is about: `-p DIR`; else the nearest `project.yml` upward from `cwd`; else the
 * `handoff:project` that the stacks of the nearest Pulumi.yaml agree on.
 * @throws UserError `no-project`, saying where it looked.
 */
export function findProjectDir(cwd: string, option: string | undefined): string {
  if (option !== undefined) return givenProjectDir(cwd, option);
  for (const dir of upward(cwd)) if (existsSync(join(dir, PROJECT_FILE))) return dir;
  const root = findStackRoot(cwd);
  const candidates = root === undefined ? [] : projectsOfStacks(root);
  const [only] = candidates;
  if (only !== undefined && candidates.length === 1) return only;
  if (candidates.length > 1) {
    throw new UserError(
      `the stacks here have several projects: ${candidates.map((c) => relative(cwd, c)).join(", ")}`,
      {
        code: "ambiguous-project",
        hint: "name one with -p DIR",
      },
    );
  }
  throw new UserError(`no ${PROJECT_FILE} in ${resolve(cwd)} or above it`, {
    code: "no-project",
    hint: "go to a project's folder, name it with -p DIR, or make one: handoff init my-pipeline",
  });
}

function givenProjectDir(cwd: string, option: string): string {
  const dir = resolve(cwd, option);
  // `-p path/to/project.yml` says the same.
  if (option.endsWith(PROJECT_FILE) && existsSync(dir) && statSync(dir).isFile()) return dirname(dir);
  if (!existsSync(dir)) {
    throw new UserError(`no such folder: ${option}`, {
      code: "no-project",
      hint: "-p takes the folder that holds project.yml",
    });
  }
  if (!existsSync(join(dir, PROJECT_FILE))) {
    throw new UserError(`no ${PROJECT_FILE} in ${option}`, {
      code: "no-project",
      hint: `-p takes the folder that holds ${PROJECT_FILE}; make one with: handoff init ${option}`,
    });
  }
  return dir;
}

/** Nearest folder upward that holds Pulumi.yaml; undefined when there is none. */
export function findStackRoot(cwd: string): string | undefined {
  for (const dir of upward(cwd)) if (existsSync(join(dir, "Pulumi.yaml"))) return dir;
  return undefined;
}

/** Nearest folder upward that holds Pulumi.yaml. @throws UserError `no-stack` */
export function requireStackRoot(cwd: string): string {
  const root = findStackRoot(cwd);
  if (root === undefined) {
    throw new UserError(`no Pulumi.yaml in ${resolve(cwd)} or above it`, {
      code: "no-stack",
      hint: "go to a folder that `handoff init` made, or make one: handoff init my-pipeline",
    });
  }
  return root;
}

/** Names of the stacks that have a `Pulumi.<stack>.yaml`, sorted. */
export function listStackFiles(root: string): readonly string[] {
  const dir = stackFolder(root);
  return (existsSync(dir) ? readdirSync(dir) : [])
    .map((file) => /^Pulumi\.(.+)\.yaml$/.exec(file)?.[1])
    .filter((name) => name !== undefined)
    .sort();
}

/** `stackConfigDir` of Pulumi.yaml, which was called `config` once. */
function stackFolder(root: string): string {
  const text = readFileSync(join(root, "Pulumi.yaml"), "utf8");
  const dir = /^(?:stackConfigDir|config):[ \t]+["']?([^"'{#\n]+?)["']?[ \t]*(?:#.*)?$/m.exec(text)?.[1];
  return dir === undefined ? root : resolve(root, dir);
}

/** Those of the stacks' files, and the one that Pulumi.yaml names for all that name none. */
function projectsOfStacks(root: string): readonly string[] {
  const stacks = listStackFiles(root).map((stack) =>
    namedProject(readFileSync(join(stackFolder(root), `Pulumi.${stack}.yaml`), "utf8")),
  );
  const shared = namedProject(readFileSync(join(root, "Pulumi.yaml"), "utf8"));
  const dirs = (stacks.length === 0 ? [shared] : stacks.map((dir) => dir ?? shared))
    .filter((dir) => dir !== undefined)
    .map((dir) => resolve(root, dir))
    .filter((dir) => existsSync(join(dir, PROJECT_FILE)));
  return [...new Set(dirs)];
}

/** One scalar of a file that Pulumi writes; the YAML library would cost a newcomer's `run` for nothing. */
function namedProject(text: string): string | undefined {
  const value =
    /^\s+["']?handoff:project["']?:\s*(?:\{?\s*value:\s*)?["']?([^"'{}\n#]+?)["']?\s*\}?\s*(?:#.*)?$/m;
  return value.exec(text)?.[1];
}

/**
 * The stack that a command is about and the folder of its Pulumi.yaml.
 * @throws UserError `no-stack` when there is none, or several and none is named.
 */
export function findStack(
  cwd: string,
  option: string | undefined,
): { readonly root: string; readonly stack: string } {
  const root = requireStackRoot(cwd);
  if (option !== undefined) return { root, stack: option };
  const stacks = listStackFiles(root);
  const [only] = stacks;
  if (only !== undefined && stacks.length === 1) return { root, stack: only };
  throw new UserError(
    stacks.length === 0
      ? `no Pulumi.<stack>.yaml in ${root}`
      : `which stack? There are: ${stacks.slice(0, 10).join(", ")}${stacks.length > 10 ? `, and ${stacks.length - 10} more` : ""}`,
    {
      code: "no-stack",
      hint: stacks.length === 0 ? "make one: handoff stack new dev" : `name one, such as ${stacks[0]}`,
    },
  );
}
