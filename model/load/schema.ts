import * as z from "zod/mini";
import type { Dialect } from "../project.js";
import { namePattern, rules } from "./schema-rules.js";

/** Keys of a 0.x file's `deploy` that name something of its own platform. */
export const legacyDeployKeys = [
  "cloud_provider",
  "provider",
  "cloud_platform",
  "platform",
  "platform_config",
  "container_provider",
  "resource_group",
  "container_image",
  "image_domain",
  "image_version",
  "task",
  "cpu",
  "memory",
] as const;

type Schema = z.core.$ZodType;
const schemas = new Map<Dialect, Schema>();

/** The shape of a file in a dialect; made when first asked for. Meaning is checked after it, in `normalize.ts`. */
export function projectSchema(dialect: Dialect): Schema {
  const existing = schemas.get(dialect);
  if (existing) return existing;
  const made = makeSchema(dialect);
  schemas.set(dialect, made);
  return made;
}

/**
 * Both dialects from one description: a 0.x file may also leave any value empty, write numbers and booleans where
 * text is meant, and has keys of its own.
 */
function makeSchema(dialect: Dialect): Schema {
  const strict = dialect === "1";
  const optional = <T extends Schema>(schema: T, description: string) =>
    strict
      ? z.optional(schema).check(z.describe(description))
      : z.optional(z.nullable(schema)).check(z.describe(description));
  const required = <T extends Schema>(schema: T, description: string) =>
    strict ? z.pipe(schema, z.any()).check(z.describe(description)) : z.optional(z.nullable(schema));
  const old = (keys: Record<string, Schema>) => (strict ? {} : keys);
  const any = z.optional(z.any());
  /** Adds to the JSON Schema what the loader checks by itself. */
  const ruled = <T extends Schema>(schema: T, ...added: Readonly<Record<string, unknown>>[]): T => {
    if (strict) z.globalRegistry.add(schema, Object.assign({}, ...added));
    return schema;
  };

  const text = strict ? z.string() : z.union([z.string(), z.number(), z.boolean()]);
  const scalar = z.union([z.string(), z.number(), z.boolean()]);
  const name = strict ? z.string().check(z.regex(namePattern)) : z.union([z.string(), z.number()]);
  const flag = z.boolean();
  const list = <T extends Schema>(item: T) => z.array(strict ? item : z.nullable(item));
  const fullList = <T extends Schema>(item: T) => ruled(list(item), rules.notEmpty);
  const textOf = (rule: Readonly<Record<string, unknown>>) =>
    strict ? ruled(z.string(), rule) : z.union([z.string(), z.number(), z.boolean()]);
  const amount = (...added: Readonly<Record<string, unknown>>[]) =>
    ruled(z.union([z.string(), z.number()]), ...added);
  const timeout = amount(rules.duration, rules.timeout);
  const file = strict ? z.string() : z.union([z.string(), z.boolean()]);

  const entries = (valued: boolean) => {
    const item = z.strictObject({
      key: required(textOf(rules.identifier), "Name."),
      value: ruled(
        z.optional(z.nullable(scalar)).check(z.describe("Value; a template.")),
        { description: "Value; a template." },
        valued ? rules.value : {},
      ),
      description: optional(text, "For the reader."),
    });
    return z.union([
      ruled(z.record(z.string(), z.nullable(scalar)), rules.variables, valued ? rules.valued : {}),
      list(valued ? ruled(item, rules.valuedItem) : item),
    ]);
  };

  const resources = z.strictObject({
    cpu: optional(amount(rules.cpu), "vCPUs: `0.5`, or `500m`."),
    memory: optional(amount(rules.bytes), "Memory with its unit: `512Mi`, `2Gi`."),
    disk: optional(amount(rules.bytes), "Disk with its unit: `20Gi`."),
  });
  const retries = z.strictObject({
    max: optional(ruled(z.number(), rules.retries), "Attempts after the first; 0 to 100."),
    delay: optional(amount(rules.duration), "Before the first retry: `60s`, `5m`, or seconds."),
    backoff: optional(
      ruled(z.number(), rules.backoff),
      "The delay is multiplied by this after each retry; 1 or more.",
    ),
  });

  const task: Schema = ruled(
    z.lazy(() => taskObject),
    { id: "task" },
  );
  const command = z.strictObject({
    command: optional(textOf(rules.notBlank), "Shell command line; a template."),
    args: optional(
      z.union([scalar, z.array(scalar)]),
      "Added to the command after a space; a template. The words of a list are joined by spaces.",
    ),
    venv: optional(text, "Virtual environment to run in: a `venv` of `installs`."),
    timeout: optional(timeout, "Stopped and failed after this: `60s`, `10m`, or seconds."),
    active: optional(flag, "`false` leaves the command out. Default: true."),
    description: optional(text, "For the reader."),
    ...old({ nulldev: any }),
  });
  const member = z.strictObject({
    ...command.shape,
    fork: optional(fullList(task), "Branches that all get the whole stream; last in its pipeline."),
    foreach: optional(
      fullList(task),
      "Tasks to run once for each line, `{{ _line }}`; last in its pipeline.",
    ),
    max_parallel: optional(
      ruled(z.int(), rules.parallel),
      "For `foreach`: lines at the same time. Default: 1.",
    ),
  });
  const taskObject = ruled(
    z.strictObject({
      name: required(name, "Unique among its siblings: letters, digits, `_` and `-`."),
      description: optional(text, "For the reader."),
      active: optional(flag, "`false` leaves the task out. Default: true."),
      timeout: optional(timeout, "The whole task is stopped and failed after this: `60s`, `2h`, or seconds."),
      envs: optional(entries(true), "Environment variables of the task's commands."),
      pipeline: optional(
        fullList(ruled(member, rules.member)),
        "Commands that run together, joined by pipes.",
      ),
      commands: optional(fullList(ruled(command, rules.command)), "Commands that run one after the other."),
      tasks: optional(fullList(task), "A named group of tasks, run one after the other."),
      stdout_to_file: optional(
        z.union([file, flag]),
        "File in the workspace that gets the output; `false`: none. Default: `artifacts/<task>_stdout.log`.",
      ),
      stderr_to_file: optional(z.union([file, flag]), "File in the workspace that gets what goes to stderr."),
      kill_downstream_on_fail: optional(
        flag,
        "`false`: later tasks run although this one failed. Default: true.",
      ),
      kill_loop_on_fail: optional(
        flag,
        "`false`: a foreach goes on after a line that failed. Default: true.",
      ),
      depends_on: optional(list(text), "Names of top-level tasks that must have succeeded before this one."),
      resources: optional(resources, "What the task's job needs; rounded up to what the platform has."),
      retries: optional(retries, "Further attempts after a failure."),
    }),
    rules.task,
  );

  const schedule = z.strictObject({
    ...(strict
      ? { name: required(name, "Unique among the schedules.") }
      : {
          name: any,
          target_id: optional(name, "Unique among the schedules."),
          extras_obj: any,
          status: any,
        }),
    description: optional(text, "For the reader."),
    cron: required(
      text,
      "5 fields (`0 6 * * MON-FRI`), or 6 as EventBridge writes them (`0 6 ? * MON-FRI *`).",
    ),
    timezone: optional(text, "IANA name, such as `Europe/Paris`. Default: UTC."),
    tasks: optional(list(text), "Top-level tasks to run. Default: all."),
    envs: optional(entries(true), "Environment variables of these runs."),
    vars: optional(entries(true), "Variables of these runs."),
    enabled: optional(flag, "Default: true."),
    overlap: optional(
      z.enum(["skip", "allow"]),
      "`skip` leaves a run out while the previous one goes on; `allow` starts it. Default: skip.",
    ),
    catch_up: optional(flag, "Local agent: run once for times missed while it was down. Default: false."),
  });

  const source = z.union([
    z.literal("image"),
    z.strictObject({
      git: required(
        z.strictObject({
          url: required(textOf(rules.repository), "Address of the repository: `https://…`."),
          ref: optional(textOf(rules.ref), "Branch, tag or commit. Default: main."),
          path: optional(text, "Folder of the project in the repository. Default: its top."),
          token: optional(
            text,
            "Name of the secret that holds an access token. Default: none, for a public repository.",
          ),
        }),
        "Cloned when a run starts.",
      ),
    }),
  ]);
  const deploy = z.strictObject({
    granularity: optional(
      z.enum(["project", "task"]),
      "`project`: one job runs the tasks in order. `task`: a job per task, ordered by `depends_on`.",
    ),
    source: optional(source, "`image`: the project is in the runner's image. `git`: cloned at start."),
    resources: optional(resources, "Default of every task."),
    timeout: optional(timeout, "Of a whole run: `2h`, or seconds."),
    retries: optional(retries, "Default of every task."),
    push_artifacts_on_fail: optional(flag, "The same as `artifacts.push_artifacts_on_fail`."),
    ...old(Object.fromEntries(legacyDeployKeys.map((key) => [key, any]))),
  });

  return z
    .strictObject({
      version: z.any().check(z.describe("Dialect of the file: 1.")),
      name: optional(name, "Default: the folder's name."),
      description: optional(text, "For the reader."),
      installs: optional(
        list(
          z.strictObject({
            venv: required(textOf(rules.venv), "Virtual environment; the same name is the same environment."),
            command: required(textOf(rules.notBlank), "Shell command, such as `pip install tap-x`."),
            description: optional(text, "For the reader."),
            ...old({ args: any }),
          }),
        ),
        "Virtual environments and what to install in them, in order.",
      ),
      vars: optional(entries(true), "Variables for templates: a map, or a list of `{key, value}`."),
      envs: optional(
        entries(false),
        "Environment of every command: a map, or a list of `{key, value}`. Without a value: the secret of that name.",
      ),
      secrets: optional(
        list(
          z.strictObject({
            key: required(
              textOf(rules.identifier),
              "Name; the value lives in the stack's encrypted configuration.",
            ),
            file: optional(text, "File in the workspace that gets the value (0600) while a run lasts."),
            description: optional(text, "For the reader."),
            ...old({ level: any, value: any, push: any }),
          }),
        ),
        "Names of secrets. Values are never in this file.",
      ),
      artifacts: optional(
        z.strictObject({
          keep: optional(list(text), "Glob patterns of the files that survive from run to run."),
          push_artifacts_on_fail: optional(flag, "Keep them also after a failed run. Default: false."),
        }),
        "What survives from run to run.",
      ),
      stores: optional(
        list(
          z.strictObject({
            name: required(name, "Commands get its address in `HANDOFF_STORE_<NAME>`."),
            kind: required(z.enum(["bucket", "table"]), "`bucket` for files, `table` for records."),
          }),
        ),
        "Storage that is made with the deployment.",
      ),
      tasks: required(fullList(task), "What to run, in order."),
      deploy: optional(deploy, "How it is deployed."),
      schedules: optional(list(schedule), "When it runs."),
      triggers: optional(
        list(
          z.strictObject({
            name: required(name, "Unique among the triggers."),
            queue: required(
              z.strictObject({}),
              "A queue is made; a run starts for each message (`HANDOFF_MESSAGE`).",
            ),
            tasks: optional(list(text), "Top-level tasks to run. Default: all."),
            max_concurrency: optional(
              ruled(z.int(), rules.concurrency),
              "Runs at the same time. Default: 1.",
            ),
          }),
        ),
        "What starts a run besides the schedules.",
      ),
      notifications: optional(
        list(
          ruled(
            z.strictObject({
              on: required(fullList(z.enum(["success", "failure", "timeout", "missed"])), "Events."),
              email: optional(textOf(rules.email), "Address."),
              webhook: optional(
                ruled(
                  z.strictObject({
                    secret: optional(text, "Secret whose value is the URL."),
                    url: optional(textOf(rules.address), "The URL, where it is no secret."),
                  }),
                  rules.webhook,
                ),
                "Gets the event as JSON by POST.",
              ),
              command: optional(text, "Local platform: shell command that gets the event as JSON on stdin."),
            }),
            rules.notification,
          ),
        ),
        "Who is told of what.",
      ),
      ...old({ kill_downstream_on_fail: any, kill_loop_on_fail: any, container: any }),
    })
    .check(z.describe("A handoff project."));
}

