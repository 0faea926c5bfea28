import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { needDocker, type TestDocker } from "../support/docker.js";
import { runContainer, TestProject } from "./support.js";

/** What a run of each leaves in the artifacts. */
const results: Readonly<Record<string, (read: (name: string) => string) => void>> = {
  "word-count": (read) => {
    expect(read("artifacts/words.csv").split("\n")[0]).to.equal("it,10");
  },
  "foreach-files": (read) => {
    expect(read("artifacts/summary.csv").trim().split("\n")).to.have.length(40);
  },
  "legacy-0.4": (read) => {
    expect(read("artifacts/greetings.txt")).to.equal("hello ada\nhello bob\nhello cyd\n");
  },
  "exchange-rates": (read) => {
    expect(read("artifacts/rates-2024-05-10.csv").trim().split("\n")).to.have.length(10);
    expect(JSON.parse(read("artifacts/state.json"))).to.have.nested.property("bookmarks.rates");
  },
  "dbt-duckdb": (read) => {
    expect(read("artifacts/revenue.csv").trim().split("\n")).to.have.length(4);
  },
};

describe("examples in their images: another user, a read-only root, no network, no capability", function () {
  this.timeout(900_000);
  let docker: TestDocker;
  let project: TestProject;
  let artifacts: string;
  before(async function () {
    docker = await needDocker(this);
  });
  beforeEach(() => {
    artifacts = mkdtempSync(join(tmpdir(), "handoff-image-artifacts-"));
  });
  afterEach(() => {
    project.remove();
    rmSync(artifacts, { recursive: true, force: true });
  });

  for (const name of readdirSync("examples")) {
    it(name, async () => {
      project = new TestProject({}, join("examples", name));
      const image = await project.build(docker);
      const { code, stdout, stderr, lines } = await runContainer(image.tag, { artifacts });
      expect(code, stdout + stderr).to.equal(0);
      const end = lines.find((line) => line.event === "run.end");
      expect(end?.message).to.match(/^run: success/);
      const left = join(artifacts, "last");
      const check = results[name];
      if (check === undefined) throw new Error(`${name}: what does it leave?`);
      check((file) => readFileSync(join(left, file), "utf8"));
    });
  }
});
