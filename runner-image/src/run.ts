/** One run of a project, from its artifacts' coming to their going. */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { ExitCode, throwIfErrors, UserError } from "../../model/diagnostic.js";
import type { Retries, Task } from "../../model/project.js";
import type { RunRecord, RunRequest, RunSpec, RunStatus, TaskRecord } from "../../model/run.js";
import { runSummary } from "../../model/run-summary.js";
import { builtinScope, renderTemplate, type TemplateScope } from "../../model/template.js";
import { type ArtifactStore, openArtifactStore } from "./artifacts.js";
import { milliseconds } from "./clock.js";
import { type CompiledTask, Compiler, listSteps, listVenvs } from "./engine/compile.js";
import {
  buildEnvironments,
  buildVariables,
  type Environments,
  inVenv,
  taskVariables,
} from "./engine/environment.js";
import type { Engine, Environment } from "./engine/frame.js";
import { runAsGraph, runInOrder, selectTasks } from "./engine/order.js";
import { fromStop, type Outcome } from "./engine/outcome.js";
import { Outputs } from "./engine/outputs.js";
import { StepLog } from "./engine/steps.js";
import { runOnce, runTask, withRetries } from "./engine/task.js";
import { Templates } from "./engine/templates.js";
import type { LogSink } from "./log.js";
import { createMasker } from "./mask.js";
import { createMetricCollector, type MetricCollector } from "./metrics.js";
import { MemoryJudge, watchMemory } from "./oom.js";
import { ProcessHost } from "./process/host.js";
import { Stop } from "./process/stop.js";
import { RunLog } from "./run-log.js";
import { prepareWorkspace, removeSecretFiles } from "./workspace.js";

export interface RunContext {
  /** Folder of the project: holds `files/`. */
  readonly codeDir: string;
  /** The commands' current folder; made when missing. */
  readonly workDir: string;
  /** Folder of the artifact store; null: nothing is fetched or pushed, the workspace is all there is. */
  readonly artifactsDir: string | null;
  /** The artifact store itself, where it is no folder; counts more than `artifactsDir`. */
  readonly artifacts?: ArtifactStore;
  /** Folder with a virtual environment for each name. */
  readonly venvsDir: string;
  /** Values by key. Masked wherever they appear in the log and the record. */
  readonly secrets: ReadonlyMap<string, string>;
  /** Other values to be masked: secrets of the deployment that the project doesn't use, such as the token of its source. */
  readonly hidden?: readonly string[];
  /** What commands inherit: PATH, HOME, … */
  readonly baseEnv: Readonly<Record<string, string>>;
  readonly log: LogSink;
  /** Default: the system's clock. */
  readonly now?: () => Date;
  /** Aborting it stops the run; with the reason `"SIGINT"` the exit code is 130, else 143. */
  readonly signal?: AbortSignal;
  /** Between SIGTERM and SIGKILL, in milliseconds; default 30,000. */
  readonly graceMs?: number;
  /** Locations of the declared stores, by name. */
  readonly stores?: Readonly<Record<string, string>>;
}

/** All values that log and record must not show. */
export function hiddenValues({ secrets, hidden = [] }: Pick<RunContext, "secrets" | "hidden">): string[] {
  return [...secrets.values(), ...hidden];
}

/**
 * Runs the project, or the tasks that `request` names. Resolves for a run that failed too; throws a `UserError` when it
 * could not begin: an unknown task, a venv that was never installed, a file that can't be rendered.
 */
export async function runProject(
  spec: RunSpec,
  request: RunRequest,
  context: RunContext,
): Promise<RunRecord> {
  return new Run(spec, request, context).run();
}

class Run {
  readonly #spec: RunSpec;
  readonly #request: RunRequest;
  readonly #context: RunContext;
  readonly #workDir: string;
  readonly #now: () => Date;
  readonly #log: RunLog;
  readonly #stop = new Stop();
  readonly #metrics: MetricCollector = createMetricCollector();
  readonly #outputs: Outputs[] = [];
  readonly #artifacts: ArtifactStore | null;
  readonly #startedAt: Date;

