/** Which stacks a command is about, as its command line says. */
import { selectStacks } from "../../deploy/fleet/selection.js";
import { findRepository } from "../../deploy/repository.js";
import { UserError } from "../../model/diagnostic.js";
import type { StackCommandOptions } from "../command.js";
import { type CliContext, say } from "../context.js";
import { findStack } from "../project-lookup.js";

/** @throws UserError for a selection that isn't one, or that fits nothing */
export function chooseStacks(
  names: readonly string[],
  { all, select }: StackCommandOptions,
  context: CliContext,
): readonly string[] {
  if (names.length === 0 && !all && !select?.length) return [findStack(context.cwd, undefined).stack];
  // Where there is no repository, it is said in the words of the other commands.
  findStack(context.cwd, names[0] ?? "");
  const repository = findRepository(context.cwd);
  const selection = { names, all: all === true, select: select ?? [] };
  const { stacks, unreadable } = selectStacks(repository, selection, context.env);
  for (const stack of unreadable)
    say(context, `warning: Pulumi.${stack}.yaml is no YAML: whether ${stack} is selected is not known`);
  return stacks;
}

/** What is destroyed has been named, or looked at. @throws UserError `not-confirmed` */
export function checkConfirmed(
  names: readonly string[],
  stacks: readonly string[],
  { all, select, yes }: StackCommandOptions,
): void {
  if (yes || names.length > 0 || !(all || select?.length)) return;
  const shown = stacks.slice(0, 10).join(", ");
  const more = stacks.length > 10 ? ` and ${stacks.length - 10} more` : "";
  throw new UserError(`this would destroy ${stacks.length} stacks: ${shown}${more}`, {
    code: "not-confirmed",
    hint: "say --yes when that is what you want, or name the stacks",
  });
}
