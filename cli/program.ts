import { Argument, Command, CommanderError, Option } from "commander";
import { ExitCode } from "../model/diagnostic.js";
import { type CommandSpec, type Commands, type Example, loadCommands, type OptionSpec } from "./command.js";
import type { CliContext } from "./context.js";
import { handleError } from "./errors.js";
import { packageVersion } from "./package-version.js";

const HELP_WIDTH = 100;

/**
 * Runs one command line (without `node` and the script) of `commands` and returns its exit code. Never throws: errors are shown on
 * `context.stderr` and turned into exit codes.
 */
export async function runCli(
  argv: readonly string[],
  context: CliContext,
  commands: Commands,
): Promise<number> {
  let exitCode = 0;
  try {
    if (argv[0] === "help") return await runCli([...argv.slice(1), "--help"], context, commands);
    const name = argv[0] ?? "";
    const load = Object.hasOwn(commands, name) ? commands[name] : undefined;
    const specs = load ? [await load()] : await loadCommands(commands);
    const program = buildProgram(specs, context, (code) => {
      exitCode = code;
    });
    await program.parseAsync(argv.length === 0 ? ["--help"] : argv, { from: "user" });
    return exitCode;
  } catch (error) {
    // Commander has shown it already; its exit code 1 would mean "the pipeline failed" here.
    if (error instanceof CommanderError) return error.exitCode === 0 ? ExitCode.ok : ExitCode.invalid;
    return handleError(error, context);
  }
}

function buildProgram(
  specs: readonly CommandSpec[],
  context: CliContext,
  done: (code: number) => void,
): Command {
  const program = new Command("handoff")
    .description("Data pipelines written once: run on this machine, deployed through Pulumi.")
    .usage("<command> [options]")
    .version(packageVersion(context.packageDir), "--version", "print the version")
    .helpOption("-h, --help", "show help")
    .helpCommand(false)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => context.stdout.write(text),
      writeErr: (text) => context.stderr.write(text),
      outputError: (text, write) => write(text.replace(/^error: /, "handoff: ")),
      getOutHelpWidth: () => HELP_WIDTH,
      getErrHelpWidth: () => HELP_WIDTH,
    })
    .addHelpText(
      "after",
      examplesText([
        { command: "handoff init my-pipeline", note: "a project that runs" },
        { command: "handoff run -p my-pipeline", note: "run it here, now" },
        { command: "handoff up dev", note: "deploy the stack `dev`" },
      ]) +
        "\nExit codes: 0 done; 1 the pipeline or deployment failed; 2 the input is wrong; 124 timed out; 130/143 stopped.\n",
    );
  for (const spec of specs) program.addCommand(buildCommand(spec, context, done, program));
  return program;
}

function buildCommand(
  spec: CommandSpec,
  context: CliContext,
  done: (code: number) => void,
  parent: Command,
): Command {
  const command = new Command(spec.name)
    .copyInheritedSettings(parent)
    .helpOption("-h, --help", "show help")
    .helpCommand(false)
    .summary(spec.summary)
    .description(spec.description ? `${spec.summary}\n\n${spec.description}` : spec.summary)
    .showHelpAfterError(`(handoff ${commandPath(parent)}${spec.name} --help shows what it takes)`)
    .addHelpText("after", examplesText(spec.examples));
  for (const { name, description, choices } of spec.arguments ?? []) {
    const argument = new Argument(name, description);
    if (choices) argument.choices(choices);
    command.addArgument(argument);
  }
  for (const option of spec.options ?? []) command.addOption(buildOption(option));
  for (const sub of spec.subcommands ?? []) command.addCommand(buildCommand(sub, context, done, command));
  const { run } = spec;
  if (run) {
    command.allowExcessArguments(false);
    command.action(async () => {
      done((await run(command.processedArgs, command.opts(), context)) ?? ExitCode.ok);
    });
  }
  return command;
}

function commandPath(parent: Command): string {
  return parent.name() === "handoff" ? "" : `${parent.name()} `;
}

function buildOption(spec: OptionSpec): Option {
  const option = new Option(spec.flags, spec.description);
  if (spec.choices) option.choices(spec.choices);
  if (spec.default !== undefined) option.default(spec.default);
  if (spec.required) option.makeOptionMandatory();
  if (spec.repeat)
    option.argParser((value: string, previous: string[] | undefined) => [...(previous ?? []), value]);
  return option;
}

function examplesText(examples: readonly Example[]): string {
  const width = Math.max(...examples.map((e) => e.command.length));
  const lines = examples.map((e) => `  ${e.command.padEnd(width)}  ${e.note}`);
  return `\n${examples.length === 1 ? "Example" : "Examples"}:\n${lines.join("\n")}\n`;
}