  constructor(spec: RunSpec, request: RunRequest, context: RunContext) {
    this.#spec = spec;
    this.#request = request;
    this.#context = context;
    this.#workDir = resolve(context.workDir);
    this.#now = context.now ?? (() => new Date());
    this.#startedAt = this.#now();
    const masker = createMasker(hiddenValues(context));
    this.#log = new RunLog({ runId: request.runId, sink: context.log, masker, now: this.#now });
    const { artifacts, artifactsDir } = context;
    this.#artifacts = artifacts ?? (artifactsDir === null ? null : openArtifactStore(artifactsDir));
  }

  async run(): Promise<RunRecord> {
    const { project } = this.#spec;
    const tasks = selectTasks(project, this.#request.tasks);
    const clock = milliseconds();
    const onAbort = () => this.#stopBySignal();
    this.#context.signal?.addEventListener("abort", onAbort, { once: true });
    if (this.#context.signal?.aborted) onAbort();
    const graceMs = this.#context.graceMs ?? 30_000;
    const host = new ProcessHost({ graceMs, path: this.#context.baseEnv.PATH });
    let records: TaskRecord[];
    let problem: string | null = null;
    try {
      const prepared = await this.#prepare(tasks, host);
      this.#log.milestone({ level: "info", event: "run.start", message: `run of ${project.name} started` });
      try {
        records = await this.#runTasks(tasks, prepared, host);
      } finally {
        // While the watchdog is there to do it for us, and before anything of the workspace is stored.
        await removeSecretFiles(this.#workDir).finally(() => host.close());
        for (const outputs of this.#outputs) outputs.closeReaders();
      }
      problem = await this.#finish(records);
    } catch (error) {
      await host.close();
      this.#log.notBegun(error, Math.round(milliseconds() - clock));
      await this.#log.closeObservers(this.#stop.reason !== null);
      throw error;
    } finally {
      this.#context.signal?.removeEventListener("abort", onAbort);
      await removeSecretFiles(this.#workDir);
    }
    const durationMs = Math.round(milliseconds() - clock);
    const record = this.#record(records, problem, durationMs);
    await this.#log.closeObservers(this.#stop.reason !== null);
    return record;
  }

  /** Everything that can be wrong with the input, before anything runs. */
  async #prepare(tasks: readonly Task[], host: ProcessHost): Promise<Prepared> {
    const { project } = this.#spec;
    const { codeDir, secrets, baseEnv, stores = {} } = this.#context;
    const mode = project.dialect === "1" ? "strict" : "lenient";
    const options = {
      spec: this.#spec,
      request: this.#request,
      codeDir: resolve(codeDir),
      workDir: this.#workDir,
      secrets,
      baseEnv,
      stores,
    };
    const builtin = builtinScope({
      // 0.x: names that end with the stage have nothing there in production.
      stage: project.dialect === "0.x" && this.#request.stage === "prod" ? "" : this.#request.stage,
      scheduledAt: new Date(this.#request.scheduledAt),
      timezone:
        project.schedules.find((schedule) => schedule.name === this.#request.schedule)?.timezone ?? "UTC",
      workDir: this.#workDir,
      codeDir: options.codeDir,
      python: "python3",
    });
    const render = (text: string, scope: TemplateScope): string => {
      if (project.dialect === "0.x") return text; // whose values are no templates
      const { text: rendered, problems } = renderTemplate(text, scope, mode);
      const first = problems.find((found) => found.severity === "error");
      if (first !== undefined) {
        throw new UserError(`${first.message} in \`${text}\``, {
          code: first.code,
          ...(first.hint ? { hint: first.hint } : {}),
        });
      }
      return rendered;
    };
    const variables = await buildVariables(options, (text, scope) => render(text, { ...builtin, ...scope }));
    const scope = { ...builtin, ...variables };
    const environments = buildEnvironments(options, (text) => render(text, scope));
    const { warn } = this.#log;
    const observed = { project: project.name, request: this.#request, startedAt: this.#startedAt };
    await this.#log.observe({ ...observed, env: environments.base });
    const compiler = new Compiler(new Templates(scope, mode, warn), project.dialect);
    const compiled = new Map(tasks.map((task) => [task.name, compiler.compile(task)]));
    this.#checkVenvs([...compiled.values()]);
    const diagnostics = await prepareWorkspace({
      spec: this.#spec,
      request: this.#request,
      codeDir,
      workDir: this.#workDir,
      scope,
      mode,
      secrets: Object.fromEntries(secrets),
      ...(secrets.size === 0 ? {} : { onSecretFiles: (files) => host.removeIfKilled(files) }),
    });
    throwIfErrors(diagnostics, `files of ${project.name}`);
    for (const diagnostic of diagnostics) warn(diagnostic.message);
    await this.#artifacts?.fetchLast(this.#workDir, project.artifacts.keep);
    return { compiled, environments };
  }

  #checkVenvs(tasks: readonly CompiledTask[]): void {
    const missing = new Set(tasks.flatMap(listVenvs).filter((venv) => !existsSync(this.#venvDir(venv))));
    if (missing.size === 0) return;
    const list = [...missing].map((venv) => `\`${venv}\``).join(", ");
    throw new UserError(`not installed: the virtual environment${missing.size === 1 ? "" : "s"} ${list}`, {
      code: "venv-missing",
      hint: "Run `handoff install` first.",
    });
  }

  #venvDir(venv: string): string {
    return join(resolve(this.#context.venvsDir), venv);
  }

  async #runTasks(tasks: readonly Task[], prepared: Prepared, host: ProcessHost): Promise<TaskRecord[]> {
    const top = { ...prepared.environments.top, ...host.marks };
    const venvs = new WeakMap<Environment, Map<string, Environment>>();
    const engine = {
      host,
      workDir: this.#workDir,
      mask: this.#log.masker.mask,
      log: this.#log.write,
      milestone: this.#log.milestone,
      observed: this.#log.observed,
      clock: milliseconds,
      memory: new MemoryJudge(watchMemory()),
      runTask,
      inVenv: (env: Environment, venv: string): Environment => {
        const known = venvs.get(env) ?? new Map<string, Environment>();
        const result = known.get(venv) ?? inVenv(env, this.#venvDir(venv));
        venvs.set(env, known.set(venv, result));
        return result;
      },
    };
    const run = (task: Task): Promise<TaskRecord> => {
      const compiled = prepared.compiled.get(task.name);
      if (compiled === undefined) throw new Error(`${task.name} was not compiled`);
      const topEnv = { ...top, ...taskVariables(this.#spec, task.name) };
      return this.#runTask(compiled, { ...engine, topEnv }, { ...prepared.environments.base, ...topEnv });
    };
    const granular = this.#spec.project.deploy.granularity === "task";
    return granular ? runAsGraph(tasks, run) : runInOrder(tasks, run);
  }

  /** A top-level task with its retries. */
  async #runTask(compiled: CompiledTask, engine: Engine, env: Environment): Promise<TaskRecord> {
    const { task } = compiled;
    const { deploy } = this.#spec.project;
    const retries: Retries | undefined = task.retries ?? deploy.retries;
    const timeoutSeconds = task.timeoutSeconds ?? deploy.timeoutSeconds;
    const startedAt = this.#now();
    const began = engine.clock();
    let attempts = 0;
    let steps = new StepLog();
    const line = { task: task.name, level: "info", event: "task.start" } as const;
    this.#log.milestone({ ...line, message: `task ${task.name} started` });
    const notice = (message: string): void => this.#log.write({ level: "warn", task: task.name, message });
    const attempt = async (number: number): Promise<Outcome> => {
      if (this.#stop.reason !== null) return fromStop(this.#stop.reason);
      attempts = number;
      steps = new StepLog();
      const outputs = this.#openOutputs(task.name, engine.host);
      try {
        const frame = {
          engine,
          top: task.name,
          outputs,
          steps,
          stop: this.#stop,
          spawner: engine.host,
          env,
          line: null,
          input: null,
        };
        return await runOnce(compiled, frame, timeoutSeconds);
      } finally {
        await outputs.close();
      }
    };
    const outcome = await withRetries(retries, this.#stop, notice, attempt);
    const durationMs = Math.round(engine.clock() - began);
    const { status, exitCode, error } = outcome;
    this.#log.milestone({
      level: status === "success" ? "info" : "error",
      task: task.name,
      event: "task.end",
      message: `task ${task.name}: ${status} after ${durationMs} ms${error === undefined ? "" : `: ${error}`}`,
      status,
      exitCode,
      durationMs,
      attempts,
      ...(error === undefined ? {} : { error }),
    });
    return {
      name: task.name,
      status,
      exitCode,
      startedAt: attempts === 0 ? null : startedAt.toISOString(),
      durationMs,
      attempts,
      ...(error === undefined ? {} : { error: this.#log.masker.mask(error) }),
      steps: steps.list(listSteps(compiled)),
    };
  }

  #openOutputs(task: string, host: ProcessHost): Outputs {
    const outputs = new Outputs({
      workDir: this.#workDir,
      pipes: host.pipes,
      masker: this.#log.masker,
      onLine: ({ step, stream, raw, text }) => {
        // On stdout only handoff's own form counts: Singer's METRIC lines belong to the log on stderr.
        if (stream === "stderr" || raw.startsWith('{"handoff_metric"'))
          this.#metrics.line(raw, { task, step });
        if (text !== "" || raw === "") this.#log.output({ level: "info", task, step, stream, message: text });
      },
      onNotice: (message) => this.#log.write({ level: "warn", task, message }),
    });
    this.#outputs.push(outputs);
    return outputs;
  }

  /** Pushes the artifacts when they are to be kept. Returns what went wrong. */
  async #finish(records: readonly TaskRecord[]): Promise<string | null> {
    const { keep, pushOnFail } = this.#spec.project.artifacts;
    const well = records.every((record) => record.status === "success");
    if (this.#artifacts === null || !(well || pushOnFail)) return null;
    try {
      const pushed = await this.#artifacts.push(this.#request.runId, this.#workDir, keep);
      const { replaced, notRemoved, conflicts = [] } = pushed;
      if (notRemoved !== undefined)
        this.#log.write({ level: "warn", message: `old artifacts could not be removed: ${notRemoved}` });
      if (conflicts.length > 0) {
        const message = `another job of this run, which ran beside it, changed the same files: ${conflicts.join(", ")}; what this job wrote counts`;
        this.#log.write({ level: "warn", message });
      }
      if (replaced !== null) {
        const message = `run ${replaced} stored its artifacts while this run was under way: the next run starts from this run's, and those of ${replaced} stay in its archive`;
        this.#log.write({ level: "warn", message });
      }
      return null;
    } catch (error) {
      const hint = error instanceof UserError && error.hint !== undefined ? `. ${error.hint}` : "";
      const problem = `the artifacts could not be stored: ${error instanceof Error ? error.message : String(error)}${hint}`;
      this.#log.write({ level: "error", message: problem });
      return problem;
    }
  }

  #record(tasks: readonly TaskRecord[], problem: string | null, durationMs: number): RunRecord {
    const bad = tasks.find((task) => task.status !== "success" && task.status !== "skipped");
    const stopped = this.#stop.reason;
    const [status, exitCode] = ((): [RunStatus, number] => {
      if (stopped !== null && tasks.some((task) => task.status === "stopped" || task.status === "skipped")) {
        return ["stopped", stopped.exitCode];
      }
      if (bad?.status === "timeout") return ["timeout", ExitCode.timedOut];
      return bad !== undefined || problem !== null ? ["failure", ExitCode.failed] : ["success", ExitCode.ok];
    })();
    const error = status === "stopped" ? stopped?.message : (bad?.error ?? problem);
    const metrics = this.#totals();
    this.#log.milestone({
      level: status === "success" ? "info" : "error",
      event: "run.end",
      message: `run: ${status} after ${durationMs} ms${error ? `: ${error}` : ""}`,
      status,
      exitCode,
      durationMs,
      metrics,
      summary: runSummary({ status, durationMs, metrics, error: error ?? undefined }),
      ...(error ? { error } : {}),
    });
    return {
      schemaVersion: 1,
      runId: this.#request.runId,
      status,
      exitCode,
      startedAt: this.#startedAt.toISOString(),
      durationMs,
      tasks,
      metrics,
      ...(error ? { error: this.#log.masker.mask(error) } : {}),
    };
  }

  #stopBySignal(): void {
    const reason: unknown = this.#context.signal?.reason;
    const interrupted = reason === "SIGINT";
    const message = `the run was stopped${typeof reason === "string" ? ` by ${reason}` : ""}`;
    this.#log.write({ level: "warn", message });
    const exitCode = interrupted ? ExitCode.interrupted : ExitCode.terminated;
    this.#stop.stop({ status: "stopped", exitCode, message });
  }

  /** A command may name a metric as it likes. */
  #totals(): Record<string, number> {
    const entries = Object.entries(this.#metrics.totals());
    return Object.fromEntries(entries.map(([name, value]) => [this.#log.masker.mask(name), value]));
  }
}

interface Prepared {
  /** By the task's name. */
  readonly compiled: ReadonlyMap<string, CompiledTask>;
  readonly environments: Environments;
}
