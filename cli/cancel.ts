import { describeHolders } from "../deploy/lock-message.js";
import { type Cancelled, cancelUpdate } from "../deploy/locks.js";
import { findRepository, stackFile } from "../deploy/repository.js";
import { type CliContext, print, printJson, say } from "./context.js";

export interface CancelCommandOptions {
  readonly force?: boolean;
  readonly json?: boolean;
}

/** Releases each of the stacks. @throws UserError for the first that can't be; those before it are released */
export async function cancelStacks(
  stacks: readonly string[],
  options: CancelCommandOptions,
  context: CliContext,
): Promise<number> {
  const repository = findRepository(context.cwd);
  for (const stack of stacks) stackFile(repository, stack);
  const done: Cancelled[] = [];
  for (const stack of stacks) {
    const cancelled = await cancelUpdate({
      cwd: context.cwd,
      stack,
      env: context.env,
      log: (line) => say(context, line),
      force: options.force === true,
    });
    done.push(cancelled);
    if (!options.json) print(context, describe(cancelled));
  }
  if (options.json) printJson(context, { schemaVersion: 1, stacks: done });
  return 0;
}

function describe({ stack, released }: Cancelled): string {
  if (released === null) return `${stack}: released`;
  if (released.length > 0) return `${stack}: released, which was held by ${describeHolders(released)}`;
  return `${stack}: no update holds it`;
}
