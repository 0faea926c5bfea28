import { expect } from "chai";
import { allSizes, defaultSize, roundSize, sizeOf } from "../../../providers/azure/size.js";

/** The documentation's table, written again: vCPUs to GiB of memory and of disk. */
const allowed: readonly (readonly [number, number, number])[] = [
  [0.25, 0.5, 1],
  [0.5, 1, 2],
  [0.75, 1.5, 4],
  [1, 2, 4],
  [1.25, 2.5, 8],
  [1.5, 3, 8],
  [1.75, 3.5, 8],
  [2, 4, 8],
  [2.25, 4.5, 8],
  [2.5, 5, 8],
  [2.75, 5.5, 8],
  [3, 6, 8],
  [3.25, 6.5, 8],
  [3.5, 7, 8],
  [3.75, 7.5, 8],
  [4, 8, 8],
];

describe("sizes of Container Apps jobs", () => {
  it("are those of the table", () => {
    const all = [...allSizes()].map(({ cpu, memoryMiB, diskGiB }) => [cpu, memoryMiB / 1024, diskGiB]);
    expect(all).to.deep.equal(allowed);
  });

  it("are legal, never below what is asked for, and the smallest of that kind, for every request", () => {
    for (let cpu = 0.05; cpu <= 4.5; cpu += 0.05) {
      for (let memoryMiB = 128; memoryMiB <= 9 * 1024; memoryMiB += 128) {
        for (const diskGiB of [undefined, 1, 2, 3, 4, 5, 8, 9]) {
          const rounded = roundSize({ cpu, memoryMiB, ...(diskGiB === undefined ? {} : { diskGiB }) });
          const fit = allowed.find(
            ([cpus, memory, disk]) => cpus >= cpu && memory * 1024 >= memoryMiB && disk >= (diskGiB ?? 0),
          );
          if ("problem" in rounded) {
            expect(fit, `${cpu} vCPU, ${memoryMiB} MiB, ${diskGiB} GiB`).to.equal(undefined);
            continue;
          }
          const { size } = rounded;
          expect([size.cpu, size.memoryMiB / 1024, size.diskGiB]).to.deep.equal(fit);
        }
      }
    }
  });

  it("say what was rounded up", () => {
    expect(roundSize({ cpu: 0.3, memoryMiB: 1500, diskGiB: 3 })).to.deep.equal({
      size: { cpu: 0.75, memoryMiB: 1536, diskGiB: 4 },
      notes: [
        "0.3 vCPU is rounded up to 0.75",
        "1500 MiB of memory is rounded up to 1536",
        "3 GiB of disk is rounded up to 4",
      ],
    });
    expect(roundSize({ cpu: 1, memoryMiB: 2048 })).to.deep.equal({
      size: { cpu: 1, memoryMiB: 2048, diskGiB: 4 },
      notes: [],
    });
  });

  it("have a default, for what is not asked for", () => {
    expect(roundSize({})).to.deep.equal({ size: defaultSize, notes: [] });
    expect(sizeOf({ memoryMiB: 4096 })).to.deep.equal({ cpu: 2, memoryMiB: 4096, diskGiB: 8 });
  });

  it("name the largest where nothing is large enough", () => {
    const rounded = roundSize({ cpu: 8 });
    expect("problem" in rounded && rounded.problem).to.include(
      "at most 4 vCPU, 8192 MiB of memory and 8 GiB of disk",
    );
    expect(() => sizeOf({ diskGiB: 20 })).to.throw("20 GiB of disk");
  });
});
