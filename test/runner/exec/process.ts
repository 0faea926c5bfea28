/** The runner as a process of its own, as the agent and a container start it. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Project, Task } from "../../../model/project.js";
import type { RunRecord } from "../../../model/run.js";
import { request, type Sandbox } from "./harness.js";

const main = fileURLToPath(new URL("../../../runner-image/src/main.ts", import.meta.url));
const root = fileURLToPath(new URL("../../..", import.meta.url));

/** Starts a run in the sandbox; its record is read with `recordOf`. */
export function startRunner(
  box: Sandbox,
  tasks: readonly Task[],
  more: Partial<Project> = {},
  also: readonly string[] = [],
): ChildProcess {
  const at = (name: string) => join(box.dir, name);
  mkdirSync(at("in"), { recursive: true });
  writeFileSync(at("in/spec.json"), JSON.stringify(box.spec(tasks, more)));
  writeFileSync(at("in/request.json"), JSON.stringify(request()));
  const files = { spec: "in/spec.json", request: "in/request.json", code: "code", venvs: "venvs" };
  const options = Object.entries({ ...files, record: "record.json", log: "log.jsonl" });
  const args = [
    ...["--import", "tsx", main, "run", "--work", box.work, "--grace", "1"],
    ...options.flatMap(([name, file]) => [`--${name}`, at(file)]),
    ...also,
  ];
  const child = spawn(process.execPath, args, { cwd: root, stdio: "ignore" });
  box.children.push(child);
  return child;
}

export function exitOf(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => child.once("exit", (code) => resolve(code)));
}

export function recordOf(box: Sandbox): RunRecord {
  return JSON.parse(readFileSync(join(box.dir, "record.json"), "utf8")) as RunRecord;
}

/** Runs to the end; the most memory that the runner itself ever had, in bytes (VmHWM). */
export async function peakMemory(child: ChildProcess): Promise<number> {
  let peak = 0;
  const look = (): void => {
    try {
      const status = readFileSync(`/proc/${child.pid}/status`, "utf8");
      peak = Math.max(peak, Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024);
    } catch {
      // Ended.
    }
  };
  const timer = setInterval(look, 50);
  try {
    await exitOf(child);
  } finally {
    clearInterval(timer);
  }
  return peak;
}
