import { nearest } from "../nearest.js";
import type { Body, Command, Foreach, Fork, Resources, Retries, Task } from "../project.js";
import { parseCpu, parseDisk, parseDuration, parseMemory } from "../size.js";
import {
  asFlag,
  asList,
  asMap,
  asText,
  type Context,
  checkInside,
  checkName,
  defined,
  isRawMap,
  mapsOf,
  Names,
  parsed,
  type RawMap,
} from "./context.js";
import { readValued } from "./entries.js";
import type { DocumentPath } from "./yaml.js";

/** What a task gets from where it is. */
export interface Surroundings {
  readonly top: boolean;
  /** Template names known here alone. */
  readonly extra: readonly string[];
  /** 0.x: a task takes these from what it is in. */
  readonly killDownstreamOnFail: boolean;
  readonly killLoopOnFail: boolean;
}

export function readTasks(raw: unknown, path: DocumentPath, context: Context, around: Surroundings): Task[] {
  const names = new Names(around.top ? "tasks" : "tasks beside each other", context);
  if (Array.isArray(raw) && raw.length === 0) reportEmpty(path, context);
  return mapsOf(raw, path).map(({ item, path: at }) => {
    const task = readTask(item, at, context, around);
    names.add(task.name, item.name === undefined ? at : [...at, "name"]);
    return task;
  });
}

function readTask(raw: RawMap, path: DocumentPath, context: Context, around: Surroundings): Task {
  const inherit = context.dialect === "0.x";
  const killDownstreamOnFail = asFlag(
    raw.kill_downstream_on_fail,
    inherit ? around.killDownstreamOnFail : true,
  );
  const killLoopOnFail = asFlag(raw.kill_loop_on_fail, inherit ? around.killLoopOnFail : true);
  const inner = { ...around, top: false, killDownstreamOnFail, killLoopOnFail };
  const file = (key: "stdout_to_file" | "stderr_to_file") => readOutput(raw[key], [...path, key], context);
  const stdoutToFile = file("stdout_to_file");
  const stderrToFile = file("stderr_to_file");
  return {
    ...defined({
      name: readTaskName(raw.name, path, context),
      description: asText(raw.description, [...path, "description"], context),
      active: asFlag(raw.active, true),
      timeoutSeconds: readTimeout(raw.timeout, [...path, "timeout"], context),
      envs: readValued(raw.envs, [...path, "envs"], {
        ...context,
        templates: withExtra(context, around.extra),
      }),
      body: readBody(raw, path, context, inner),
      stdoutToFile,
      stderrToFile,
      killDownstreamOnFail,
      killLoopOnFail,
      dependsOn: readDependsOn(raw.depends_on, [...path, "depends_on"], context, around.top),
      resources: isRawMap(raw.resources)
        ? readResources(raw.resources, [...path, "resources"], context)
        : undefined,
      retries: isRawMap(raw.retries) ? readRetries(raw.retries, [...path, "retries"], context) : undefined,
    }),
  };
}

/** The list of template uses, adding `extra` to each that is pushed. */
function withExtra(context: Context, extra: readonly string[]): Context["templates"] {
  if (extra.length === 0) return context.templates;
  const list: Context["templates"] = [];
  list.push = (...uses) => context.templates.push(...uses.map((use) => ({ ...use, extra })));
  return list;
}

function readTaskName(raw: unknown, path: DocumentPath, context: Context): string {
  const name = asText(raw, [...path, "name"], context);
  if (name !== undefined && name !== "") {
    checkName(name, [...path, "name"], context);
    return name;
  }
  const index = Number(path.at(-1)) + 1;
  if (context.dialect === "0.x") {
    context.report.warning(path, {
      code: "missing-key",
      message: `task ${index} has no name; it is called \`task_${index}\``,
      hint: "Add `name:`.",
    });
  }
  return `task_${index}`;
}

