import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import { UserError } from "../model/diagnostic.js";
import type { CliContext } from "./context.js";
import { print, say } from "./context.js";
import { packageVersion } from "./package-version.js";

/** npm leaves dot files out of packages, so templates hold them without the dot. */
const RENAMED: Readonly<Record<string, string>> = { gitignore: ".gitignore" };

/** Files of each repository, then those of the template itself. */
const SHARED = "shared";

interface Outcome {
  readonly written: readonly string[];
  readonly kept: readonly string[];
}

/**
 * Writes a template into `dir` (made when missing) and says what to do next. Files that exist are left alone.
 * @throws UserError `not-a-folder` when `dir` is a file.
 */
export function initProject(dir: string, template: string, context: CliContext): Outcome {
  const target = resolve(context.cwd, dir);
  if (existsSync(target) && !statSync(target).isDirectory()) {
    throw new UserError(`${dir} is a file`, { code: "not-a-folder", hint: "name a folder, or a new one" });
  }
  const hasProject = existsSync(join(target, "project.yml"));
  if (hasProject && existsSync(join(target, "Pulumi.yaml"))) {
    throw new UserError(`${join(dir, "project.yml")} exists: this is a project already`, {
      code: "project-exists",
      hint: "run it with `handoff run`, or name another folder",
    });
  }
  const name = projectName(basename(target));
  const written: string[] = [];
  const kept: string[] = [];
  // A project that can't be deployed yet, such as the Python tool's, gets what it lacks and nothing of a template.
  for (const folder of hasProject ? [SHARED] : [template, SHARED]) {
    const source = join(context.packageDir, "templates", folder);
    for (const file of listFiles(source)) {
      const path = join(dirname(file), RENAMED[basename(file)] ?? basename(file));
      if (existsSync(join(target, path))) {
        kept.push(path);
        continue;
      }
      mkdirSync(dirname(join(target, path)), { recursive: true });
      const text = readFileSync(join(source, file), "utf8").replaceAll("__NAME__", name);
      writeFileSync(join(target, path), text, { mode: statSync(join(source, file)).mode & 0o777 });
      written.push(path);
    }
  }
  (writeManifest(target, name, context) ? written : kept).push("package.json");
  report(dir, hasProject ? "hello" : template, { written, kept }, context);
  return { written, kept };
}

function listFiles(dir: string, prefix = ""): readonly string[] {
  return readdirSync(join(dir, prefix), { withFileTypes: true })
    .flatMap((entry) =>
      entry.isDirectory() ? listFiles(dir, join(prefix, entry.name)) : [join(prefix, entry.name)],
    )
    .sort();
}

/** What Pulumi and handoff both take as a name: letters, digits and hyphens, a letter first. */
function projectName(folder: string): string {
  const name = folder
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^[^a-z]+|-+$/g, "");
  return name || "pipeline";
}

/**
 * Makes package.json, or adds to one that is there what a Pulumi program needs and it lacks. Returns whether it was made.
 * handoff is an ES module, and so is a program that exports it.
 */
function writeManifest(target: string, name: string, context: CliContext): boolean {
  const file = join(target, "package.json");
  if (!existsSync(file)) {
    const manifest = {
      name,
      private: true,
      type: "module",
      dependencies: dependencies(target, context),
    };
    writeFileSync(file, `${JSON.stringify(manifest, null, 2)}\n`);
    return true;
  }
  const manifest = JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>;
  if (manifest.type === undefined) {
    writeFileSync(file, `${JSON.stringify({ ...manifest, type: "module" }, null, 2)}\n`);
    say(context, 'package.json: added "type": "module", which index.ts needs');
  } else if (manifest.type !== "module") {
    say(
      context,
      'package.json: "type" is not "module"; index.ts needs that for `handoff up` and `pulumi up`',
    );
  }
  return false;
}

/**
 * What a literal `pulumi up` needs in node_modules: handoff, tsx (which reads index.ts) and the Pulumi SDK. npm puts the last
 * two there with handoff. From a checkout, which no registry has, handoff is a link whose dependencies npm leaves where they
 * are, so they are links too: a second copy of the SDK would know nothing of the first one's stack.
 */
function dependencies(target: string, context: CliContext): Record<string, string> {
  if (!existsSync(join(context.packageDir, "model"))) {
    return { handoff: `^${packageVersion(context.packageDir)}` };
  }
  // npm follows a link by its text, so both ends are real paths.
  const from = existsSync(target) ? realpathSync(target) : target;
  const checkout = realpathSync(context.packageDir);
  const link = (path: string) => `file:${relative(from, join(checkout, path)).split(sep).join("/")}`;
  return {
    "@pulumi/pulumi": link("node_modules/@pulumi/pulumi"),
    handoff: link(""),
    tsx: link("node_modules/tsx"),
  };
}

function report(dir: string, template: string, { written, kept }: Outcome, context: CliContext): void {
  for (const path of written) print(context, join(dir, path));
  for (const path of kept) say(context, `kept ${join(dir, path)}, which was there`);
  const steps = [
    ...(dir === "." ? [] : [`cd ${dir.includes(" ") ? `'${dir}'` : dir}`]),
    ...(template === "hello" ? [] : ["handoff install     # its virtual environments, once"]),
    "handoff run         # run it here, now",
    "npm install         # what deploying needs, once",
    "handoff up dev      # deploy it to this machine, with its schedule",
  ];
  say(context, `\nNext:\n${steps.map((s) => `  ${s}`).join("\n")}`);
}
