/** The commands on stacks of the local platform, through the real engine. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { cli } from "../cli/support.js";
import { type Fixture, makeRepository } from "../deploy/fixture.js";
import type { Line } from "./processes.js";

const project = `version: 1
name: fx
tasks:
- name: fetch
  commands:
  - {command: echo hello}
schedules:
- {name: daily, cron: "0 6 * * *", tasks: [fetch]}
`;

describe("fleet: the commands, through the real engine", function () {
  this.timeout(15 * 60_000);
  let repo: Fixture;
  const run = (...argv: string[]) => cli(argv, { cwd: repo.root, env: { ...repo.env, NO_COLOR: "1" } });
  const lines = (stdout: string) =>
    stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Line);
  const deployment = (stack: string) => join(repo.home, "deployments", `demo-${stack}`);
  const locks = () => join(repo.root, ".handoff", "state", ".pulumi", "locks", "organization", "demo", "dev");
  const lock = (content: object) => {
    mkdirSync(locks(), { recursive: true });
    writeFileSync(join(locks(), "0d9e5cd8-2e0c-4a06-9d7a-000000000000.json"), JSON.stringify(content));
  };

  before(() => {
    repo = makeRepository();
    repo.write("project.yml", project);
    repo.write("Pulumi.two.yaml", "config:\n  handoff:cloud: local\n  handoff:client: other\n");
  });
  after(() => repo.remove());

  it("a single stack prints its outputs, or with --json its events and the summary", async () => {
    const first = await run("up", "dev");
    expect(first.code, first.stderr).to.equal(0);
    expect(first.stdout).to.include(`folder: ${deployment("dev")}`);
    expect(first.stderr)
      .to.include("  + Schedule fx-schedule-daily created\n")
      .and.include("dev: 5 created in");

    const second = await run("up", "dev", "--json");
    const [start, ...rest] = lines(second.stdout);
    expect(start).to.include({ schemaVersion: 1, event: "start", stack: "dev", attempt: 1 });
    expect(rest.map(({ event }) => event)).to.deep.equal(["end", "summary"]);
    expect(rest.at(-1)).to.deep.include({ operation: "up", exitCode: 0 });
    expect(rest.at(-1)).to.have.nested.property("stacks[0].changes.same", 5);
    expect(rest.at(-1)).to.have.nested.property("stacks[0].outputs.folder", deployment("dev"));
  });

  it("several stacks are done by workers, a broken one among them, and reported", async () => {
    repo.write("Pulumi.bad.yaml", "config:\n  handoff:cloud: moon\n");
    const { code, stderr, stdout } = await run(
      "up",
      "--all",
      "--parallel",
      "2",
      "--report",
      "out/report.xml",
    );
    expect(code, stderr).to.equal(1);
    expect(stdout).to.equal("");
    expect(stderr).to.include("handoff: up of 3 stacks, 2 at a time\n");
    expect(stderr).to.match(/✓ two: 5 created in .* \(\d\/3\)\n {2}\+ /);
    expect(stderr).to.match(/✗ bad: failed after /);
    const [, end = ""] = stderr.split("\nbad\n");
    expect(end).to.include("`handoff:cloud` is `moon`").and.include("2 done, 1 failed, in");
    expect(end).to.include("-> what is not done: handoff up bad\n");
    expect(repo.read("out/report.xml")).to.include('tests="3" failures="1"');
    // All input was wrong: nothing was touched.
    expect((await run("up", "bad")).code).to.equal(2);
    expect((await run("up", "bad", "nowhere")).code).to.equal(2);
  });

  it("a selection takes the stacks that fit, and refuses what fits none", async () => {
    const { code, stderr } = await run("preview", "--select", "client=other", "--expect-no-changes");
    expect(stderr).to.match(/^two: nothing to change/m);
    expect(code).to.equal(0);
    const refused = await run("destroy", "--select", "client=nobody");
    expect(refused.code).to.equal(2);
    expect(refused.stderr).to.include("no stack fits --select client=nobody");
  });

  it("drift shows what was changed by hand, --expect-no-changes fails for it, up --refresh repairs it", async () => {
    const file = join(deployment("dev"), "schedules", "daily.json");
    const before = readFileSync(file, "utf8");
    writeFileSync(file, before.replace("0 6 * * *", "0 9 * * *"));
    const shown = await run("drift", "dev");
    expect(shown.code, shown.stderr).to.equal(0);
    expect(shown.stderr)
      .to.include("  ~ Schedule fx-schedule-daily\n")
      .and.include('"0 6 * * *" -> "0 9 * * *"');
    expect(shown.stderr).to.include("dev: 1 found changed, 4 unchanged");

    const { code, stderr } = await run("drift", "dev", "two", "--expect-no-changes");
    expect(code).to.equal(1);
    expect(stderr).to.include("\ndev\n  error: stack dev was to be without changes: 1 to update");
    expect(stderr).to.include("`handoff up dev --refresh`").and.include("1 done, 1 failed");
    expect((await run("preview", "dev", "--expect-no-changes")).code).to.equal(0);
    expect((await run("preview", "dev", "--refresh", "--expect-no-changes")).code).to.equal(1);
    expect((await run("up", "dev", "--refresh")).code).to.equal(0);
    expect(readFileSync(file, "utf8")).to.equal(before);
    expect((await run("drift", "dev", "--expect-no-changes")).code).to.equal(0);
  });

  it("a lock of another machine is explained, and cancel releases it", async () => {
    lock({ pid: 7, username: "ann", hostname: "build-7", timestamp: "2026-11-20T22:10:00Z" });
    const locked = await run("up", "dev");
    expect(locked.code).to.equal(1);
    expect(locked.stderr).to.include("by ann@build-7 (process 7) since 2026-11-20T22:10:00Z");
    expect(locked.stderr).to.include("`handoff cancel dev` releases the stack");
    const cancelled = await run("cancel", "dev");
    expect(cancelled.code, cancelled.stderr).to.equal(0);
    expect(cancelled.stdout).to.equal(
      "dev: released, which was held by ann@build-7 (process 7) since 2026-11-20T22:10:00Z\n",
    );
    expect(readdirSync(locks()).filter((name) => name.endsWith(".json"))).to.deep.equal([]);
    expect((await run("up", "dev")).code).to.equal(0);
    expect((await run("cancel", "dev", "--json")).stdout).to.equal(
      '{"schemaVersion":1,"stacks":[{"stack":"dev","released":[]}]}\n',
    );
  });

  it("cancel leaves an update alone that runs here, unless it is forced to", async () => {
    lock({ pid: process.pid, username: "me", hostname: hostname(), timestamp: "2026-11-21T06:00:00Z" });
    const refused = await run("cancel", "dev");
    expect(refused.code).to.equal(1);
    expect(refused.stderr).to.include("stack dev is being updated on this machine").and.include("--force");
    expect(readdirSync(locks()).filter((name) => name.endsWith(".json"))).to.have.length(1);
    expect((await run("cancel", "dev", "--force")).stdout).to.include(`process ${process.pid}`);
    expect(readdirSync(locks()).filter((name) => name.endsWith(".json"))).to.deep.equal([]);
    expect((await run("cancel", "nowhere")).code).to.equal(2);
  });

  it("destroy of what is not named has to be confirmed; of several removes what they had", async () => {
    for (const selection of [["--all"], ["--select", "cloud=local"]]) {
      const refused = await run("destroy", ...selection);
      expect(refused.code).to.equal(2);
      expect(refused.stderr)
        .to.match(/this would destroy \d stacks: .*dev, two/)
        .and.include("--yes");
    }
    const { code, stderr } = await run("destroy", "dev", "two");
    expect(code, stderr).to.equal(0);
    expect(stderr)
      .to.match(/✓ dev: 5 deleted/)
      .and.match(/✓ two: 5 deleted/);
  });
});
