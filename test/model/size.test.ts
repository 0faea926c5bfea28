import { expect } from "chai";
import fc from "fast-check";
import {
  formatDuration,
  formatMemory,
  parseCpu,
  parseDisk,
  parseDuration,
  parseMemory,
} from "../../model/size.js";

describe("sizes", () => {
  it("reads memory into MiB, rounded up", () => {
    const cases: [unknown, number][] = [
      [512, 512],
      ["512", 512],
      ["512Mi", 512],
      ["1Gi", 1024],
      ["1 GiB", 1024],
      ["1G", 954],
      ["0.5Gi", 512],
      ["1.5gi", 1536],
      [0.2, 1],
    ];
    for (const [text, mib] of cases) expect(parseMemory(text), String(text)).to.equal(mib);
  });

  it("reads disk into GiB and cpu into vCPUs", () => {
    expect(parseDisk(20)).to.equal(20);
    expect(parseDisk("20Gi")).to.equal(20);
    expect(parseDisk("2000Mi")).to.equal(2);
    expect(parseCpu(0.5)).to.equal(0.5);
    expect(parseCpu("0.25")).to.equal(0.25);
    expect(parseCpu("500m")).to.equal(0.5);
  });

  it("reads durations into seconds", () => {
    const cases: [unknown, number][] = [
      [90, 90],
      ["90", 90],
      ["60s", 60],
      ["5m", 300],
      ["1h30m", 5400],
      ["2d", 172_800],
      ["1.5h", 5400],
      [0, 0],
    ];
    for (const [text, seconds] of cases) expect(parseDuration(text), String(text)).to.equal(seconds);
  });

  it("refuses anything else and says what to write", () => {
    for (const bad of [
      "",
      "1Q",
      "-1Gi",
      "Gi",
      0,
      -5,
      null,
      undefined,
      [],
      {},
      Number.NaN,
      Number.POSITIVE_INFINITY,
      true,
      "1e9",
    ]) {
      expect(() => parseMemory(bad), String(bad)).to.throw(/memory/);
      expect(() => parseDisk(bad), String(bad)).to.throw(/disk/);
    }
    for (const bad of ["", "half", 0, -1, "0m", null, "1 cpu"])
      expect(() => parseCpu(bad), String(bad)).to.throw(/vCPUs/);
    for (const bad of ["", "soon", "5 minutes", -1, "5m5m", "1h-3m", null, Number.NaN]) {
      expect(() => parseDuration(bad), String(bad)).to.throw(/duration: write/);
    }
  });

  it("says what was found, whatever it is", () => {
    const odd = Object.assign(Object.create(null), { a: 1 });
    expect(() => parseMemory(odd)).to.throw("a map is not");
    expect(() => parseMemory([1])).to.throw("a list is not");
    expect(() => parseMemory(null)).to.throw("null is not");
  });

  it("never throws anything but an Error with a message, whatever it is given", () => {
    void fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.anything(), fc.stringMatching(/^[0-9.]{1,6}[KMGTi smhd]{0,4}$/)),
        (input) => {
          for (const parse of [parseMemory, parseDisk, parseCpu, parseDuration]) {
            try {
              expect(parse(input)).to.be.at.least(0);
            } catch (error) {
              expect(error).to.be.instanceOf(Error);
              expect((error as Error).message).to.match(/write|more than 0|too large|at least/);
            }
          }
        },
      ),
    );
  });

  it("formats so that it reads the same back", () => {
    expect(formatMemory(1536)).to.equal("1.5Gi");
    expect(formatMemory(512)).to.equal("512Mi");
    expect(formatDuration(5400)).to.equal("1h30m");
    expect(formatDuration(0)).to.equal("0s");
    void fc.assert(
      fc.property(fc.nat(10_000_000), (n) => {
        expect(parseDuration(formatDuration(n))).to.equal(n);
        expect(parseMemory(formatMemory(n + 1))).to.equal(n + 1);
      }),
    );
  });
});
