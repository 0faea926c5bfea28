import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import { setSecret } from "../../deploy/secrets.js";
import { up } from "../../deploy/stack.js";
import { UserError } from "../../model/diagnostic.js";
import { contents, type Fixture, makeRepository, projectYml } from "./fixture.js";

describe("an up whose signal is aborted", function () {
  this.timeout(15 * 60_000);
  let repo: Fixture;
  before(async () => {
    repo = makeRepository();
    await setSecret(repo.options, "API_KEY", "correct-horse-battery");
  });
  after(() => repo.remove());

  it("is cancelled by the engine after the step that it is in; the state is whole, and the next up completes it", async () => {
    const base = join(repo.root, "..");
    const [started, goOn] = [join(base, "started"), join(base, "go-on")];
    repo.write(
      "project.yml",
      `${projectYml}installs:\n- {venv: slow, command: 'touch "${started}"; while ! test -e "${goOn}"; do sleep 0.2; done'}\n`,
    );
    const interruption = new AbortController();
    const running = up({ ...repo.options, signal: interruption.signal }).then(
      () => "done",
      (error: unknown) => error,
    );
    while (!existsSync(started)) await sleep(50);
    interruption.abort("SIGTERM");
    await sleep(1000);
    writeFileSync(goOn, "");
    const outcome = await running;
    expect(outcome).to.be.instanceOf(UserError);
    expect(outcome).to.include({ code: "interrupted", exitCode: 143 });

    const state = join(repo.root, ".handoff", "state", ".pulumi");
    const { latest } = JSON.parse(readFileSync(join(state, "stacks", "demo", "dev.json"), "utf8")).checkpoint;
    expect(latest.pending_operations ?? []).to.deep.equal([]);
    const types = (latest.resources as { type: string }[]).map(({ type }) => type);
    expect(types).to.include("handoff:local:Venvs").and.not.include("handoff:local:Schedule");
    expect(readdirSync(join(state, "locks", "organization", "demo", "dev"))).to.deep.equal([]);

    repo.events.length = 0;
    const log: string[] = [];
    const { changes } = await up({ ...repo.options, log: (line) => void log.push(line) });
    expect(changes).to.include({ update: 0, replace: 0, delete: 0 });
    expect(changes.create + changes.same).to.equal(9);
    expect(changes.create).to.be.greaterThan(0);
    expect(repo.events.filter((event) => event.kind === "message")).to.deep.equal([]);
    expect(log).to.deep.equal([]);
    expect(Object.keys(contents(join(repo.home, "deployments", "demo-dev")))).to.include(
      "schedules/daily.json",
    );
  });

  it("that is aborted before it starts touches nothing", async () => {
    const file = join(repo.root, ".handoff", "state", ".pulumi", "stacks", "demo", "dev.json");
    const look = () => [readFileSync(file, "utf8"), contents(join(repo.home, "deployments"))];
    repo.write("project.yml", projectYml);
    const before = look();
    const outcome = await up({ ...repo.options, signal: AbortSignal.abort("SIGINT") }).then(
      () => "done",
      (error: unknown) => error,
    );
    expect(outcome).to.include({ code: "interrupted", exitCode: 130 });
    expect(look()).to.deep.equal(before);
  });
});
