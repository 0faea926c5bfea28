import type { ChildProcess } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Body, Command, Project, Task } from "../../../model/project.js";
import type { LogLine, RunRecord, RunRequest, RunSpec } from "../../../model/run.js";
import { type RunContext, runProject } from "../../../runner-image/src/run.js";
import { makeProject, makeTask } from "../../support/model.js";

export function command(line: string, more: Partial<Command> = {}): Command {
  return { kind: "command", line, active: true, ...more };
}

export const task = makeTask;

export function pipeline(
  name: string,
  lines: readonly string[],
  tail?: Extract<Body, { kind: "pipeline" }>["tail"],
  more: Partial<Task> = {},
): Task {
  const members = lines.map((line) => command(line));
  return task(name, { kind: "pipeline", members, ...(tail === undefined ? {} : { tail }) }, more);
}

export function commands(name: string, lines: readonly string[], more: Partial<Task> = {}): Task {
  return task(name, { kind: "commands", commands: lines.map((line) => command(line)) }, more);
}

export function project(tasks: readonly Task[], more: Partial<Project> = {}): Project {
  return makeProject({ name: "test", tasks, ...more });
}

export function request(more: Partial<RunRequest> = {}): RunRequest {
  return {
    runId: "r1",
    tasks: [],
    vars: {},
    envs: {},
    scheduledAt: "2026-01-02T03:04:05.000Z",
    stage: "dev",
    attempt: 1,
    ...more,
  };
}

/** A folder for one test, with what running in it takes. */
export class Sandbox {
  readonly dir = mkdtempSync(join(tmpdir(), "handoff-exec-"));
  readonly lines: LogLine[] = [];
  readonly work = join(this.dir, "work space");
  /** Killed with the sandbox: a test that fails half-way must not leave them. */
  readonly children: ChildProcess[] = [];

  constructor() {
    mkdirSync(join(this.dir, "code"));
  }

  spec(tasks: readonly Task[], more: Partial<Project> = {}): RunSpec {
    return { schemaVersion: 1, project: project(tasks, more) };
  }

  run(
    tasks: readonly Task[],
    more: Partial<Project> = {},
    context: Partial<RunContext> = {},
    asked: Partial<RunRequest> = {},
  ): Promise<RunRecord> {
    return runProject(this.spec(tasks, more), request(asked), {
      codeDir: join(this.dir, "code"),
      workDir: this.work,
      artifactsDir: null,
      venvsDir: join(this.dir, "venvs"),
      secrets: new Map(),
      baseEnv: { PATH: process.env.PATH ?? "" },
      log: { write: (line) => void this.lines.push(line), close: async () => {} },
      graceMs: 1000,
      ...context,
    });
  }

  /** A file of the workspace. */
  read(path: string): string {
    return readFileSync(join(this.work, path), "utf8");
  }

  has(path: string): boolean {
    return existsSync(join(this.work, path));
  }

  output(label: string): string {
    return this.read(`artifacts/${label}_stdout.log`);
  }

  /** Messages that commands wrote. */
  logged(stream: "stdout" | "stderr"): string[] {
    return this.lines.filter((line) => line.stream === stream).map((line) => line.message);
  }

  remove(): void {
    for (const child of this.children) child.kill("SIGKILL");
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** Whether a process is there and is no zombie. */
export function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return existsSync("/proc") === false;
  }
}

export async function until(condition: () => boolean, ms = 20_000): Promise<boolean> {
  const end = performance.now() + ms;
  while (!condition()) {
    if (performance.now() > end) return false;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  return true;
}