function readBody(raw: RawMap, path: DocumentPath, context: Context, inner: Surroundings): Body {
  // In the file's order: the first is meant, the second is one too many.
  const kinds = Object.keys(raw)
    .filter((key) => isBodyKind(key))
    .filter((kind) => raw[kind] !== undefined);
  const name = typeof raw.name === "string" ? `\`${raw.name}\`` : "a task";
  if (kinds.length === 0) {
    if (hasMisspelt(raw, bodyKinds, context)) return { kind: "commands", commands: [] };
    context.report.error(path, {
      code: "missing-body",
      message: `${name} has nothing to do`,
      hint: "Add `pipeline:`, `commands:` or `tasks:`.",
    });
    return { kind: "commands", commands: [] };
  }
  if (kinds.length > 1) {
    context.report.error([...path, kinds[1] ?? ""], {
      code: "several-bodies",
      message: `${name} has ${kinds.map((kind) => `\`${kind}\``).join(" and ")}; it can have one of them`,
      hint: "Make a task of each, or put them into tasks under `tasks:`.",
      key: true,
    });
  }
  // Every one is read, so that its own mistakes are seen too.
  const bodies = kinds.map((kind): Body => {
    const at = [...path, kind];
    if (kind === "tasks") return { kind, tasks: readTasks(raw.tasks, at, context, inner) };
    if (Array.isArray(raw[kind]) && raw[kind].length === 0) reportEmpty(at, context);
    if (kind === "pipeline") return readPipeline(raw.pipeline, at, context, inner);
    return { kind, commands: readCommands(raw.commands, at, context, inner) };
  });
  return bodies[0] ?? { kind: "commands", commands: [] };
}

const bodyKinds = ["pipeline", "commands", "tasks"] as const;

function isBodyKind(key: string): key is (typeof bodyKinds)[number] {
  return (bodyKinds as readonly string[]).includes(key);
}

/** Whether a key is one of `wanted`, misspelt: it has been reported, and what is missing follows from it. */
function hasMisspelt(raw: RawMap, wanted: readonly string[], context: Context): boolean {
  return context.dialect === "1" && Object.keys(raw).some((key) => nearest(key, wanted) !== undefined);
}

function reportEmpty(path: DocumentPath, context: Context): void {
  context.report.strict(path, {
    code: "empty",
    message: `\`${String(path.at(-1))}\` is empty`,
    hint: path.length === 1 ? "Add a task: `- name: hello`." : "Add an item, or remove it.",
  });
}

function readCommands(raw: unknown, path: DocumentPath, context: Context, inner: Surroundings): Command[] {
  const commands: Command[] = [];
  for (const { item, path: at } of mapsOf(raw, path)) {
    const stream = ["fork", "foreach"].find((key) => item[key] !== undefined);
    if (stream) {
      context.report.error([...at, stream], {
        code: "stream-needed",
        message: `\`${stream}\` reads a stream: it can't be among \`commands\``,
        hint: "Put it at the end of a `pipeline`.",
        key: true,
      });
      continue;
    }
    const command = readCommand(item, at, context, inner);
    if (command) commands.push(command);
  }
  return commands;
}

function readPipeline(raw: unknown, path: DocumentPath, context: Context, inner: Surroundings): Body {
  const members: Command[] = [];
  let tail: Fork | Foreach | undefined;
  const items = mapsOf(raw, path);
  for (const [index, { item, path: at }] of items.entries()) {
    const stream = (["fork", "foreach"] as const).find(
      (key) => item[key] !== undefined && item[key] !== null,
    );
    if (!stream) {
      if (item.max_parallel !== undefined) reportStray("max_parallel", at, context);
      const command = readCommand(item, at, context, inner);
      if (command) members.push(command);
      continue;
    }
    checkTailPlace(stream, item, index, items.length, at, context);
    const made = readTail(stream, item, at, context, inner);
    // A tail that is switched off takes nothing.
    if (asFlag(item.active, true)) tail = made;
  }
  return { kind: "pipeline", members, ...(tail ? { tail } : {}) };
}

function reportStray(key: string, path: DocumentPath, context: Context): void {
  context.report.strict([...path, key], {
    code: "stray-key",
    message: `\`${key}\` has no meaning without \`foreach\``,
    hint: "Put it beside `foreach:`, or remove it.",
    key: true,
  });
}

function checkTailPlace(
  stream: "fork" | "foreach",
  item: RawMap,
  index: number,
  count: number,
  path: DocumentPath,
  context: Context,
): void {
  const other = (
    ["command", "args", "venv", "timeout", stream === "fork" ? "foreach" : "fork"] as const
  ).find((key) => item[key] !== undefined);
  if (other) {
    context.report.error([...path, other], {
      code: "several-kinds",
      message: `one member of a pipeline can't have both \`${stream}\` and \`${other}\``,
      hint: "Start an item of its own with `- `.",
      key: true,
    });
  }
  if (index < count - 1) {
    context.report.error([...path, stream], {
      code: "not-last",
      message: `\`${stream}\` takes the stream: nothing can follow it in its pipeline`,
      hint: `Move it to the end, or put what follows into its tasks.`,
      key: true,
    });
  }
  if (index === 0) {
    context.report.error([...path, stream], {
      code: "stream-needed",
      message: `\`${stream}\` has no command before it to read from`,
      hint: "Put the command that makes the stream before it.",
      key: true,
    });
  }
  if (stream === "fork" && item.max_parallel !== undefined) reportStray("max_parallel", path, context);
}

function readTail(
  stream: "fork" | "foreach",
  item: RawMap,
  path: DocumentPath,
  context: Context,
  inner: Surroundings,
): Fork | Foreach {
  if (stream === "fork")
    return { kind: "fork", branches: readTasks(item.fork, [...path, "fork"], context, inner) };
  const parallel = item.max_parallel;
  if (typeof parallel === "number" && parallel < 1) {
    context.report.error([...path, "max_parallel"], {
      code: "out-of-range",
      message: `\`max_parallel\` is ${parallel}; it must be 1 or more`,
      hint: "Use 1 for one line at a time.",
    });
  }
  return {
    kind: "foreach",
    tasks: readTasks(item.foreach, [...path, "foreach"], context, {
      ...inner,
      extra: ["_line", "_line_safe"],
    }),
    maxParallel: typeof parallel === "number" && parallel >= 1 ? parallel : 1,
  };
}

