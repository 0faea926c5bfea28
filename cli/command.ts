import type { CliContext } from "./context.js";

export interface ArgumentSpec {
  /** As commander writes it: `<required>`, `[optional]`, `[several...]`. */
  readonly name: string;
  readonly description: string;
  readonly choices?: readonly string[];
}

export interface OptionSpec {
  /** As commander writes it: `-p, --project <dir>`. */
  readonly flags: string;
  readonly description: string;
  readonly choices?: readonly string[];
  readonly default?: string;
  /** May be given several times; the values are collected into an array. */
  readonly repeat?: boolean;
  /** The command can't do without it. */
  readonly required?: boolean;
}

export interface Example {
  readonly command: string;
  readonly note: string;
}

/** A command is data: what it is called, what it takes, and what to do with it. */
export interface CommandSpec {
  readonly name: string;
  /** One line, in the list of commands. */
  readonly summary: string;
  /** More, in the command's own help. */
  readonly description?: string;
  readonly arguments?: readonly ArgumentSpec[];
  readonly options?: readonly OptionSpec[];
  readonly examples: readonly Example[];
  /** A command has subcommands or does something itself. */
  readonly subcommands?: readonly CommandSpec[];
  /** Positional arguments in order, the options by their long names in camel case. Returns the exit code; default 0. */
  readonly run?: (
    args: readonly unknown[],
    options: Readonly<Record<string, unknown>>,
    context: CliContext,
  ) => Promise<number | undefined>;
}

/** Commands by their names, each loaded when it is asked for. */
export type Commands = Readonly<Record<string, () => Promise<CommandSpec>>>;

export async function loadCommands(commands: Commands): Promise<readonly CommandSpec[]> {
  return await Promise.all(Object.values(commands).map((load) => load()));
}

/**
 * A command whose handler has types: `defineCommand<[string[]], { json?: boolean }>({…})`. The types restate what the flags
 * say, as commander parses them.
 */
export function defineCommand<Args extends readonly unknown[], Options extends object>(
  spec: Omit<CommandSpec, "run"> & {
    readonly run: (args: Args, options: Options, context: CliContext) => Promise<number | undefined>;
  },
): CommandSpec {
  return {
    ...spec,
    run: (args, options, context) =>
      spec.run(args as unknown as Args, options as unknown as Options, context),
  };
}

/** Options that several commands share, worded once. */
export const projectOption: OptionSpec = {
  flags: "-p, --project <dir>",
  description: "folder of project.yml (default: the nearest one upward)",
};
export const stackOption: OptionSpec = {
  flags: "-s, --stack <stack>",
  description: "Pulumi stack (default: the only one that Pulumi.<stack>.yaml files name)",
};
export const jsonOption: OptionSpec = { flags: "--json", description: "print JSON on stdout" };

export interface StackCommandOptions {
  readonly json?: boolean;
  readonly all?: boolean;
  readonly select?: readonly string[];
  readonly parallel?: string;
  readonly failFast?: boolean;
  readonly retry?: string;
  readonly report?: readonly string[];
  readonly expectNoChanges?: boolean;
  readonly refresh?: boolean;
  readonly yes?: boolean;
}
/** up, preview, refresh, destroy and drift take the same. */
export const stackCommandArguments = {
  note:
    "Finds the Pulumi engine, or gets it: `handoff doctor` says which. State is kept in the project's folder unless you " +
    "are logged in to another backend. Several stacks are worked on at a time, each by itself: one that fails stops no other.",
  stacks: {
    name: "[stacks...]",
    description: "names of stacks (default: the only one that Pulumi.<stack>.yaml files name)",
  },
} as const;
export const stackCommandOptions: readonly OptionSpec[] = [
  { flags: "--all", description: "every stack that has a Pulumi.<stack>.yaml" },
  {
    flags: "--select <selector>",
    description:
      "stacks by client, cloud, project, region, stack or tag.NAME: client=acme,cloud=aws; * is any text; several are alternatives",
    repeat: true,
  },
  { flags: "--parallel <n>", description: "stacks at a time (default: by cores and memory)" },
  { flags: "--fail-fast", description: "start no further stack after a failure" },
  {
    flags: "--retry <n>",
    description: "try again, so many times, what failed for a throttled or faulty cloud",
  },
  {
    flags: "--report <file>",
    description: "write a report: .xml (JUnit), .md or .json; may be given several times",
    repeat: true,
  },
  { flags: "--json", description: "print events as JSON on stdout, one a line, the summary last" },
];
/** For those that look. */
export const expectNoChangesOption: OptionSpec = {
  flags: "--expect-no-changes",
  description: "exit 1 when there are changes: for a check on a schedule",
};
/** For those that would else trust the state. */
export const refreshOption: OptionSpec = {
  flags: "--refresh",
  description: "look at what is really there first, so that what was changed by hand is put right",
};
