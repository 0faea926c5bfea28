/**
 * The model that both dialects of project.yml are read into (FORMAT of the file: docs/project-yml.md).
 * Everything is plain JSON data: it is frozen, put into plans and handed to the runner as it is.
 */

/** `1` is handoff's own dialect; `0.x` that of the Python tool of the same name. */
export type Dialect = "1" | "0.x";

export interface Install {
  /** Virtual environment's name; installs with the same name go into one environment, in order. */
  readonly venv: string;
  /** Shell command, such as `pip install tap-x`. */
  readonly command: string;
}

/** Name of a secret; its value is never part of the model. */
export interface Secret {
  readonly key: string;
  /** Workspace-relative path that the value is written to (0600) while the run lasts. */
  readonly file?: string;
}

export interface Store {
  readonly name: string;
  readonly kind: "bucket" | "table";
}

/** What the author asked for; each platform rounds it up to what it has. */
export interface Resources {
  /** vCPUs; may be a fraction. */
  readonly cpu?: number;
  readonly memoryMiB?: number;
  readonly diskGiB?: number;
}

export interface Retries {
  /** Attempts after the first. */
  readonly max: number;
  /** Before the first retry, in seconds. */
  readonly delaySeconds: number;
  /** The delay is multiplied by this after each retry. */
  readonly backoff: number;
}

/** One shell command line. */
export interface Command {
  readonly kind: "command";
  /** `command` and `args` joined by a space; a template. */
  readonly line: string;
  readonly venv?: string;
  readonly timeoutSeconds?: number;
  readonly active: boolean;
}

/** Every branch gets every byte of the stream. */
export interface Fork {
  readonly kind: "fork";
  readonly branches: readonly Task[];
}

/** The tasks run once for each line of the stream, which is `{{ _line }}`. */
export interface Foreach {
  readonly kind: "foreach";
  readonly tasks: readonly Task[];
  /** Lines at the same time; default 1. */
  readonly maxParallel: number;
}

export type Body =
  /** Members start together, stdout to stdin; `tail` may only end the pipeline. */
  | { readonly kind: "pipeline"; readonly members: readonly Command[]; readonly tail?: Fork | Foreach }
  /** One after the other. A foreach or fork can't follow: they need a stream. */
  | { readonly kind: "commands"; readonly commands: readonly Command[] }
  | { readonly kind: "tasks"; readonly tasks: readonly Task[] };

export interface Task {
  readonly name: string;
  readonly description?: string;
  readonly active: boolean;
  readonly timeoutSeconds?: number;
  readonly envs: Readonly<Record<string, string>>;
  readonly body: Body;
  readonly stdoutToFile?: string;
  readonly stderrToFile?: string;
  /** Default true: a failure ends what follows; false: the run goes on (and still fails at its end). */
  readonly killDownstreamOnFail: boolean;
  /** Default true; false: a foreach goes on after a failed line. */
  readonly killLoopOnFail: boolean;
  readonly dependsOn: readonly string[];
  readonly resources?: Resources;
  readonly retries?: Retries;
}

export interface Schedule {
  /** Unique in the project; 0.x: `target_id`. */
  readonly name: string;
  readonly description?: string;
  /** As written: 5 fields, or 6 as EventBridge writes them (see model/cron.ts). */
  readonly cron: string;
  /** IANA zone; default `UTC`. */
  readonly timezone: string;
  /** Names of top-level tasks; empty: all. */
  readonly tasks: readonly string[];
  readonly envs: Readonly<Record<string, string>>;
  readonly vars: Readonly<Record<string, string>>;
  readonly enabled: boolean;
  readonly overlap: "skip" | "allow";
  readonly catchUp: boolean;
}

export interface Trigger {
  readonly name: string;
  readonly tasks: readonly string[];
  readonly maxConcurrency: number;
}

export type NotificationEvent = "success" | "failure" | "timeout" | "missed";

export interface Notification {
  readonly on: readonly NotificationEvent[];
  readonly target:
    | { readonly kind: "email"; readonly address: string }
    /** The URL is the value of the named secret, or given in the file. */
    | { readonly kind: "webhook"; readonly secret?: string; readonly url?: string }
    /** Local platform only: a shell command; gets the event as JSON on stdin. */
    | { readonly kind: "command"; readonly command: string };
}

export type Source = { readonly kind: "image" } | GitSource;

/** Cloned when a run starts. */
export interface GitSource {
  readonly kind: "git";
  readonly url: string;
  /** Branch, tag or commit; default `main`. */
  readonly ref: string;
  /** Folder of the project in the repository; default `.`. */
  readonly path: string;
  /** Name of the secret that holds an access token; without it the repository is public. */
  readonly token?: string;
}

export interface Deploy {
  readonly granularity: "project" | "task";
  readonly source: Source;
  readonly resources: Resources;
  readonly timeoutSeconds?: number;
  readonly retries?: Retries;
  /** Keys of a 0.x file that have no meaning here, kept to be shown: cloud_provider, resource_group, … */
  readonly legacy: Readonly<Record<string, string>>;
}

export interface Project {
  readonly dialect: Dialect;
  readonly name: string;
  readonly description?: string;
  readonly installs: readonly Install[];
  readonly vars: Readonly<Record<string, string>>;
  /** Environment of every command. */
  readonly envs: Readonly<Record<string, string>>;
  /** Environment variables whose value is the secret of the same name. */
  readonly secretEnvs: readonly string[];
  readonly secrets: readonly Secret[];
  readonly artifacts: {
    /** Glob patterns relative to the workspace; default `artifacts/**`. */
    readonly keep: readonly string[];
    /** Push also after a failed run; default false. */
    readonly pushOnFail: boolean;
  };
  readonly stores: readonly Store[];
  readonly tasks: readonly Task[];
  readonly deploy: Deploy;
  readonly schedules: readonly Schedule[];
  readonly triggers: readonly Trigger[];
  readonly notifications: readonly Notification[];
}