/** The keys that the schema knows at a place of a document; empty where it has no keys. */
export function knownKeys(schema: Schema, path: readonly PropertyKey[]): string[] {
  const keys = new Set<string>();
  const walk = (current: unknown, depth: number): void => {
    const def = definition(current);
    if (!def) return;
    const inner =
      def.innerType ?? (def.type === "lazy" ? def.getter?.() : def.type === "pipe" ? def.in : undefined);
    if (inner) {
      walk(inner, depth);
      return;
    }
    if (def.options) {
      for (const option of def.options) walk(option, depth);
      return;
    }
    const step = path[depth];
    if (def.shape) {
      if (step === undefined) for (const key of Object.keys(def.shape)) keys.add(key);
      else walk(def.shape[String(step)], depth + 1);
    } else if (step !== undefined) walk(def.type === "array" ? def.element : def.valueType, depth + 1);
  };
  walk(schema, 0);
  return [...keys];
}

interface Definition {
  readonly type: string;
  readonly innerType?: unknown;
  readonly getter?: () => unknown;
  readonly in?: unknown;
  readonly options?: readonly unknown[];
  readonly shape?: Readonly<Record<string, unknown>>;
  readonly element?: unknown;
  readonly valueType?: unknown;
}

function definition(schema: unknown): Definition | undefined {
  if (typeof schema !== "object" || schema === null || !("_zod" in schema)) return undefined;
  return (schema as { _zod: { def: Definition } })._zod.def;
}
