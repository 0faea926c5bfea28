/** A task made ready to run many times: templates parsed, steps and files named, what is inactive left out. */
import { existsSync } from "node:fs";
import { basename } from "node:path";
import type { Command, Dialect, Task } from "../../../model/project.js";
import type { CompiledText, Templates } from "./templates.js";

export interface CompiledCommand {
  /** Unique in its top-level task: `fetch`, `wide/target-csv`, `cat#2`. */
  readonly step: string;
  readonly line: CompiledText;
  readonly shell: string;
  readonly venv: string | null;
  readonly timeoutSeconds: number | null;
}

export type CompiledTail =
  | { readonly kind: "fork"; readonly step: string; readonly branches: readonly CompiledTask[] }
  | {
      readonly kind: "foreach";
      readonly step: string;
      readonly tasks: readonly CompiledTask[];
      readonly maxParallel: number;
    };

export type CompiledBody =
  | {
      readonly kind: "pipeline";
      readonly members: readonly CompiledCommand[];
      readonly tail: CompiledTail | null;
    }
  | { readonly kind: "commands"; readonly commands: readonly CompiledCommand[] }
  | { readonly kind: "tasks"; readonly tasks: readonly CompiledTask[] };

export interface CompiledTask {
  readonly task: Task;
  /** Names from the top-level task down, joined by dots. */
  readonly label: string;
  /** Relative to the workspace; null: stdout goes to the log alone. */
  readonly stdoutFile: string | null;
  readonly envs: readonly (readonly [name: string, value: CompiledText])[];
  readonly body: CompiledBody;
}

/** Steps in the order of the project. */
export function listSteps(task: CompiledTask): string[] {
  const { body } = task;
  if (body.kind === "commands") return body.commands.map((command) => command.step);
  if (body.kind === "tasks") return body.tasks.flatMap(listSteps);
  const members = body.members.map((member) => member.step);
  if (body.tail === null) return members;
  const below = body.tail.kind === "fork" ? body.tail.branches : body.tail.tasks;
  return [...members, ...below.flatMap(listSteps)];
}

/** Venvs that the task's active commands name. */
export function listVenvs(task: CompiledTask): string[] {
  const { body } = task;
  const of = (commands: readonly CompiledCommand[]) => commands.flatMap((command) => command.venv ?? []);
  if (body.kind === "commands") return of(body.commands);
  if (body.kind === "tasks") return body.tasks.flatMap(listVenvs);
  const below = body.tail === null ? [] : body.tail.kind === "fork" ? body.tail.branches : body.tail.tasks;
  return [...of(body.members), ...below.flatMap(listVenvs)];
}

export class Compiler {
  readonly #templates: Templates;
  readonly #dialect: Dialect;
  /** Lower-case file names that are taken; some file systems know no other difference. */
  readonly #files = new Set<string>();

  constructor(templates: Templates, dialect: Dialect) {
    this.#templates = templates;
    this.#dialect = dialect;
  }

  /** A top-level task. */
  compile(task: Task): CompiledTask {
    return this.#task(task, [], new Set());
  }

  #task(task: Task, above: readonly string[], steps: Set<string>): CompiledTask {
    const path = [...above, task.name];
    const label = path.join(".");
    return {
      task,
      label,
      stdoutFile: this.#stdoutFile(task, label),
      envs: Object.entries(task.envs).map(([name, value]) => [name, this.#templates.compile(value)] as const),
      body: this.#body(task, path, steps),
    };
  }

  #body(task: Task, path: readonly string[], steps: Set<string>): CompiledBody {
    const { body } = task;
    const active = (tasks: readonly Task[]) =>
      tasks.filter((inner) => inner.active).map((inner) => this.#task(inner, path, steps));
    const commands = (all: readonly Command[]) =>
      all.filter((command) => command.active).map((command) => this.#command(command, path, steps));
    if (body.kind === "commands") return { kind: "commands", commands: commands(body.commands) };
    if (body.kind === "tasks") return { kind: "tasks", tasks: active(body.tasks) };
    const members = commands(body.members);
    const { tail } = body;
    if (tail === undefined) return { kind: "pipeline", members, tail: null };
    const step = uniqueStep(path, tail.kind, steps);
    return {
      kind: "pipeline",
      members,
      tail:
        tail.kind === "fork"
          ? { kind: "fork", step, branches: active(tail.branches) }
          : { kind: "foreach", step, tasks: active(tail.tasks), maxParallel: Math.max(1, tail.maxParallel) },
    };
  }

  #command(command: Command, path: readonly string[], steps: Set<string>): CompiledCommand {
    const venv = command.venv ?? null;
    return {
      step: uniqueStep(path, programName(command.line), steps),
      line: this.#templates.compile(command.line),
      // The 0.x tool ran what has a venv by bash and everything else by sh.
      shell: this.#dialect === "0.x" && venv !== null && existsSync("/bin/bash") ? "/bin/bash" : "/bin/sh",
      venv,
      timeoutSeconds: command.timeoutSeconds ?? null,
    };
  }

  #stdoutFile(task: Task, label: string): string | null {
    if (task.stdoutToFile !== undefined) return task.stdoutToFile === "/dev/null" ? null : task.stdoutToFile;
    if (task.body.kind === "tasks") return null;
    const safe = label.replace(/[^\p{L}\p{N}._-]+/gu, "_").slice(0, 120);
    let name = safe;
    for (let n = 2; this.#files.has(name.toLowerCase()); n++) name = `${safe}-${n}`;
    this.#files.add(name.toLowerCase());
    return `artifacts/${name}_stdout.log`;
  }
}

const interpreters = /^(python[\d.]*|sh|bash|node|ruby|perl|Rscript|env)$/;

/** What a person would call the command: its program, or the script that an interpreter is given. */
export function programName(line: string): string {
  // A template counts as one word, by what is in it.
  const words = line
    .replace(/\{\{-?\s*([\w.]+)[^}]*\}\}/g, "$1")
    .trim()
    .split(/\s+/);
  let index = 0;
  while (/^\w+=/.test(words[index] ?? "")) index++;
  const program = basename(words[index] ?? "");
  const script = words[index + 1];
  const name =
    interpreters.test(program) && script !== undefined && !script.startsWith("-")
      ? basename(script)
      : program;
  return name.replace(/["';&|()<>]/g, "") || "command";
}

function uniqueStep(path: readonly string[], name: string, steps: Set<string>): string {
  const step = [...path.slice(1), name].join("/");
  let unique = step;
  for (let n = 2; steps.has(unique); n++) unique = `${step}#${n}`;
  steps.add(unique);
  return unique;
}
