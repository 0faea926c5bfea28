/** Runs an example as a user would: through the command line, in a process of its own. */
import { spawn } from "node:child_process";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { RunRecord } from "../../model/run.js";

const root = fileURLToPath(new URL("../../", import.meta.url));

export interface Sandbox {
  /** Runs `handoff install` with environments that all test runs on this machine share. */
  install(): Promise<void>;
  /** Runs the example and gives its record, with what it logged. */
  run(
    ...args: string[]
  ): Promise<{ readonly code: number | null; readonly record: RunRecord; readonly log: string }>;
  read(name: string): string;
  remove(): void;
}

/** A copy of examples/NAME with an empty workspace and no history. */
export function sandbox(name: string): Sandbox {
  const dir = fs.mkdtempSync(path.join(tmpdir(), "handoff-example-"));
  const project = path.join(dir, name);
  const work = path.join(dir, "work");
  const example = path.join(root, "examples", name);
  fs.cpSync(example, project, { recursive: true, filter: (source) => path.basename(source) !== ".handoff" });
  const venvs = path.join(process.env.HANDOFF_TEST_CACHE ?? path.join(root, ".cache", "venvs"), name);
  fs.mkdirSync(venvs, { recursive: true });
  fs.mkdirSync(work);
  fs.symlinkSync(venvs, path.join(work, ".venvs"));
  const handoff = (args: string[]): Promise<Outcome> => start(args, { HANDOFF_HOME: path.join(dir, "home") });
  return {
    async install() {
      const { code, stdout, stderr } = await handoff(["install", "-p", project, "-w", work]);
      if (code !== 0) throw new Error(`handoff install ended with ${code}:\n${stdout}${stderr}`);
    },
    async run(...args) {
      const { code, stdout, stderr } = await handoff(["run", ...args, "-p", project, "-w", work, "--json"]);
      const last = stdout.trimEnd().split("\n").at(-1) ?? "";
      if (!last.startsWith("{"))
        throw new Error(`handoff run ended with ${code} and no record:\n${stdout}${stderr}`);
      return { code, record: JSON.parse(last) as RunRecord, log: stderr };
    },
    read: (file) => fs.readFileSync(path.join(work, file), "utf8"),
    remove: () => fs.rmSync(dir, { recursive: true, force: true }),
  };
}

interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function start(args: string[], env: Record<string, string>): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ["--import", "tsx", path.join(root, "cli", "main.ts"), ...args], {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (chunk) => {
      stdout += String(chunk);
    });
    child.stderr.on("data", (chunk) => {
      stderr += String(chunk);
    });
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, stdout, stderr }));
  });
}
