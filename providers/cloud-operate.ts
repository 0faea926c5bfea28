/** Operating a stack in a cloud: all that is the same on AWS, GCP and Azure. What differs is the `CloudDriver`. */
import { nextFire, parseCron } from "../model/cron.js";
import { UserError } from "../model/diagnostic.js";
import type { Schedule } from "../model/project.js";
import { newRunId } from "../model/run-id.js";
import type { CloudDriver, Execution, LogTarget } from "./cloud-driver.js";
import { patiently, type Sleep, sleepFor } from "./cloud-errors.js";
import { readCloudLog } from "./cloud-log.js";
import { type CloudRun, hasEnded, joinRuns, lacksRecord, type RunOwner, viewRun } from "./cloud-runs.js";
import { deployedOf, requireSchedule, startCall, unknown } from "./cloud-start.js";
import type { DeployedStack, FollowOptions, Operator, RunRecords, RunView, ScheduleView } from "./operate.js";

export type * from "./cloud-driver.js";
export {
  type CallDescription,
  CloudError,
  type CloudFailure,
  cloudError,
  isPassing,
} from "./cloud-errors.js";

export interface CloudOperatorOptions {
  /** Replaced in tests, as the other. */
  readonly sleep?: Sleep;
  /** Milliseconds since some moment. */
  readonly clock?: () => number;
}

/** Runs that are looked at for one that is named by the beginning of its id, and for the last ones of schedules. */
const recent = 100;
/** Records beyond the limit: a run that took long ended after newer ones. */
const margin = 20;

