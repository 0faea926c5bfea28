/** Writing into a workspace, where commands of an earlier run may have left links and folders. */
import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import * as fs from "node:fs/promises";
import path from "node:path";

/** Whether `inner` is `outer` or below it; both absolute. */
export function isInside(outer: string, inner: string): boolean {
  const relative = path.relative(outer, inner);
  return (
    relative === "" ||
    (relative !== ".." && !relative.startsWith(`..${path.sep}`) && !path.isAbsolute(relative))
  );
}

/** Makes the folder of `target` and says whether a file can be put there without leaving the workspace. */
export async function mayReplace(workDir: string, target: string): Promise<boolean> {
  const folder = path.dirname(target);
  if (!isInside(path.resolve(workDir), path.resolve(target))) return false;
  try {
    await fs.mkdir(folder, { recursive: true });
  } catch {
    return false;
  }
  if (!isInside(await fs.realpath(workDir), await fs.realpath(folder))) return false;
  const there = await fs.lstat(target).catch(() => null);
  return there?.isDirectory() !== true;
}

/** Under another name first, so that nobody sees half a file and a link is replaced, not followed. Unchanged: left be. */
export async function replaceFile(
  target: string,
  content: { readonly text: string } | { readonly from: string },
  mode: number,
): Promise<void> {
  if (await isUnchanged(target, content, mode)) return;
  const part = `${target}.${randomBytes(4).toString("hex")}.part`;
  try {
    if ("text" in content) await fs.writeFile(part, content.text, { mode: 0o600, flag: "wx" });
    else {
      await fs.copyFile(content.from, part, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
      const { atime, mtime } = await fs.stat(content.from);
      await fs.chmod(part, mode);
      await fs.utimes(part, atime, mtime);
    }
    await fs.chmod(part, mode);
    await fs.rename(part, target);
  } catch (error) {
    await fs.rm(part, { force: true });
    throw error;
  }
}

async function isUnchanged(
  target: string,
  content: { readonly text: string } | { readonly from: string },
  mode: number,
): Promise<boolean> {
  const there = await fs.lstat(target).catch(() => null);
  if (!there?.isFile() || (there.mode & 0o777) !== mode || there.nlink > 1) return false;
  if ("text" in content) {
    return (
      there.size === Buffer.byteLength(content.text) && (await fs.readFile(target, "utf8")) === content.text
    );
  }
  const source = await fs.stat(content.from);
  if (there.size !== source.size) return false;
  // Comparing is cheaper than writing up to here; beyond, a copy of ours has its source's time.
  if (source.size > 16 * 1024 * 1024) return there.mtimeMs === source.mtimeMs;
  return (await fs.readFile(target)).equals(await fs.readFile(content.from));
}

/** Writes `value` (0600, in a folder of 0700); false when the path leads out of the workspace. */
export async function writeSecret(workDir: string, name: string, value: string): Promise<boolean> {
  const target = path.join(workDir, name);
  if (path.isAbsolute(name) || !(await mayReplace(workDir, target))) return false;
  const folder = path.dirname(target);
  if (path.resolve(folder) !== path.resolve(workDir)) await fs.chmod(folder, 0o700);
  await replaceFile(target, { text: value }, 0o600);
  return true;
}
