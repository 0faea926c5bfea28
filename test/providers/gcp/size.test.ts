import { expect } from "chai";
import { defaultSize, roundSize, sizeOf } from "../../../providers/gcp/size.js";

/** Cloud Run's table, written again: vCPUs to the GiB that go with them. */
const allowed: Readonly<Record<number, readonly [number, number]>> = {
  1: [0.5, 4],
  2: [0.5, 8],
  4: [2, 16],
  6: [4, 24],
  8: [4, 32],
};

describe("sizes of Cloud Run jobs", () => {
  it("are legal, never below what is asked for, and the smallest of that kind, for every request", () => {
    for (let cpu = 0.25; cpu <= 9; cpu += 0.25) {
      for (let memoryMiB = 128; memoryMiB <= 36 * 1024; memoryMiB += 128) {
        const rounded = roundSize({ cpu, memoryMiB });
        const fits = Object.entries(allowed).filter(
          ([cpus, [, max]]) => Number(cpus) >= cpu && max * 1024 >= memoryMiB,
        );
        if ("problem" in rounded) {
          expect(fits, `${cpu} vCPU, ${memoryMiB} MiB`).to.have.length(0);
          continue;
        }
        const { size } = rounded;
        const [min = 0, max = 0] = allowed[size.cpu] ?? [];
        expect(size.cpu).to.equal(Math.min(...fits.map(([cpus]) => Number(cpus))));
        expect(size.memoryMiB).to.equal(Math.max(min * 1024, memoryMiB));
        expect(size.memoryMiB).to.be.at.most(max * 1024);
      }
    }
  });

  it("say what was rounded up", () => {
    expect(roundSize({ cpu: 0.5, memoryMiB: 256 })).to.deep.equal({
      size: { cpu: 1, memoryMiB: 512 },
      notes: ["cpu 0.5 -> 1", "memory 256Mi -> 512Mi"],
    });
    expect(roundSize({ cpu: 2, memoryMiB: 8192 })).to.deep.equal({
      size: { cpu: 2, memoryMiB: 8192 },
      notes: [],
    });
  });

  it("have a default, for what is not asked for", () => {
    expect(roundSize({})).to.deep.equal({ size: defaultSize, notes: [] });
    expect(sizeOf({ memoryMiB: 6000 })).to.deep.equal({ cpu: 2, memoryMiB: 6000 });
    expect(sizeOf({ cpu: 8 })).to.deep.equal({ cpu: 8, memoryMiB: 4096 });
  });

  it("name the largest where nothing is large enough", () => {
    const rounded = roundSize({ cpu: 16 });
    expect("problem" in rounded && rounded.problem).to.equal(
      "no Cloud Run size has 16 vCPU: the largest is 8 vCPU with 32 GiB",
    );
    expect(() => sizeOf({ memoryMiB: 40_000 })).to.throw("the largest is 8 vCPU with 32 GiB");
  });
});
