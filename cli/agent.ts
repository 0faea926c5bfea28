/** `handoff agent`: the local platform's scheduler. */
import { ExitCode, UserError } from "../model/diagnostic.js";
import * as local from "../providers/local/operate.js";
import { type CliContext, print, printJson, say } from "./context.js";
import { operateContext } from "./operate-context.js";
import { formatRelative } from "./output/time.js";

/** Starts it in the background, or stays with `--foreground` until it is stopped. */
export async function startTheAgent(
  options: { readonly foreground?: boolean },
  context: CliContext,
): Promise<number> {
  if (options.foreground) return await stayInForeground(context);
  const { alreadyRunning, pid } = await local.startAgent(operateContext(context));
  say(context, alreadyRunning ? `the agent runs already (pid ${pid})` : `the agent is started (pid ${pid})`);
  return ExitCode.ok;
}

async function stayInForeground(context: CliContext): Promise<number> {
  const { running, pid } = local.agentStatus(operateContext(context));
  if (running) {
    throw new UserError(`the agent runs already (pid ${pid})`, {
      code: "agent-running",
      hint: "stop that one first: handoff agent stop",
    });
  }
  return await local.runAgentInForeground(operateContext(context));
}

export async function stopTheAgent(context: CliContext): Promise<number> {
  const stopped = await local.stopAgent(operateContext(context));
  say(context, stopped ? "the agent is stopped; runs that are going on go on" : "the agent was not running");
  return ExitCode.ok;
}

/** Exits 1 when it does not run. */
export async function showAgentStatus(
  options: { readonly json?: boolean },
  context: CliContext,
): Promise<number> {
  const { running, pid, startedAt } = local.agentStatus(operateContext(context));
  if (options.json) printJson(context, { schemaVersion: 1, running, pid, startedAt });
  else if (running) {
    const since = startedAt === null ? "" : `, started ${formatRelative(new Date(startedAt), context.now())}`;
    print(context, `running (pid ${pid}${since})`);
  } else {
    print(context, "not running");
    say(context, "start it with: handoff agent start");
  }
  return running ? ExitCode.ok : ExitCode.failed;
}

/** For `handoff doctor`. */
export async function localAgentStatus(
  context: CliContext,
): Promise<{ readonly running: boolean; readonly pid: number | null }> {
  const { running, pid } = local.agentStatus(operateContext(context));
  return { running, pid };
}
