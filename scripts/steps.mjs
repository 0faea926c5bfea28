// What the scripts share: running programs, and saying what is going on.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("..", import.meta.url));

/**
 * Runs a program with its output shown. Rejects when it fails, unless `check` is false; resolves to its exit code.
 * `onStart` is given the process.
 */
export function run(file, args, { check = true, onStart, ...options } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { cwd: root, stdio: "inherit", ...options });
    onStart?.(child);
    child.on("error", reject);
    child.on("close", (code, signal) => {
      if (code === 0 || !check) resolve(code ?? 1);
      else reject(new Error(`${[file, ...args].join(" ")}: ${signal ?? `exit ${code}`}`));
    });
  });
}

/** Says what starts and how long it took. */
export async function step(name, action) {
  const started = Date.now();
  console.log(`== ${name}`);
  const result = await action();
  console.log(`   ${name}: done in ${((Date.now() - started) / 1000).toFixed(1)} s\n`);
  return result;
}

/** Finds the Pulumi engine, or gets it into the user's cache, where every later command finds it. */
export function ensureEngine() {
  const typescript = join(root, "scripts/ensure-engine.ts");
  return existsSync(typescript)
    ? run(process.execPath, ["--import", "tsx", typescript])
    : run(process.execPath, [join(root, "scripts/ensure-engine.mjs")]);
}
