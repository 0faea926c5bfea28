import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { openHistory } from "../../history/history.js";
import { homePaths } from "../../providers/local/home.js";
import { commandBody, makeProject, makeSchedule, makeTask } from "../support/model.js";
import { type Deployed, deployed, deployment } from "./deployed.js";

/** The tests' clock says 2026-03-03 12:00 UTC. */
describe("cli: status", function () {
  this.timeout(60_000);
  let folder: Deployed;

  beforeEach(() => {
    folder = deployed(makeProject({ tasks: [makeTask("load", commandBody("true"))] }));
    folder.deploySchedule(makeSchedule("0 6 * * *", { name: "morning" }));
    const history = openHistory(homePaths(folder.home).history);
    for (const [runId, at, status] of [
      ["r1", "2026-03-01T06:00:00.000Z", "failure"],
      ["r2", "2026-03-02T18:00:00.000Z", "failure"],
      ["r3", "2026-03-03T10:00:00.000Z", "success"],
    ] as const) {
      history.insertRun({
        ...{ runId, deployment, stack: "dev", client: "a", job: "fx", schedule: null, trigger: null },
        ...{ scheduledAt: at, firedAt: at, status: "queued" },
        request: { runId, tasks: ["load"], vars: {}, envs: {}, scheduledAt: at, stage: "dev", attempt: 1 },
      });
      history.claim(runId, 1, at);
      history.finish(runId, { status, exitCode: status === "success" ? 0 : 1, endedAt: at, notice: false });
    }
    history.close();
  });
  afterEach(() => folder.remove());

  it("shows the last run, what failed in a day, and the next time", async () => {
    const { code, stdout } = await folder.handoff(["status"]);
    expect(code).to.equal(0);
    expect(stdout).to.match(/^dev +local +success 2 h ago +1 +in 18 h/m);
    const { stdout: json } = await folder.handoff(["status", "dev", "--json"]);
    expect(JSON.parse(json)).to.deep.equal({
      schemaVersion: 1,
      stacks: [
        {
          stack: "dev",
          platform: "local",
          lastRun: {
            ...{ runId: "r3", job: "fx", status: "success", scheduledAt: "2026-03-03T10:00:00.000Z" },
            ...{ endedAt: "2026-03-03T10:00:00.000Z", reason: null },
          },
          failedLately: 1,
          next: "2026-03-04T06:00:00.000Z",
          paused: [],
        },
      ],
    });
  });

  it("says what is paused", async () => {
    await folder.handoff(["schedules", "pause", "morning"]);
    const { stdout } = await folder.handoff(["status", "--all"]);
    expect(stdout).to.match(/^dev .* - +paused: morning/m);
  });

  it("shows the others when one can't be asked, and exits with 1", async () => {
    writeFileSync(join(folder.repository, "Pulumi.broken.yaml"), "config: [\n");
    writeFileSync(join(folder.repository, "Pulumi.new.yaml"), "config:\n  handoff:cloud: local\n");
    const { code, stdout } = await folder.handoff(["status", "--all"]);
    expect(code).to.equal(1);
    expect(stdout).to.match(/^dev +local +success/m);
    expect(stdout).to.match(/^new +- .*not deployed on this machine.*handoff up new/m);
    expect(stdout).to.match(/^broken +- .*correct the YAML/m);
  });

  it("takes names or --all", async () => {
    const { code, stderr } = await folder.handoff(["status", "dev", "--all"]);
    expect(code).to.equal(2);
    expect(stderr).to.include("exclude each other");
  });
});