export function cloudOperator(
  stack: DeployedStack,
  driver: CloudDriver,
  { sleep = sleepFor, clock = () => performance.now() }: CloudOperatorOptions = {},
): Operator {
  const deployed = deployedOf(stack.outputs);
  const owner = ownerOf(stack);
  let opened: Promise<RunRecords> | undefined;
  const openRecords = (): Promise<RunRecords> => {
    opened ??= stack.openRecords(artifactsOf(stack.outputs), driver.storeEnv ?? stack.env);
    return opened;
  };
  /** What was started or found here before: nobody has to look for it again. */
  const known = new Map<string, CloudRun>();

  /** Newest first. */
  async function list(limit: number): Promise<CloudRun[]> {
    const records = await openRecords();
    const jobsOfRun = deployed.flows.length > 0 ? Math.max(1, deployed.jobs.length) : 1;
    const [left, executions] = await Promise.all([
      records.list({ limit: limit * jobsOfRun + margin }),
      driver.executions(limit),
    ]);
    const runs = joinRuns(left, executions).slice(0, limit);
    return await Promise.all(runs.map((run) => (lacksRecord(run) ? complete(run) : run)));
  }

  /** With what the platform tells only when it is asked for one execution, and with records that the listing didn't have. */
  async function complete(run: CloudRun): Promise<CloudRun> {
    const executions = executionsOf(run);
    const named = executions.some(({ runId }) => runId !== undefined);
    const [asked, left] = await Promise.all([
      Promise.all(executions.map(async (one) => (one.partial && (await driver.execution(one))) || one)),
      named && hasEnded(run) ? recordsOf(run.runId) : [],
    ]);
    const records = [...left, ...run.parts.flatMap(({ record }) => record ?? [])];
    return theRun(run.runId, records, asked) ?? run;
  }

  async function recordsOf(runId: string) {
    const records = await openRecords();
    const found = await records.list({ beginning: runId, limit: recent });
    return found.filter((record) => record.runId === runId);
  }

  /** As it is now; what its platform has forgotten and left no record stays as it was. */
  async function refresh(run: CloudRun): Promise<CloudRun> {
    const { runId, flow } = run;
    const left = await recordsOf(runId);
    const before = executionsOf(run);
    // A record is there before the platform has noticed the end.
    const done = flow === null && left.length > 0 && hasEnded(theRun(runId, left, before) ?? run);
    const now = done
      ? before
      : await Promise.all(before.map(async (one) => (one.endedAt === null ? await ask(one) : one)));
    // Written while it was asked for, or by a run whose id nobody knew.
    const over = left.length === 0 && now.every(({ endedAt }) => endedAt !== null);
    const written = over ? await recordsOf(runId) : left;
    const known = over && written.length === 0 && flow === null ? await recordsOfExecutions(run) : written;
    return theRun(runId, known, now) ?? run;
  }

  async function ask(before: Execution): Promise<Execution> {
    const found = await driver.execution(before);
    if (!found) return lost(before, stack.now());
    // What the start knew and the platform doesn't tell.
    return { ...before, ...found };
  }

  /** Of a run that a schedule started, and whose id nobody knows yet. */
  async function recordsOfExecutions({ parts }: CloudRun) {
    const ids = new Set(parts.flatMap(({ executions }) => executions.map(({ id }) => id)));
    const records = await openRecords();
    const found = await records.list({ limit: margin });
    return found.filter(({ execution }) => execution !== null && ids.has(execution));
  }

  async function find(id: string | undefined): Promise<CloudRun> {
    const own = id === undefined ? undefined : known.get(id);
    if (own) return hasEnded(own) ? own : await refresh(own);
    // A run that has ended is found by its record alone; of a flow's only its jobs have one.
    const left = id === undefined || deployed.flows.length > 0 ? [] : await recordsOf(id);
    const [ended] = joinRuns(left, []);
    if (ended) return ended;
    const runs = await list(id === undefined ? 1 : recent);
    const [newest] = runs;
    if (id === undefined) {
      if (newest) return newest;
      throw new UserError("nothing has run yet", {
        code: "unknown-run",
        hint: "run it now: handoff trigger",
      });
    }
    const named = runs.filter((run) => namesOf(run).some((name) => name.startsWith(id)));
    const exact = named.find((run) => namesOf(run).includes(id));
    const [only] = named;
    const found = exact ?? (named.length === 1 ? only : undefined);
    if (found) return found;
    if (named.length === 0) {
      const older = joinRuns(await (await openRecords()).list({ beginning: id, limit: recent }), []);
      const [one] = older;
      if (one && older.length === 1) return one;
      if (!one)
        throw unknown(
          "run",
          id,
          runs.slice(0, 20).map(({ runId }) => runId),
        );
      named.push(...older);
    }
    throw new UserError(
      `several runs begin with ${id}: ${named
        .slice(0, 10)
        .map(({ runId }) => runId)
        .join(", ")}`,
      { code: "ambiguous-run", hint: "give more of the id" },
    );
  }

  async function* logs(view: RunView, { follow = false, signal }: FollowOptions = {}) {
    let run = await find(view.runId);
    yield* readCloudLog({
      runId: view.runId,
      follow,
      signal,
      sleep,
      now: clock,
      delayMs: driver.logDelayMs,
      pollMs: driver.logPollMs ?? 2000,
      disorderMs: driver.logDisorderMs ?? 0,
      open: (target) => driver.log(target),
      targets: async () => {
        if (run.flow) run = await jobsOf(run);
        return targetsOf(run);
      },
      end: async () => {
        if (!hasEnded(run)) run = await refresh(run);
        return { ended: hasEnded(run), closing: closingOf(run) };
      },
    });
  }

  /** The jobs of a flow that have been started by now. */
  async function jobsOf(run: CloudRun): Promise<CloudRun> {
    const [left, executions] = await Promise.all([
      recordsOf(run.runId),
      driver.jobsOf?.(run.runId) ?? driver.executions(recent),
    ]);
    const before = run.parts.flatMap((part) => part.executions);
    const now = executions.filter(({ kind, runId }) => kind === "job" && runId === run.runId);
    const newer = new Set(now.map(({ id }) => id));
    const all = [...(run.flow ? [run.flow] : []), ...before.filter(({ id }) => !newer.has(id)), ...now];
    return theRun(run.runId, left, all) ?? run;
  }

  return {
    async trigger(request) {
      const now = stack.now();
      const call = startCall(request, { runId: newRunId(now), now }, deployed, () => stack.plan());
      const execution = await driver.start(call);
      const runId = execution.runId ?? call.runId;
      const run = joinRuns([], [{ ...execution, runId }])[0];
      if (!run) throw new Error("what was started is a run");
      known.set(runId, run);
      const { tasks = [], vars = {} } = request;
      return { ...viewRun(run, owner), request: { tasks, vars, stage: owner.stack } };
    },
    runs: async ({ limit }) => (await list(limit)).map((run) => viewRun(run, owner)),
    async run(id) {
      const found = await find(id);
      known.set(found.runId, found);
      return viewRun(found, owner);
    },
    async wait(runId, signal) {
      const again = { signal, sleep };
      let run = await patiently(() => find(runId), again);
      for (let polls = 0; !hasEnded(run) && !signal?.aborted; polls += 1) {
        await sleep(polls < 15 ? 2000 : 10_000, signal);
        if (signal?.aborted) break;
        const before = run;
        run = await patiently(() => refresh(before), again);
      }
      // Jobs that the platform could not start have left no record.
      if (run.flow && hasEnded(run)) run = await jobsOf(run);
      return viewRun(run, owner);
    },
    logs,
    async schedules() {
      const plan = stack.plan();
      const [states, runs] = await Promise.all([
        Promise.all(deployed.schedules.map((name) => driver.schedule(name))),
        deployed.schedules.length > 0 ? list(recent) : [],
      ]);
      const views = runs.map((run) => viewRun(run, owner));
      return deployed.schedules
        .map((name, place): ScheduleView => {
          const { paused = false, expression = "-", timezone = "UTC" } = states[place] ?? {};
          const planned = plan.schedules.find((schedule) => schedule.name === name);
          const job = deployed.flows.length > 0 ? plan.spec.project.name : (deployed.jobs[0] ?? "");
          const last = lastOf(name, views);
          return {
            name,
            job,
            ...(planned?.description === undefined ? {} : { description: planned.description }),
            // Deployed, and gone from project.yml since: it fires until the next deployment.
            cron: planned?.cron ?? expression,
            timezone: planned?.timezone ?? timezone,
            enabled: planned?.enabled ?? !paused,
            paused: paused && planned?.enabled !== false,
            next: planned && !paused ? nextOf(planned, stack.now()) : [],
            ...(last ? { last } : {}),
          };
        })
        .sort((a, b) => a.name.localeCompare(b.name));
    },
    async setPaused(name, paused) {
      requireSchedule(name, deployed);
      // It doesn't fire, whoever resumes it: that is project.yml's to say.
      if (!paused && stack.plan().schedules.find((schedule) => schedule.name === name)?.enabled === false)
        return;
      await driver.setPaused(name, paused);
    },
  };
}

