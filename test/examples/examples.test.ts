import { readdirSync } from "node:fs";
import { expect } from "chai";
import { loadProject } from "../../model/load.js";
import { type Sandbox, sandbox } from "./support.js";

describe("examples", () => {
  let example: Sandbox;
  afterEach(() => example.remove());
  const lines = (name: string): string[] => example.read(name).trimEnd().split(/\r?\n/);

  it("word-count counts words", async function () {
    this.timeout(60_000);
    example = sandbox("word-count");
    const { code, record, log } = await example.run();
    expect(code, log).to.equal(0);
    expect(record.metrics).to.deep.equal({ words: 10 });
    const words = lines("artifacts/words.csv");
    expect(words.slice(0, 4)).to.deep.equal(["it,10", "of,10", "the,10", "was,10"]);
    const three = await example.run("-v", "top=3");
    expect(three.record.metrics).to.deep.equal({ words: 3 });
  });

  it("foreach-files summarises every file, with spaces in their names", async function () {
    this.timeout(60_000);
    example = sandbox("foreach-files");
    const { code, record, log } = await example.run();
    expect(code, log).to.equal(0);
    expect(record.metrics).to.deep.equal({ files: 40, rows: 820 });
    const expected = Array.from({ length: 40 }, (_, i) => `${i + 1},${i + 1},${((i + 1) * (i + 2)) / 2}`);
    expect(lines("artifacts/summary.csv")).to.have.members(expected);
  });

  it("legacy-0.4 runs unchanged", async function () {
    this.timeout(60_000);
    example = sandbox("legacy-0.4");
    const { code, record, log } = await example.run();
    expect(code, log).to.equal(0);
    expect(record.tasks.map((task) => task.name)).to.deep.equal(["greet", "shout"]);
    expect(lines("artifacts/greetings.txt")).to.deep.equal(["hello ada", "hello bob", "hello cyd"]);
    expect(log).to.contain("NAMES: HELLO ADA").and.to.contain("NAMES: HELLO CYD");
  });

  it("exchange-rates reads each day once, wide and long", async function () {
    this.timeout(600_000);
    example = sandbox("exchange-rates");
    await example.install();
    const first = await example.run();
    expect(first.code, first.log).to.equal(0);
    const wide = lines("artifacts/rates-2024-05-10.csv");
    expect(wide[0]).to.equal("date,base,EUR,GBP,JPY");
    expect(wide.slice(1).map((row) => row.slice(0, 10))).to.deep.equal(days(2, 10));
    const long = lines("artifacts/long_rates.jsonl").map(
      (line) => JSON.parse(line) as Record<string, unknown>,
    );
    expect(long).to.have.length(9 * 3);
    expect(long[0]).to.have.keys("date", "base", "currency", "rate");
    expect(long.filter((row) => row.currency === "JPY")).to.have.length(9);
    const bookmark = JSON.parse(example.read("artifacts/state.json")).bookmarks.rates.replication_key_value;
    expect(bookmark).to.equal("2024-05-10");

    const second = await example.run("-v", "last_day=2024-05-12");
    expect(second.code, second.log).to.equal(0);
    expect(lines("artifacts/rates-2024-05-10.csv")).to.deep.equal(wide);
    expect(
      lines("artifacts/rates-2024-05-12.csv")
        .slice(1)
        .map((row) => row.slice(0, 10)),
    ).to.deep.equal(days(11, 12));
    expect(lines("artifacts/long_rates.jsonl")).to.have.length(11 * 3);
    expect(second.record.metrics.records).to.be.greaterThan(0).and.lessThan(9);
  });

  it("dbt-duckdb builds, tests and prints its model", async function () {
    this.timeout(600_000);
    example = sandbox("dbt-duckdb");
    await example.install();
    const { code, record, log } = await example.run();
    expect(code, log).to.equal(0);
    expect(log).to.contain("PASS=4");
    expect(record.metrics).to.deep.equal({ customers: 3 });
    expect(lines("artifacts/revenue.csv")).to.deep.equal([
      "customer,orders,revenue",
      "ada,2,42",
      "bob,2,15",
      "cyd,1,7",
    ]);
  });

  it("are valid, and each has a README and a test here", () => {
    example = sandbox("word-count");
    const tested = ["dbt-duckdb", "exchange-rates", "foreach-files", "legacy-0.4", "word-count"];
    expect(readdirSync("examples").sort()).to.deep.equal(tested);
    for (const name of tested) {
      expect(readdirSync(`examples/${name}`), name).to.include.members(["README.md", "project.yml"]);
      const { project, diagnostics } = loadProject(`examples/${name}`);
      expect(
        diagnostics.filter((d) => d.severity === "error"),
        name,
      ).to.deep.equal([]);
      expect(project?.description, name).to.be.a("string");
    }
  });
});

function days(from: number, to: number): string[] {
  return Array.from({ length: to - from + 1 }, (_, i) => `2024-05-${String(from + i).padStart(2, "0")}`);
}
