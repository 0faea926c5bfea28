import { findRepository, readSettings } from "../deploy/repository.js";
import { UserError } from "../model/diagnostic.js";
import type { Platform } from "../model/plan-types.js";
import { resolveDeployment } from "../providers/local/operate.js";
import { localOperator } from "../providers/local/operator.js";
import type { Operator } from "../providers/operate.js";
import type { CliContext } from "./context.js";
import { operateContext } from "./operate-context.js";
import { findStack } from "./project-lookup.js";

export interface OperatedStack {
  readonly stack: string;
  readonly platform: Platform;
  readonly operator: Operator;
}

/**
 * The deployed stack that a command is about. Of one on this machine no engine is asked; of another, for its outputs.
 * @throws UserError `no-stack`, `unknown-stack`; `not-deployed`; and what its settings and project throw
 */
export async function openStack(option: string | undefined, context: CliContext): Promise<OperatedStack> {
  const { stack } = findStack(context.cwd, option);
  const repository = findRepository(context.cwd);
  const raw = readSettings(repository, stack, context);
  if ((raw.config["handoff:cloud"] ?? "local") === "local") {
    const operate = operateContext(context);
    const deployment = resolveDeployment(operate, repository.name, stack);
    return { stack, platform: "local", operator: localOperator(operate, deployment) };
  }
  const [{ parseSettings }, { invalidProject, prepare }, { operatorOf }] = await Promise.all([
    import("../providers/settings.js"),
    import("../providers/prepare.js"),
    import("../providers/operators.js"),
  ]);
  const { settings, diagnostics } = parseSettings(raw);
  if (!settings || settings.cloud === "local") throw invalidProject(diagnostics);
  const open = await operatorOf(settings.cloud);
  const { outputs } = await import("../deploy/stack.js");
  const made = await outputs({ cwd: context.cwd, stack, env: context.env, signal: context.interrupted });
  if (!("jobs" in made)) {
    throw new UserError(`stack ${stack} is not deployed`, {
      code: "not-deployed",
      hint: `deploy it first: handoff up ${stack}`,
    });
  }
  const operator = open({
    pulumiProject: repository.name,
    settings,
    config: raw.config,
    plan: () => prepare(settings, context.cwd).plan,
    outputs: made,
    env: context.env,
    now: context.now,
    openRecords: async (...place) => (await import("./records.js")).openRecords(...place),
  });
  return { stack, platform: settings.cloud, operator };
}
