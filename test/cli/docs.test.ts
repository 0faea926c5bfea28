import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import type { CostEstimate } from "../../providers/estimate.js";
import { generatedPages } from "../../scripts/docs-pages.js";
import { cli, root, temporaryFolder } from "./support.js";

describe("docs made from the code", function () {
  this.timeout(300_000);

  it("are as `npm run docs` writes them", async () => {
    for (const [name, text] of Object.entries(await generatedPages(root))) {
      const committed = readFileSync(join(root, "docs", name), "utf8");
      expect(committed.split("\n"), `docs/${name}: run npm run docs`).to.deep.equal(text.split("\n"));
    }
  });

  it("docs/cost.md: eleven daily jobs cost what their number, length, size and the prices make", async () => {
    const folder = temporaryFolder();
    try {
      const page = readFileSync(join(root, "docs/cost.md"), "utf8");
      const yaml = /```yaml\n([\s\S]*?)```/.exec(page)?.[1] ?? "";
      mkdirSync(join(folder.dir, "etl"));
      writeFileSync(join(folder.dir, "etl/project.yml"), yaml);
      for (const [cloud, minutes] of [
        ["aws", 30],
        ["aws", 45],
        ["gcp", 30],
      ] as const) {
        const { stdout } = await cli(["cost", "--cloud", cloud, "--duration", `${minutes}m`, "--json"], {
          cwd: join(folder.dir, "etl"),
          env: {},
        });
        const estimate = JSON.parse(stdout) as CostEstimate;
        expect(estimate.jobs).to.have.length(11);
        const compute = estimate.lines.filter(({ item }) => item === "compute");
        const seconds = 11 * (365.25 / 12) * minutes * 60;
        const used = (unit: string) =>
          compute.filter((line) => line.unit === unit).reduce((sum, { quantity }) => sum + quantity, 0);
        expect(used("vCPU-second")).to.be.closeTo(seconds, 1);
        expect(used("GiB-second")).to.be.closeTo(2 * seconds, 2);
        for (const { quantity, freeUnits, unitPrice, amount } of estimate.lines) {
          expect(amount).to.be.closeTo(Math.max(0, quantity - freeUnits) * unitPrice, 1e-9);
        }
        expect(estimate.perMonth).to.be.closeTo(
          estimate.lines.reduce((sum, { amount }) => sum + amount, 0),
          1e-9,
        );
        // The published US$2.77 a day, under the page's assumption of half an hour for each job.
        if (minutes === 30) expect((estimate.perMonth * 12) / 365.25).to.be.lessThan(2.77);
      }
    } finally {
      folder.remove();
    }
  });
});
