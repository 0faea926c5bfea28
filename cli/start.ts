/**
 * The CLI's first file, CommonJS when built: Node starts that some 20 ms sooner. `run` and `validate` are in one file, whose
 * compiled code is kept from one start to the next in the user's cache folder (`$HANDOFF_CACHE`, else `~/.cache/handoff`),
 * as Node does by itself from 22.1 on; that saves about 40 ms more. Where nothing can be kept, all works without.
 */
import {
  closeSync,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import nodeModule, { createRequire } from "node:module";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { Script } from "node:vm";

/** SHA-256 of hot.cjs in hex, put in by the build. */
declare const HOT_DIGEST: string;

const hotCommands = new Set(["run", "validate"]);
const hotFile = join(__dirname, "hot.cjs");

if (hotCommands.has(process.argv[2] ?? "")) startHot();
// Not a literal, which the bundler would follow.
else void import(pathToFileURL(join(__dirname, "main.js")).href);

function startHot(): void {
  const folder = join(process.env.HANDOFF_CACHE || join(homedir(), ".cache", "handoff"), "code");
  const { enableCompileCache } = nodeModule as { enableCompileCache?: (folder: string) => unknown };
  if (process.env.NODE_DISABLE_COMPILE_CACHE === "1" || enableCompileCache !== undefined) {
    enableCompileCache?.(folder);
    createRequire(__filename)(hotFile);
    return;
  }
  const cacheFile = join(folder, `${process.version}-${process.arch}`);
  const kept = readKept(cacheFile);
  const script = new Script(
    // The bundler writes ASCII.
    `(function (exports, require, module, __filename, __dirname) {${readFileSync(hotFile, "latin1")}\n})`,
    { filename: hotFile, ...(kept === null ? {} : { cachedData: kept }) },
  );
  const main: unknown = script.runInThisContext();
  if (typeof main !== "function") throw new Error(`${hotFile} is damaged: install handoff again`);
  // Afterwards: only then are the functions in it that were needed.
  if (kept === null || script.cachedDataRejected) process.once("exit", () => keep(cacheFile, script));
  main({}, createRequire(hotFile), { exports: {} }, hotFile, __dirname);
}

/** Null for what isn't there, isn't of this hot.cjs, or could have been written by another user. */
function readKept(file: string): Buffer | null {
  let fd: number;
  try {
    fd = openSync(file, "r");
  } catch {
    return null;
  }
  try {
    const { uid, mode } = fstatSync(fd);
    if (uid !== process.getuid?.() || (mode & 0o022) !== 0) return null;
    const bytes = readFileSync(fd);
    const digest = bytes.subarray(0, HOT_DIGEST.length).toString("latin1");
    return digest === HOT_DIGEST ? bytes.subarray(HOT_DIGEST.length) : null;
  } catch {
    return null;
  } finally {
    closeSync(fd);
  }
}

function keep(file: string, script: Script): void {
  const part = `${file}.${process.pid}.part`;
  try {
    makeFolder(dirname(file), 3);
    const bytes = Buffer.concat([Buffer.from(HOT_DIGEST, "latin1"), script.createCachedData()]);
    writeFileSync(part, bytes, { mode: 0o600, flush: true });
    renameSync(part, file);
  } catch {
    // A cache: no home, no room, no right to write. The next start compiles again.
    rmSync(part, { force: true });
  }
}

/** With as many of its parents as `depth` allows. Node's own `recursive` never ends where nothing can be made (/proc). */
function makeFolder(folder: string, depth: number): void {
  if (existsSync(folder) || depth === 0) return;
  makeFolder(dirname(folder), depth - 1);
  mkdirSync(folder, { mode: 0o700 });
}
