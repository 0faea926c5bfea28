/** The agent as a process: `run` is the scheduler, `one RUN` sees a single run through when no scheduler is there. */
import { closeSync, existsSync, openSync, renameSync, statSync, writeSync } from "node:fs";
import { openHistory } from "../../../history/history.js";
import { handoffHome, homePaths, makeDir } from "../home.js";
import { startAgentLoop } from "./agent.js";
import { acquire, markReady, release } from "./lock.js";
import { agentSettings } from "./settings.js";
import { createSupervisor } from "./supervisor.js";

/** The log is begun anew at this size; one old file is kept. */
const maxLogBytes = 10 * 2 ** 20;

const [command, argument] = process.argv.slice(2);
const home = handoffHome(process.env);
const paths = homePaths(home);
const now = () => new Date();

function agentLog(): (line: string) => void {
  makeDir(paths.agent);
  let fd: number | undefined;
  return (line) => {
    const size = statSync(paths.agentLog, { throwIfNoEntry: false })?.size ?? 0;
    if (fd === undefined || size > maxLogBytes) {
      if (fd !== undefined) closeSync(fd);
      if (size > maxLogBytes && existsSync(paths.agentLog)) renameSync(paths.agentLog, `${paths.agentLog}.1`);
      fd = openSync(paths.agentLog, "a", 0o600);
    }
    const text = `${now().toISOString()} ${line}\n`;
    writeSync(fd, text);
    if (process.stderr.isTTY) process.stderr.write(text);
  };
}

async function main(): Promise<number | undefined> {
  const log = agentLog();
  const history = openHistory(paths.history);
  if (command === "one" && argument !== undefined) {
    const run = history.get(argument);
    if (!run) throw new Error(`no run ${argument}`);
    const supervisor = createSupervisor({
      home,
      history,
      now,
      log,
      env: process.env,
      ...agentSettings(home),
    });
    // The runner's process does not keep this one alive.
    const alive = setInterval(() => {}, 60_000);
    await supervisor.start(run);
    clearInterval(alive);
    history.close();
    return 0;
  }
  if (command !== "run") {
    process.stderr.write("usage: agent run | agent one RUN\n");
    return 2;
  }
  const startedAt = now();
  const other = acquire(paths, history, startedAt);
  if (other) {
    process.stderr.write(`an agent runs already (process ${other.pid})\n`);
    return 3;
  }
  const agent = startAgentLoop({ home, history, env: process.env, now, log });
  const stop = (signal: string) => {
    log(`stopping on ${signal}; runs that are going on end by themselves`);
    agent.stop();
    release(paths);
    history.close();
    process.exit(0);
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
  process.on("SIGHUP", () => log("the terminal was closed; going on"));
  markReady(paths, startedAt);
  return undefined;
}

main().then(
  (code) => {
    if (code !== undefined) process.exit(code);
  },
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
    process.exit(1);
  },
);
