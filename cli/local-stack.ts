import { findRepository, readSettings } from "../deploy/repository.js";
import { UserError } from "../model/diagnostic.js";
import { handoffHome } from "../providers/local/home.js";
import { resolveDeployment } from "../providers/local/operate.js";
import type { OperateContext } from "../providers/local/operate-types.js";
import type { CliContext } from "./context.js";
import { findStack } from "./project-lookup.js";

export interface LocalStack {
  readonly stack: string;
  /** Name of the deployment on the local platform. */
  readonly deployment: string;
  readonly operate: OperateContext;
}

/** The local platform as the command's process sees it. */
export function operateContext(context: CliContext): OperateContext {
  return { home: handoffHome(context.env), env: context.env, now: context.now };
}

/**
 * The deployed stack that a command is about.
 * @throws UserError `no-stack`, `unknown-stack`; `not-local` when its cloud is another; and what `resolveDeployment` throws
 * for one that was never deployed.
 */
export function findLocalStack(option: string | undefined, context: CliContext): LocalStack {
  const { stack } = findStack(context.cwd, option);
  const repository = findRepository(context.cwd);
  const cloud = readSettings(repository, stack, context).config["handoff:cloud"];
  if (cloud !== undefined && cloud !== "local") {
    throw new UserError(`stack ${stack} is on ${String(cloud)}, and this command knows local stacks alone`, {
      code: "not-local",
      hint: "name a stack with `handoff:cloud: local`, with -s",
    });
  }
  const operate = operateContext(context);
  return { stack, operate, deployment: resolveDeployment(operate, repository.name, stack) };
}
