/** Takes a stack away: from the backend, and its file. */
import { existsSync, rmSync } from "node:fs";
import { UserError } from "../model/diagnostic.js";
import { backendEnv, removeStaleLocks, stateFolder } from "./backend.js";
import { type EngineOptions, runEngine } from "./engine-command.js";
import { findRepository, stackFile, stackFilePath } from "./repository.js";
import { stackStates } from "./stack-states.js";
import { shownPath } from "./yaml-file.js";

/** What was removed. */
export interface RemovedStack {
  /** As the user would type it; undefined when there was none. */
  readonly file: string | undefined;
  /** Whether the backend had it. */
  readonly state: boolean;
}

/**
 * Only for a stack without resources. Its history stays in a backend that keeps one.
 * @throws UserError `unknown-stack`, `stack-not-empty`; `stack-locked` while somebody works on it
 */
export async function removeStack(options: EngineOptions, stack: string): Promise<RemovedStack> {
  const repository = findRepository(options.cwd);
  const state = (await stackStates(repository, options)).get(stack);
  if (state === undefined) stackFile(repository, stack);
  if (state?.updating) {
    throw new UserError(`stack ${stack} is being updated`, {
      code: "stack-locked",
      hint: `wait for it; if nobody works on it any more: handoff cancel ${stack}`,
    });
  }
  if (state && state.resources > 0) {
    throw new UserError(
      `stack ${stack} has ${state.resources} resources, which nobody would know of any more`,
      {
        code: "stack-not-empty",
        hint: `remove them first: handoff destroy ${stack}`,
      },
    );
  }
  const folder = stateFolder(repository, { ...options.env, ...backendEnv(repository, options.env) });
  if (folder !== undefined) removeStaleLocks(folder, repository.name, stack);
  const file = stackFilePath(repository, stack);
  const shown = existsSync(file) ? shownPath(file, options.cwd) : undefined;
  if (state) await runEngine(options, { args: ["stack", "rm", stack, "--yes"] });
  // The engine has removed the file with the stack, unless it never heard of it.
  rmSync(file, { force: true });
  return { file: shown, state: state !== undefined };
}
