/** From a command's metrics, through the real runner's record, to what a person is told. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import type { Task } from "../../model/project.js";
import {
  type OperateContext,
  startAgent,
  stopAgent,
  triggerRun,
  waitForRun,
} from "../../providers/local/operate.js";
import { deployment, Home, until } from "./support.js";

describe("agent notifications", function () {
  this.timeout(120_000);
  const home = new Home();
  const context: OperateContext = { home: home.root, env: process.env, now: () => new Date() };
  after(async () => {
    await stopAgent(context);
    home.remove();
  });

  it("say what a run's commands counted", async () => {
    const told = join(home.root, "told");
    // Singer's count, which is logged in parts and by the target too, and one of handoff's own.
    const counts = [604, 600].map(
      (value) => `METRIC: {"type":"counter","metric":"record_count","value":${value}}`,
    );
    const line = `printf '%s\\n' '${counts.join("' '")}' '{"handoff_metric":{"files":3}}' >&2`;
    const task: Task = {
      name: "load",
      active: true,
      envs: {},
      body: { kind: "commands", commands: [{ kind: "command", line, active: true }] },
      killDownstreamOnFail: true,
      killLoopOnFail: true,
      dependsOn: [],
    };
    const command = `cat > '${told}.part' && mv '${told}.part' '${told}'`;
    home.job({ tasks: [task], notifications: [{ on: ["success"], target: { kind: "command", command } }] });
    await startAgent(context);
    const run = await triggerRun(context, deployment, undefined);
    await waitForRun(context, run.runId);
    await until("the notification", () => existsSync(told));
    const event = JSON.parse(readFileSync(told, "utf8")) as { text: string; metrics: unknown };
    expect(event.text).to.match(/^fx \(client-a\): succeeded in .+, 1,204 records, 3 files\.$/);
    expect(event.metrics).to.deep.equal({ records: 1204, files: 3 });
  });
});
