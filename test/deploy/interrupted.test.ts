import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { setSecret } from "../../deploy/secrets.js";
import { destroy, up } from "../../deploy/stack.js";
import { contents, type Fixture, makeRepository, packageRoot } from "./fixture.js";

const script = fileURLToPath(new URL("./up-process.ts", import.meta.url));

/** Starts `up` and kills it, with its engine and plugin, when the first resource of ours is done. */
function killedUp(repo: Fixture, when: RegExp): Promise<NodeJS.Signals | null> {
  return new Promise((done, fail) => {
    const child = spawn(process.execPath, ["--import", "tsx", script, repo.options.cwd, "dev"], {
      cwd: packageRoot,
      env: repo.env,
      stdio: ["ignore", "pipe", "inherit"],
      detached: true,
    });
    const { pid } = child;
    let output = "";
    child.stdout.on("data", (data: Buffer) => {
      output += data.toString();
      if (pid !== undefined && when.test(output) && child.exitCode === null) {
        child.stdout.removeAllListeners("data");
        process.kill(-pid, "SIGKILL");
      }
    });
    child.on("error", fail);
    child.on("exit", (_code, signal) => done(signal));
  });
}

describe("an interrupted up", function () {
  this.timeout(15 * 60_000);
  let repo: Fixture;
  before(async () => {
    repo = makeRepository();
    await setSecret(repo.options, "API_KEY", "correct-horse-battery");
  });
  after(() => repo.remove());

  it("that is killed in the middle leaves a lock, and the next up goes on and completes it", async () => {
    const signal = await killedUp(repo, /"status":"started"[^\n]*\n[\s\S]*"status":"(started|done)"/);
    expect(signal).to.equal("SIGKILL");
    const locks = join(repo.root, ".handoff", "state", ".pulumi", "locks", "organization", "demo", "dev");
    expect(readdirSync(locks).filter((name) => name.endsWith(".json"))).to.have.length(1);

    const { result } = await up(repo.options);
    expect(result).to.equal("succeeded");
    expect(readdirSync(locks)).to.deep.equal([]);
    const deployment = join(repo.home, "deployments", "demo-dev");
    expect(Object.keys(contents(deployment)).sort()).to.deep.equal([
      "jobs/fx.json",
      "schedules/daily.json",
      "schedules/weekly.json",
      "secrets/API_KEY",
      "stores/rates.sqlite",
    ]);
    const again = await up(repo.options);
    expect(again.changes).to.deep.equal({ create: 0, update: 0, replace: 0, delete: 0, same: 8 });

    repo.events.length = 0;
    await up(repo.options);
    expect(repo.events.filter((e) => e.kind === "message")).to.deep.equal([]);
    await destroy(repo.options);
    expect(existsSync(join(deployment, "jobs"))).to.equal(false);
  });

  it("that tore the state's file goes on from the state before its last step", async () => {
    await up(repo.options);
    await up(repo.options);
    const state = join(repo.root, ".handoff", "state", ".pulumi", "stacks", "demo", "dev.json");
    const whole = readFileSync(state, "utf8");
    writeFileSync(state, whole.slice(0, whole.length / 2));
    const { changes } = await up(repo.options);
    expect(changes.same + changes.create + changes.update).to.equal(8);
    expect((await up(repo.options)).changes).to.include({ same: 8 });
  });
});
