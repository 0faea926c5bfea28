/** Ways to get a Pulumi CLI onto this machine. Each returns undefined when it worked, else one line saying why not. */
import { spawn } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Env } from "./env.js";

export interface InstallOptions {
  /** `<root>/bin/pulumi` is made. */
  readonly root: string;
  readonly version: string;
  readonly env: Env;
  readonly log: (line: string) => void;
  readonly signal?: AbortSignal | undefined;
  readonly packageDir: string;
}

/** A download that has not ended after this is not going to. */
const downloadLimitMs = 5 * 60_000;
const buildLimitMs = 45 * 60_000;
const progressEveryMs = 15_000;

/** With the Automation API's own installer, in a process that can be stopped. */
export async function downloadEngine(options: InstallOptions): Promise<string | undefined> {
  const { root, version, env, log, packageDir } = options;
  log(`downloading the Pulumi engine ${version} (about 150 MB, once)`);
  const script =
    'const { PulumiCommand } = require("@pulumi/pulumi/automation"); const { SemVer } = require("semver");' +
    "PulumiCommand.install({ root: process.argv[1], version: new SemVer(process.argv[2]) })" +
    ".catch((error) => { console.error(String(error.message).split('\\n')[0]); process.exit(1); });";
  const args = ["--input-type=commonjs", "-e", script, root, version];
  const { ok, output } = await run(process.execPath, args, {
    cwd: packageDir,
    env,
    limitMs: downloadLimitMs,
    options,
  });
  if (ok) return undefined;
  rmSync(root, { recursive: true, force: true });
  return `download: ${lastLine(output)}`;
}

/** Builds the pinned version of engine/go.mod. */
export async function buildEngine(options: InstallOptions): Promise<string | undefined> {
  const { root, version, env, log, packageDir } = options;
  const go = await run("go", ["version"], { cwd: packageDir, env, limitMs: 30_000, options });
  if (!go.ok) return "build: there is no `go` on PATH";

  log(`building the Pulumi engine ${version} with Go (about 4 minutes, once)`);
  mkdirSync(dirname(root), { recursive: true });
  const temporary = mkdtempSync(join(dirname(root), "build-"));
  try {
    // A copy: an installed package's folder may be read-only, and Go wants to write beside go.mod.
    for (const file of ["go.mod", "go.sum"])
      copyFileSync(join(packageDir, "engine", file), join(temporary, file));
    const args = [
      "build",
      "-trimpath",
      // The Automation API asks the CLI for its version, which a plain build does not know.
      "-ldflags",
      `-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v${version}`,
      "-o",
      join(temporary, "bin", "pulumi"),
      "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
    ];
    const buildEnv = { ...env, GOFLAGS: "-mod=readonly", GOWORK: "off" };
    const started = process.hrtime.bigint();
    const timer = setInterval(() => {
      const seconds = Number((process.hrtime.bigint() - started) / 1_000_000_000n);
      log(`building the Pulumi engine: ${Math.floor(seconds / 60)} min ${seconds % 60} s`);
    }, progressEveryMs);
    const { ok, output } = await run("go", args, {
      cwd: temporary,
      env: buildEnv,
      limitMs: buildLimitMs,
      options,
    }).finally(() => clearInterval(timer));
    if (!ok) return `build: ${lastLine(output)}`;
    rmSync(root, { recursive: true, force: true });
    mkdirSync(root, { recursive: true });
    renameSync(join(temporary, "bin"), join(root, "bin"));
    return undefined;
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

function lastLine(output: string): string {
  return output.trim().split("\n").at(-1) || "no output";
}

interface RunOptions {
  readonly cwd: string;
  readonly env: Env;
  readonly limitMs: number;
  readonly options: InstallOptions;
}

/** Runs a command in a process group of its own, which is ended after the limit or when the user interrupts. */
function run(command: string, args: string[], { cwd, env, limitMs, options }: RunOptions) {
  return new Promise<{ ok: boolean; output: string }>((done) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...env },
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    let output = "";
    const end = (why: string) => {
      output += `\n${why}`;
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    };
    const timer = setTimeout(() => end(`not done after ${limitMs / 60_000} minutes`), limitMs);
    const interrupted = () => end("interrupted");
    options.signal?.addEventListener("abort", interrupted);
    const collect = (data: Buffer) => {
      output = (output + data.toString()).slice(-16 * 1024);
    };
    child.stdout.on("data", collect);
    child.stderr.on("data", collect);
    const finish = (ok: boolean) => {
      clearTimeout(timer);
      options.signal?.removeEventListener("abort", interrupted);
      done({ ok, output });
    };
    child.on("error", (error) => {
      output += error.message;
      finish(false);
    });
    child.on("close", (code) => finish(code === 0));
  });
}