function readCommand(
  raw: RawMap,
  path: DocumentPath,
  context: Context,
  inner: Surroundings,
): Command | undefined {
  const at = [...path, "command"];
  const command = asText(raw.command, at, context);
  if (command === undefined && "nulldev" in raw) {
    context.report.warning([...path, "nulldev"], {
      code: "ignored-key",
      message: "`nulldev` is left out",
      hint: "Use `stdout_to_file: false` on the task to keep its output out of the artifacts.",
      key: true,
    });
    return undefined;
  }
  if (command === undefined || command.trim() === "") {
    if (command !== undefined || (raw.command == null && !hasMisspelt(raw, ["command"], context))) {
      context.report.error(command === undefined ? path : at, {
        code: command === undefined ? "missing-key" : "empty",
        message: command === undefined ? "`command` is missing" : "`command` is empty",
        hint: "Write the shell command to run: `command: echo hello`.",
      });
    }
    return undefined;
  }
  const argsPath = [...path, "args"];
  const args = Array.isArray(raw.args)
    ? asList(raw.args)
        .map((word, index) => asText(word, [...argsPath, index], context) ?? "")
        .join(" ")
    : asText(raw.args, argsPath, context);
  const line = args ? `${command} ${args}` : command;
  context.templates.push({
    path: at,
    text: line,
    extra: inner.extra,
    ...(args ? { second: { path: argsPath, from: command.length + 1 } } : {}),
  });
  const venv = asText(raw.venv, [...path, "venv"], context) || undefined;
  if (venv !== undefined) context.venvs.push({ path: [...path, "venv"], name: venv });
  return defined({
    kind: "command" as const,
    line,
    venv,
    timeoutSeconds: readTimeout(raw.timeout, [...path, "timeout"], context),
    active: asFlag(raw.active, true),
  });
}

function readOutput(raw: unknown, path: DocumentPath, context: Context): string | undefined {
  if (raw === false) return "/dev/null";
  if (typeof raw !== "string") return undefined;
  checkInside(raw, path, context);
  return raw;
}

function readDependsOn(raw: unknown, path: DocumentPath, context: Context, top: boolean): string[] {
  const names = asList(raw).filter((name): name is string => typeof name === "string");
  if (!top && names.length > 0) {
    context.report.error(path, {
      code: "nested-dependency",
      message: "`depends_on` is for top-level tasks; tasks inside of a task run in order",
      hint: "Remove it, or move the task to the top.",
      key: true,
    });
    return [];
  }
  const seen = new Set<string>();
  return names.filter((name, index) => {
    context.taskReferences.push({ path: [...path, index], name });
    return seen.size < seen.add(name).size;
  });
}

/** Seconds; more than zero. */
export function readTimeout(raw: unknown, path: DocumentPath, context: Context): number | undefined {
  // -5 and "-5s" are out of range rather than badly written.
  const negative =
    (typeof raw === "number" && raw < 0) || (typeof raw === "string" && /^\s*-\s*\d/.test(raw));
  const seconds = negative ? -1 : parsed(raw, path, context, parseDuration, "invalid-duration");
  if (seconds === undefined || seconds > 0) return seconds;
  context.report.error(path, {
    code: "out-of-range",
    message: `\`timeout\` is ${String(raw)}; it must be more than 0`,
    hint: "Remove it for no limit, or give seconds or `10m`.",
  });
  return undefined;
}

export function readResources(raw: unknown, path: DocumentPath, context: Context): Resources {
  const map = asMap(raw);
  return defined({
    cpu: parsed(map.cpu, [...path, "cpu"], context, parseCpu, "invalid-size"),
    memoryMiB: parsed(map.memory, [...path, "memory"], context, parseMemory, "invalid-size"),
    diskGiB: parsed(map.disk, [...path, "disk"], context, parseDisk, "invalid-size"),
  });
}

export function readRetries(raw: unknown, path: DocumentPath, context: Context): Retries {
  const map = asMap(raw);
  const number = (key: "max" | "backoff", fallback: number, low: number, high: number): number => {
    const value = map[key];
    if (typeof value !== "number") return fallback;
    if (value >= low && value <= high && (key !== "max" || Number.isInteger(value))) return value;
    context.report.error([...path, key], {
      code: "out-of-range",
      message: `\`${key}\` is ${value}; it must be ${key === "max" ? "a whole number " : ""}from ${low} to ${high}`,
      hint: `Choose a number from ${low} to ${high}.`,
    });
    return fallback;
  };
  return {
    max: number("max", 0, 0, 100),
    delaySeconds: parsed(map.delay, [...path, "delay"], context, parseDuration, "invalid-duration") ?? 0,
    backoff: number("backoff", 1, 1, 100),
  };
}
