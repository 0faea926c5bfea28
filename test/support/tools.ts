/** Programs that tests need and no package of ours brings: built or installed once, below .cache/test-tools. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL("../../.cache/test-tools/", import.meta.url));

/** Path of the program that `go install` makes of a package; takes some minutes the first time. */
export function goProgram(name: string, packagePath: string, version: string): string {
  return once(`${name}-${version}`, (fresh) => {
    execFileSync("go", ["install", `${packagePath}@${version}`], {
      stdio: "pipe",
      cwd: fresh,
      env: { ...process.env, GOBIN: fresh },
    });
    return name;
  });
}

/** Folder that an npm package is installed in, with what it needs. */
export function npmPackage(name: string, version: string): string {
  return once(`${name}-${version}`, (fresh) => {
    const options = ["--no-audit", "--no-fund", "--no-save", "--ignore-scripts"];
    execFileSync("npm", ["install", ...options, "--prefix", fresh, `${name}@${version}`], {
      stdio: "pipe",
      cwd: fresh,
    });
    return ".";
  });
}

/** @param make puts it into a folder; gives its path there */
function once(name: string, make: (fresh: string) => string): string {
  const path = join(folder, name);
  if (existsSync(path)) return path;
  // Beside it first: two test runs may make it at the same time.
  const fresh = join(folder, `${name}.${process.pid}`);
  mkdirSync(fresh, { recursive: true });
  const made = join(fresh, make(fresh));
  if (!existsSync(path)) renameSync(made, path);
  rmSync(fresh, { recursive: true, force: true });
  return path;
}
