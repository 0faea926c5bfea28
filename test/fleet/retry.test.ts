/** A cloud that throttles in the middle of an update, through the real engine. */
import { expect } from "chai";
import { type FleetEvent, runFleet } from "../../deploy/fleet/fleet.js";
import { inProcess } from "../../deploy/fleet/run-stack.js";
import { type Clouds, makeClouds } from "../engine/clouds.js";
import { clouds, configure, smallProject } from "../engine/project.js";

describe("fleet: trying again, through the real engine", function () {
  this.timeout(15 * 60_000);
  let repo: Clouds;
  before(() => {
    repo = makeClouds();
    repo.write("project.yml", smallProject.replace("secrets:\n- {key: API_KEY}\n", ""));
  });
  after(() => repo.remove());

  for (const cloud of clouds) {
    it(`goes on where ${cloud} asked for fewer calls, and ends as if it had not`, async () => {
      configure(repo, cloud);
      repo.write(`Pulumi.${cloud}.yaml`, repo.read("Pulumi.dev.yaml"));
      const env = repo.failingAt(4);
      const events: FleetEvent[] = [];
      const run = async (retries: number) =>
        await runFleet({
          operation: "up",
          stacks: [cloud],
          cwd: repo.root,
          parallel: 1,
          run: inProcess(env),
          retries,
          delay: () => 10,
          signal: new AbortController().signal,
          onEvent: (event) => void events.push(event),
        });
      const [outcome] = (await run(1)).outcomes;
      expect(outcome, JSON.stringify(outcome)).to.include({ result: "succeeded", attempts: 2 });
      const [retry] = events.flatMap((event) => (event.event === "retry" ? [event] : []));
      expect(retry?.reason).to.be.oneOf(["throttled", "cloud-fault"]);
      const [again] = (await run(0)).outcomes;
      expect(again).to.have.nested.property("changes.create", 0);
    });
  }
});
