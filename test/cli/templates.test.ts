import { mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { cli, root, temporaryFolder } from "./support.js";

/** Templates pin what the examples pin, so that their environments are built once on a machine. */
const cases = [
  {
    template: "singer",
    venvs: "exchange-rates",
    made: "artifacts/items.csv",
    first: "id,name,price",
    lines: 11,
  },
  {
    template: "dbt",
    venvs: "dbt-duckdb",
    made: "target/run/shop/models/revenue.sql",
    first: /create.*table/,
    lines: 3,
  },
] as const;

describe("cli: templates with environments of their own", function () {
  this.timeout(900_000);

  for (const { template, venvs, made, first, lines } of cases) {
    it(`init --template ${template}, install, run makes data, with nothing but what the template holds`, async () => {
      const folder = temporaryFolder();
      try {
        const project = join(folder.dir, "a pipeline");
        const work = join(folder.dir, "work");
        const cache = join(process.env.HANDOFF_TEST_CACHE ?? join(root, ".cache/venvs"), venvs);
        mkdirSync(cache, { recursive: true });
        mkdirSync(work);
        symlinkSync(cache, join(work, ".venvs"));
        const about = { cwd: folder.dir, env: { ...process.env, HANDOFF_HOME: join(folder.dir, "home") } };
        expect((await cli(["init", "a pipeline", "--template", template], about)).code).to.equal(0);
        const installed = await cli(["install", "-p", project, "-w", work], about);
        expect(installed.code, installed.stderr).to.equal(0);
        const ran = await cli(["run", "-p", project, "-w", work], about);
        expect(ran.code, ran.stderr).to.equal(0);
        const text = readFileSync(join(work, made), "utf8").trim().split(/\r?\n/);
        expect(text.find((line) => line.trim() !== "")).to.match(
          typeof first === "string" ? new RegExp(`^${first}$`) : first,
        );
        expect(text.length).to.be.at.least(lines);
      } finally {
        folder.remove();
      }
    });
  }
});
