import { expect } from "chai";
import { parseInstant, parseKeyValues } from "../../cli/key-values.js";
import { colours } from "../../cli/output/colour.js";
import { formatTable } from "../../cli/output/table.js";
import { formatDuration, formatInZone, formatRelative } from "../../cli/output/time.js";
import { newRunId } from "../../model/run-id.js";

describe("cli: output", () => {
  it("durations", () => {
    expect([12.4, 4210, 185_000, 7_800_000].map(formatDuration)).to.deep.equal([
      "12 ms",
      "4.2 s",
      "3 min 05 s",
      "2 h 10 min",
    ]);
  });

  it("relative times", () => {
    const now = new Date("2026-03-03T12:00:00Z");
    const at = (seconds: number) => formatRelative(new Date(now.getTime() + seconds * 1000), now);
    expect([0, 90, -7200, 3 * 86_400, -30 * 86_400].map(at)).to.deep.equal([
      "just now",
      "in 2 min",
      "2 h ago",
      "in 3 days",
      "2026-02-01",
    ]);
  });

  it("times in a zone, on both sides of its change", () => {
    expect(formatInZone(new Date("2026-03-29T00:30:00Z"), "Europe/Paris")).to.equal(
      "2026-03-29 01:30 +01:00",
    );
    expect(formatInZone(new Date("2026-03-29T01:30:00Z"), "Europe/Paris")).to.equal(
      "2026-03-29 03:30 +02:00",
    );
    expect(formatInZone(new Date("2026-03-29T00:00:00Z"), "UTC")).to.equal("2026-03-29 00:00 +00:00");
  });

  it("tables are columns without lines", () => {
    const table = formatTable(
      ["RUN", "STATUS"],
      [
        ["a-long-id", "success"],
        ["b", "failure"],
      ],
    );
    expect(table).to.equal("RUN        STATUS\na-long-id  success\nb          failure");
  });

  it("colours: on a terminal alone, never with NO_COLOR", () => {
    const red = (isTTY: boolean, env: Record<string, string>) => colours({ isTTY }, env).red("x") !== "x";
    expect(red(true, {})).to.equal(true);
    expect(red(false, {})).to.equal(false);
    expect(red(true, { NO_COLOR: "1" })).to.equal(false);
    expect(red(false, { FORCE_COLOR: "1" })).to.equal(true);
  });

  it("KEY=VALUE", () => {
    expect(parseKeyValues(["a=1", "b=x=y", "a=2", "c="], "-v")).to.deep.equal({ a: "2", b: "x=y", c: "" });
    expect(() => parseKeyValues(["hunter2"], "-e")).to.throw(/^-e takes KEY=VALUE$/);
  });

  it("instants", () => {
    expect(parseInstant("2026-03-03T06:00:00+02:00", "--scheduled-at")).to.equal("2026-03-03T04:00:00.000Z");
    for (const text of ["yesterday", "5", "2026-13-01"])
      expect(() => parseInstant(text, "-x")).to.throw("ISO 8601");
  });

  it("run ids sort by time and differ within a second", () => {
    const at = new Date("2026-03-03T12:00:00Z");
    expect(newRunId(at)).to.match(/^20260303T120000Z-[0-9a-f]{10}$/);
    expect(newRunId(at)).not.to.equal(newRunId(at));
  });
});
