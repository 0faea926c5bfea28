import { expect } from "chai";
import fc from "fast-check";
import { defaultSize, fargateSizes, roundSize } from "../../../providers/aws/size.js";

/** The table of the ECS documentation, as it prints it: GiB from, to, step. */
const documented: Readonly<Record<number, readonly [number, number, number]>> = {
  512: [1, 4, 1],
  1024: [2, 8, 1],
  2048: [4, 16, 1],
  4096: [8, 30, 1],
  8192: [16, 60, 4],
  16384: [32, 120, 8],
};

function isLegal(cpuUnits: number, memoryMiB: number): boolean {
  if (cpuUnits === 256) return [512, 1024, 2048].includes(memoryMiB);
  const [from, to, step] = documented[cpuUnits] ?? [1, 0, 1];
  const gib = memoryMiB / 1024;
  return Number.isInteger(gib) && gib >= from && gib <= to && (gib - from) % step === 0;
}

const pairs = fargateSizes.flatMap(({ cpuUnits, memoryMiB }) =>
  memoryMiB.map((memory) => [cpuUnits, memory] as const),
);

function rounded(request: Parameters<typeof roundSize>[0]) {
  const found = roundSize(request);
  if ("problem" in found) throw new Error(found.problem);
  return found;
}

describe("AWS sizes", () => {
  it("the table is the documented one: 3 + 4 + 7 + 13 + 23 + 12 + 12 pairs", () => {
    expect(pairs).to.have.length(74);
    for (const [cpu, memory] of pairs) expect(isLegal(cpu, memory), `${cpu} ${memory}`).to.equal(true);
  });

  it("each size of the table stays itself", () => {
    for (const [cpuUnits, memoryMiB] of pairs) {
      const { size, notes } = rounded({ cpu: cpuUnits / 1024, memoryMiB });
      expect(size).to.deep.equal({ cpuUnits, memoryMiB, diskGiB: 20 });
      expect(notes).to.deep.equal([]);
    }
  });

  it("a little more than a size of the table gets a larger one that is legal, or is refused", () => {
    for (const [cpuUnits, memoryMiB] of pairs) {
      for (const request of [
        { cpu: cpuUnits / 1024 + 0.01, memoryMiB },
        { cpu: cpuUnits / 1024, memoryMiB: memoryMiB + 1 },
      ]) {
        const found = roundSize(request);
        if ("problem" in found) {
          expect(request.cpu > 16 || request.memoryMiB > 122_880).to.equal(true);
          continue;
        }
        expect(found.size.cpuUnits).to.be.at.least(request.cpu * 1024);
        expect(found.size.memoryMiB).to.be.at.least(request.memoryMiB);
        expect(isLegal(found.size.cpuUnits, found.size.memoryMiB)).to.equal(true);
        expect(found.notes).not.to.be.empty;
      }
    }
  });

  it("never less than what is asked for, always legal", () => {
    const cpu = fc.option(fc.double({ min: 0.01, max: 17, noNaN: true }), { nil: undefined });
    const memoryMiB = fc.option(fc.integer({ min: 1, max: 130_000 }), { nil: undefined });
    const diskGiB = fc.option(fc.integer({ min: 1, max: 210 }), { nil: undefined });
    void fc.assert(
      fc.property(cpu, memoryMiB, diskGiB, (cpu, memoryMiB, diskGiB) => {
        const found = roundSize({
          ...(cpu === undefined ? {} : { cpu }),
          ...(memoryMiB === undefined ? {} : { memoryMiB }),
          ...(diskGiB === undefined ? {} : { diskGiB }),
        });
        if ("problem" in found) {
          expect((cpu ?? 0) > 16 || (memoryMiB ?? 0) > 122_880 || (diskGiB ?? 0) > 200).to.equal(true);
          return;
        }
        const { size } = found;
        expect(isLegal(size.cpuUnits, size.memoryMiB)).to.equal(true);
        expect(size.cpuUnits).to.be.at.least((cpu ?? 0) * 1024);
        expect(size.memoryMiB).to.be.at.least(memoryMiB ?? 0);
        expect(size.diskGiB).to.be.within(Math.max(20, diskGiB ?? 0), 200);
      }),
    );
  });

  it("takes the cheapest: memory alone doesn't buy vCPUs", () => {
    expect(rounded({ memoryMiB: 900 }).size).to.include({ cpuUnits: 256, memoryMiB: 1024 });
    expect(rounded({ memoryMiB: 3000 }).size).to.include({ cpuUnits: 512, memoryMiB: 3072 });
    expect(rounded({ cpu: 3 }).size).to.include({ cpuUnits: 4096, memoryMiB: 8192 });
  });

  it("says what was rounded", () => {
    expect(rounded({ cpu: 0.3, memoryMiB: 900 }).notes).to.deep.equal([
      "cpu 0.3 -> 0.5",
      "memory 900Mi -> 1Gi",
    ]);
  });

  it("asked for nothing, it gives the default", () => {
    expect(rounded({}).size).to.deep.equal(defaultSize);
  });

  it("refuses what no size has, and names the largest", () => {
    expect(roundSize({ cpu: 17 })).to.deep.equal({
      problem: "no Fargate size has 17 vCPU: the largest is 16 vCPU with 120 GiB",
    });
    expect(roundSize({ diskGiB: 201 })).to.deep.equal({
      problem: "a disk of 201 GiB is more than Fargate's 200 GiB",
    });
  });
});
