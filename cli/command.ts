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
}
/** up, preview, refresh and destroy take the same. */
export const stackCommandArguments = {
  note:
    "Finds the Pulumi engine, or gets it: `handoff doctor` says which. State is kept in the project's folder unless you " +
    "are logged in to another backend. A failed stack does not keep the next ones from being done.",
  stacks: {
    name: "[stacks...]",
    description: "names of stacks (default: the only one that Pulumi.<stack>.yaml files name)",
  },
} as const;
export const stackCommandOptions: readonly OptionSpec[] = [
  { flags: "--json", description: "print the results as JSON on stdout" },
];
