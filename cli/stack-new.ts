/** `handoff stack new`: a stack for another client, one file to commit. */
import { newStack as makeStack } from "../deploy/new-stack.js";
import { checkSecrets } from "../deploy/secrets.js";
import { type Diagnostic, UserError } from "../model/diagnostic.js";
import type { StackSettings } from "../model/plan-types.js";
import { prepare } from "../providers/prepare.js";
import { type CliContext, print, printJson, say } from "./context.js";
import { engineOptions, sayDiagnostics } from "./engine.js";
import { parseKeyValues } from "./key-values.js";
import { readSecretSource } from "./secret-files.js";
import { importInto, secretsOf } from "./secrets.js";

export interface NewStackOptions {
  readonly from?: string;
  readonly template?: string;
  readonly set?: readonly string[];
  readonly secretsProvider?: string;
  /** Folder or file of secrets, as `secrets import` takes it. */
  readonly secrets?: string;
  readonly init: boolean;
  readonly json?: boolean;
}

/** `handoff stack new`: one file to commit. */
export async function newStack(
  stack: string,
  options: NewStackOptions,
  context: CliContext,
): Promise<undefined> {
  const secrets =
    options.secrets === undefined ? undefined : readSecretSource(options.secrets, context.cwd).values;
  // What can't be set is said before anything is made.
  if (secrets) checkSecrets(secrets);
  const made = await makeStack({
    ...engineOptions(context),
    stack,
    init: options.init,
    set: parseKeyValues(options.set, "--set"),
    ...(options.from === undefined ? {} : { from: options.from }),
    ...(options.template === undefined ? {} : { template: options.template }),
    ...(options.secretsProvider === undefined ? {} : { secretsProvider: options.secretsProvider }),
  });
  if (secrets) await importInto(stack, secrets, context);
  const missing = secretsOf(made.settings, Object.keys(secrets ?? {}), context).filter(({ set }) => !set);
  const diagnostics = [...made.diagnostics, ...problemsOf(made.settings, context)];
  const { client, cloud } = made.settings;
  if (options.json) {
    const keys = missing.map(({ key }) => key);
    printJson(context, {
      schemaVersion: 1,
      stack,
      file: made.file,
      client,
      cloud,
      missingSecrets: keys,
      notCopied: made.left,
      diagnostics,
    });
    return;
  }
  print(context, made.file);
  sayDiagnostics(diagnostics, context);
  if (made.left.length > 0) say(context, `not copied from ${options.from}: ${made.left.join(", ")}`);
  const steps = [
    ...missing.map(({ key }) => `handoff secrets set ${key} -s ${stack}`),
    `handoff plan -s ${stack}    # what it will be`,
    `git add ${made.file} && git commit -m "Stack ${stack}"`,
    `handoff up ${stack}`,
  ];
  say(context, `\nNext:\n${steps.map((step) => `  ${step}`).join("\n")}`);
}

/** Errors that `up` would find with every secret set. The stack is made all the same: its project may be yet to come. */
function problemsOf(settings: StackSettings, { cwd }: CliContext): readonly Diagnostic[] {
  try {
    prepare(settings, cwd, { withAllSecrets: true });
    return [];
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return error.diagnostics.filter(({ severity }) => severity === "error");
  }
}
