/**
 * What the image of an `up` is built with, made by Go from the module beside this file: Pulumi's docker-build plugin as it is
 * released, which can't be downloaded everywhere, and BuildKit. Some minutes once, then in the user's cache. As a program
 * (scripts/test.mjs starts it early) it makes them and prints where they are.
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { cacheDir } from "../../../deploy/engine.js";
import { withLock } from "../../../providers/lock.js";

const module = fileURLToPath(new URL(".", import.meta.url));
const plugin = "github.com/pulumi/pulumi-docker-build";
const packages = [
  `${plugin}/provider/cmd/pulumi-resource-docker-build`,
  "github.com/moby/buildkit/cmd/buildkitd",
];

/** Folder that holds `pulumi-resource-docker-build` and `buildkitd`; made when it isn't there. */
export async function builderPrograms(): Promise<string> {
  const made = ["go.mod", "go.sum"].map((file) => readFileSync(join(module, file), "utf8"));
  const version = new RegExp(`${plugin} v(\\S+)`).exec(made.join("\n"))?.[1];
  if (version === undefined) throw new Error(`go.mod has no ${plugin}`);
  const hash = createHash("sha256").update(made.join("\n")).digest("hex").slice(0, 12);
  const folder = join(cacheDir(process.env), "docker-build", `${version}-${hash}`);
  if (existsSync(folder)) return folder;
  mkdirSync(dirname(folder), { recursive: true });
  return await withLock(
    `${folder}.lock`,
    async () => {
      if (!existsSync(folder)) await build(folder, version);
      return folder;
    },
    () => {},
  );
}

async function build(folder: string, version: string): Promise<void> {
  const fresh = mkdtempSync(join(dirname(folder), "build-"));
  try {
    // The same options as the Pulumi engine's: a quarter of the packages is in both, and compiled once.
    const flags = ["-trimpath", "-ldflags", `-s -w -X ${plugin}/provider.Version=${version}`];
    await promisify(execFile)("go", ["build", ...flags, "-o", `${fresh}/`, ...packages], {
      cwd: module,
      env: { ...process.env, GOFLAGS: "-mod=readonly", GOWORK: "off" },
      maxBuffer: 16 * 1024 * 1024,
    });
    renameSync(fresh, folder);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) console.log(await builderPrograms());
