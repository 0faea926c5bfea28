import { expect } from "chai";
import type { Task } from "../../../model/project.js";
import { commands, pipeline, Sandbox } from "./harness.js";
import { peakMemory, recordOf, startRunner } from "./process.js";

const MB = 1e6;

/** The runner's own memory for a lot, against a little of the same. */
describe("a runner's memory", function () {
  this.timeout(30 * 60_000);
  let box: Sandbox;
  beforeEach(() => {
    box = new Sandbox();
  });
  afterEach(() => box.remove());

  async function peakOf(tasks: readonly Task[]): Promise<number> {
    const peak = await peakMemory(startRunner(box, tasks));
    expect(recordOf(box).status).to.equal("success");
    expect(peak).to.be.greaterThan(20 * MB);
    return peak;
  }

  it("is flat while 2 GB go through a fork", async () => {
    const fork = (bytes: number) =>
      pipeline("f", [`head -c ${bytes} /dev/zero`], {
        kind: "fork",
        branches: ["a", "b"].map((name) => pipeline(name, ["wc -c"])),
      });
    const little = await peakOf([fork(1000)]);
    const much = await peakOf([fork(2e9)]);
    expect(box.output("f.a").trim()).to.equal("2000000000");
    expect(box.output("f.b").trim()).to.equal("2000000000");
    expect(much - little).to.be.below(40 * MB);
  });

  // A process for each of the 100,000 lines is what takes the time: a fork and an exec of /bin/sh, by the worker shells.
  it("is flat while a foreach runs a command for each of 100,000 lines", async () => {
    const loop = (lines: number) =>
      pipeline("t", [`seq ${lines}`], {
        kind: "foreach",
        maxParallel: 2,
        tasks: [commands("one", [`echo x >> "count.$(( HANDOFF_LINE % 10 ))"`])],
      });
    const little = await peakOf([loop(100)]);
    const much = await peakOf([loop(100_000)]);
    const counts = Array.from({ length: 10 }, (_, digit) => box.read(`count.${digit}`).length / 2);
    expect(counts.reduce((sum, count) => sum + count)).to.equal(100_100);
    expect(much - little).to.be.below(80 * MB);
  });
});
