import { expect } from "chai";
import { executionOf } from "../../runner-image/src/container-store.js";

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
});
