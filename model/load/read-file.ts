import { closeSync, fstatSync, lstatSync, openSync, readdirSync, readSync, statSync } from "node:fs";
import path from "node:path";
import type { Diagnostic } from "../diagnostic.js";

/** Larger files are refused unread: no project needs them, and parsing one would take seconds. */
const maxBytes = 1024 * 1024;

export type FileText = { readonly text: string } | { readonly problem: Diagnostic };

/** Text of `dir/project.yml`, or why it can't be had. */
export function readProjectText(dir: string, display: string): FileText {
  const file = path.join(dir, "project.yml");
  const fail = (code: string, message: string, hint: string, line = 1, column = 1): FileText => ({
    problem: { severity: "error", code, message, hint, location: { file: display, line, column } },
  });
  let bytes: Buffer;
  try {
    const stat = statSync(file);
    if (stat.isDirectory())
      return fail("not-a-file", "project.yml is a folder", "Put a file of that name in its place.");
    if (!stat.isFile())
      return fail("not-a-file", "project.yml is not a regular file", "Put a text file in its place.");
    if (stat.size > maxBytes) {
      return fail(
        "file-too-large",
        `project.yml is ${Math.ceil(stat.size / maxBytes)} MiB large; at most 1 MiB is read`,
        "Put data into files under `files/`, and scripts into files of their own.",
      );
    }
    bytes = readAtMost(file, maxBytes);
  } catch (error) {
    return missingOrUnreadable(error, dir, fail);
  }
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)) {
    return fail("not-utf8", "project.yml is UTF-16 text", "Save it as UTF-8.");
  }
  const nul = bytes.indexOf(0);
  if (nul >= 0) {
    const { line, column } = place(bytes, nul);
    return fail(
      "binary-file",
      "project.yml is not text: it holds a NUL byte",
      "Put a YAML file in its place.",
      line,
      column,
    );
  }
  try {
    return { text: new TextDecoder("utf-8", { fatal: true }).decode(bytes) };
  } catch {
    const { line, column } = place(bytes, firstInvalid(bytes));
    return fail("not-utf8", "project.yml is not UTF-8 text", "Save it as UTF-8.", line, column);
  }
}

type Fail = (code: string, message: string, hint: string) => FileText;

function missingOrUnreadable(error: unknown, dir: string, fail: Fail): FileText {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (code === "EACCES" || code === "EPERM") {
    return fail(
      "unreadable-file",
      "project.yml can't be read: permission denied",
      "Give yourself permission to read it.",
    );
  }
  if (code === "ELOOP")
    return fail("unreadable-file", "project.yml is a link to itself", "Put a file in its place.");
  if (code !== "ENOENT" && code !== "ENOTDIR") {
    return fail(
      "unreadable-file",
      `project.yml can't be read: ${code || "unknown reason"}`,
      "Check the disk and the path.",
    );
  }
  if (isBrokenLink(path.join(dir, "project.yml"))) {
    return fail("missing-file", "project.yml is a link to a file that doesn't exist", "Mend the link.");
  }
  const other = nearestProject(dir);
  const what = statSync(dir, { throwIfNoEntry: false })?.isDirectory()
    ? "there is no project.yml in this folder"
    : "this folder doesn't exist";
  const yaml = isFile(path.join(dir, "project.yaml"));
  return fail(
    "missing-file",
    what,
    yaml
      ? "Rename project.yaml to project.yml."
      : other
        ? `Use the one in \`${other}\` (\`-p ${other}\`), or make one with \`handoff init\`.`
        : "Make one with `handoff init`.",
  );
}

/** A folder near `dir` with a project.yml: above it, or one of its `projects/*`. */
function nearestProject(dir: string): string | undefined {
  for (let above = path.dirname(path.resolve(dir)), i = 0; i < 6; above = path.dirname(above), i++) {
    if (isFile(path.join(above, "project.yml"))) return path.relative(path.resolve(dir), above);
  }
  try {
    const names = readdirSync(path.join(dir, "projects")).sort();
    const found = names.find((name) => isFile(path.join(dir, "projects", name, "project.yml")));
    return found && path.join("projects", found);
  } catch {
    return undefined;
  }
}

function isFile(file: string): boolean {
  try {
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

function isBrokenLink(file: string): boolean {
  try {
    return lstatSync(file).isSymbolicLink();
  } catch {
    return false;
  }
}

function readAtMost(file: string, limit: number): Buffer {
  const handle = openSync(file, "r");
  try {
    const buffer = Buffer.alloc(Math.min(fstatSync(handle).size, limit));
    let filled = 0;
    while (filled < buffer.length) {
      const count = readSync(handle, buffer, filled, buffer.length - filled, filled);
      if (count === 0) break;
      filled += count;
    }
    return buffer.subarray(0, filled);
  } finally {
    closeSync(handle);
  }
}

function place(bytes: Buffer, offset: number): { line: number; column: number } {
  let line = 1;
  let lineStart = 0;
  for (let at = bytes.indexOf(10); at >= 0 && at < offset; at = bytes.indexOf(10, at + 1)) {
    line++;
    lineStart = at + 1;
  }
  return { line, column: offset - lineStart + 1 };
}

/** Offset of the first byte that isn't UTF-8: up to it, decoding and encoding again changes nothing. */
function firstInvalid(bytes: Buffer): number {
  const again = Buffer.from(bytes.toString("utf8"), "utf8");
  let at = 0;
  while (at < bytes.length && bytes[at] === again[at]) at++;
  return at;
}