function ownerOf(stack: DeployedStack): RunOwner {
  const { settings, pulumiProject } = stack;
  let name: string | undefined;
  return {
    deployment: `${pulumiProject}-${settings.stack}`,
    stack: settings.stack,
    client: settings.client,
    project() {
      try {
        name ??= stack.plan().spec.project.name;
      } catch {
        // A project.yml that is broken now says nothing of what is deployed.
        name = pulumiProject;
      }
      return name;
    },
  };
}

function artifactsOf(outputs: DeployedStack["outputs"]): string {
  const { artifacts } = (outputs.stores ?? {}) as { readonly artifacts?: unknown };
  if (typeof artifacts === "string") return artifacts;
  throw new UserError("the stack's outputs name no artifact store", {
    code: "not-deployed",
    hint: "deploy it again with handoff up",
  });
}

/** By which it is found: until a scheduled run has left its record, its execution's name is all that there is. */
const namesOf = ({ runId, parts, flow }: CloudRun): string[] => [
  runId,
  ...(flow ? [flow.id] : []),
  ...parts.flatMap(({ executions, record }) => [
    ...executions.map(({ id }) => id),
    ...(record?.execution ? [record.execution] : []),
  ]),
];

const executionsOf = ({ flow, parts }: CloudRun): Execution[] => [
  ...(flow ? [flow] : []),
  ...parts.flatMap(({ executions }) => executions),
];

/** One run of what belongs to it, under its own id. */
function theRun(
  runId: string,
  records: Parameters<typeof joinRuns>[0],
  executions: readonly Execution[],
): CloudRun | undefined {
  const left = records[0]?.runId;
  const id = left ?? runId;
  return joinRuns(
    records,
    executions.map((execution) => ({ ...execution, runId: id })),
  ).find((run) => run.runId === id);
}

/** The platform forgets what ended long ago; it has left no record either. */
function lost(before: Execution, now: Date): Execution {
  return {
    ...before,
    status: "failure",
    endedAt: before.endedAt ?? now.toISOString(),
    reason: before.reason ?? "the platform knows it no more, and it left no record",
  };
}

function targetsOf({ runId, parts }: CloudRun): LogTarget[] {
  return parts.flatMap(({ job, executions, record }) => {
    const found = executions.map(({ id, firedAt }) => ({ execution: id, job, runId, since: firedAt }));
    if (record === null || record.execution === null) return found;
    if (executions.some(({ id }) => id === record.execution)) return found;
    return [...found, { execution: record.execution, job, runId, since: record.startedAt }];
  });
}

/** None where a job was killed before it could say so: what it printed last comes when it comes. */
function closingOf({ parts }: CloudRun): string[] {
  const started = parts.filter(({ executions, record }) => record || executions.at(-1)?.startedAt);
  if (started.some(({ record }) => !record)) return [];
  return started.flatMap(({ executions, record }) => record?.execution ?? executions.at(-1)?.id ?? []);
}

function nextOf({ cron, timezone, enabled }: Schedule, now: Date): string[] {
  const next: string[] = [];
  if (!enabled || cron === "") return next;
  const parsed = parseCron(cron);
  for (let at = nextFire(parsed, timezone, now); at && next.length < 3; at = nextFire(parsed, timezone, at)) {
    next.push(at.toISOString());
  }
  return next;
}

/** By the instant that they stand for: a backfill's are older, whenever they ran. */
function lastOf(name: string, runs: readonly RunView[]): ScheduleView["last"] {
  const [last] = runs
    .filter(({ schedule }) => schedule === name)
    .sort((a, b) => Date.parse(b.scheduledAt) - Date.parse(a.scheduledAt));
  return last && { runId: last.runId, scheduledAt: last.scheduledAt, status: last.status };
}
