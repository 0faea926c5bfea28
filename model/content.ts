import { createHash } from "node:crypto";
import { lstatSync, readdirSync, readFileSync, realpathSync, statSync } from "node:fs";
import path from "node:path";
import { UserError } from "./diagnostic.js";

/** Never part of a project's content: tools' own folders, and secrets. */
const ignored = new Set([".git", ".handoff", ".secrets", "__pycache__", "node_modules", ".DS_Store"]);

/**
 * Paths (relative to `dir`, with `/`, sorted by code unit) of what a deployment takes along: `project.yml` and all
 * under `files/`. Symbolic links are followed inside the project.
 * @throws UserError `link-outside` for a link that leaves the project, `broken-link` for one that leads nowhere.
 */
export function listProjectFiles(dir: string): string[] {
  const root = realpathSync(dir);
  const found: string[] = [];
  const add = (relative: string, open: ReadonlySet<string>): void => {
    const absolute = path.join(root, relative);
    const real = realPathInside(root, absolute, relative);
    const stat = statSync(real);
    if (stat.isFile()) found.push(relative);
    // A folder that is inside itself through a link is listed once.
    if (!stat.isDirectory() || open.has(real)) return;
    const within = new Set([...open, real]);
    for (const name of readdirSync(real)) {
      if (!ignored.has(name) && !name.endsWith(".pyc")) add(`${relative}/${name}`, within);
    }
  };
  for (const name of ["project.yml", "files"]) {
    if (lstatSync(path.join(root, name), { throwIfNoEntry: false })) add(name, new Set());
  }
  return found.sort();
}

function realPathInside(root: string, absolute: string, relative: string): string {
  if (!lstatSync(absolute).isSymbolicLink()) return absolute;
  let real: string;
  try {
    real = realpathSync(absolute);
  } catch {
    throw new UserError(`${relative} is a link to a file that doesn't exist`, {
      code: "broken-link",
      hint: "Remove the link, or make the file that it names.",
    });
  }
  if (real !== root && !real.startsWith(root + path.sep)) {
    throw new UserError(`${relative} is a link to something outside of the project`, {
      code: "link-outside",
      hint: "Copy the file into the project: only the project's folder is deployed.",
    });
  }
  return real;
}

/** SHA-256 (hex) over the paths, the executable bits and the contents of the project's files, or of some of them. */
export function contentHash(dir: string, files: readonly string[] = listProjectFiles(dir)): string {
  const hash = createHash("sha256");
  for (const relative of files) {
    const file = path.join(dir, relative);
    const content = readFileSync(file);
    const mode = statSync(file).mode & 0o100 ? "x" : "-";
    // Lengths make the stream unambiguous: no two lists of files give the same bytes.
    hash.update(`${Buffer.byteLength(relative)}:${relative}:${mode}:${content.length}:`);
    hash.update(content);
  }
  return hash.digest("hex");
}

/** The project's files that a command names, as `pip install -r files/requirements.txt` does; a folder means all in it. */
export function filesNamedBy(command: string, dir: string, files = listProjectFiles(dir)): string[] {
  const words = command.split(/[\s"'=;&|<>]+/).map((word) => word.replace(/\[.*\]$/, ""));
  const named = new Set(words.map((word) => path.relative(dir, path.resolve(dir, word))));
  named.delete("");
  return files.filter((file) => [...named].some((name) => file === name || file.startsWith(`${name}/`)));
}
