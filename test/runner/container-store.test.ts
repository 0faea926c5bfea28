import { expect } from "chai";
import { UserError } from "../../model/diagnostic.js";
import { executionOf, storeHooks } from "../../runner-image/src/container-store.js";
import { makeProject, makeSchedule } from "../support/model.js";

describe("runner: what a container knows of its platform", () => {
  it("finds the platform's name of what runs", () => {
    expect(executionOf({})).to.equal(undefined);
    expect(executionOf({ CLOUD_RUN_EXECUTION: "fx-x7k2p" })).to.equal("fx-x7k2p");
    expect(executionOf({ CONTAINER_APP_JOB_EXECUTION_NAME: "fx-abc" })).to.equal("fx-abc");
    const task = "cd189a933e5849daa93386466019ab50";
    const metadata = (path: string) => ({ ECS_CONTAINER_METADATA_URI_V4: `http://169.254.170.2/${path}` });
    expect(executionOf(metadata(`v4/${task}-2495160603`))).to.equal(task);
    expect(
      executionOf(metadata("v4/ea32192c8553fbff06c9340478a2ff089b2bb5646fb718b4ee206641c9086d66")),
    ).to.equal(undefined);
  });

  it("takes part in its schedule's lease, unless HANDOFF_OVERLAP says otherwise", () => {
    const admits = (overlap: "skip" | "allow", HANDOFF_OVERLAP?: string): boolean => {
      const schedule = makeSchedule("0 6 * * *", { name: "every-morning", overlap });
      const scheduledAt = "2026-03-01T06:00:00.000Z";
      const request = { runId: "r", tasks: [], vars: {}, envs: {}, scheduledAt, stage: "dev", attempt: 1 };
      const hooks = storeHooks({
        location: "/nowhere",
        env: HANDOFF_OVERLAP === undefined ? {} : { HANDOFF_OVERLAP },
        spec: { schemaVersion: 1, project: makeProject({ schedules: [schedule] }) },
        request: { ...request, schedule: schedule.name },
        told: true,
        startedAt: new Date(scheduledAt),
      });
      return hooks.admit !== undefined;
    };
    expect(admits("skip")).to.equal(true);
    expect(admits("skip", "")).to.equal(true);
    expect(admits("skip", "allow")).to.equal(false);
    expect(admits("allow")).to.equal(false);
    expect(admits("allow", "skip")).to.equal(true);
    expect(() => admits("skip", "never")).to.throw(UserError, "neither skip nor allow");
  });
});
