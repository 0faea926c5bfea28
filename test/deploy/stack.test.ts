import { existsSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { listSecrets, removeSecret, setSecret } from "../../deploy/secrets.js";
import { destroy, outputs, preview, refresh, up } from "../../deploy/stack.js";
import { UserError } from "../../model/diagnostic.js";
import { contents, type Fixture, makeRepository, projectYml } from "./fixture.js";

const secretValue = "correct-horse-battery";

async function failureOf(promise: Promise<unknown>): Promise<UserError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof UserError) return error;
    throw error;
  }
  throw new Error("expected a UserError");
}

describe("a stack on the local platform, through the real engine", function () {
  // The first run on a machine may have to build the engine.
  this.timeout(15 * 60_000);
  let repo: Fixture;

  before(async () => {
    repo = makeRepository();
    await setSecret(repo.options, "API_KEY", secretValue);
  });
  after(() => repo.remove());

  const changed = () =>
    repo.events.flatMap((e) =>
      e.kind === "resource" && e.status === "done" && e.op !== "same" && !e.type.startsWith("pulumi:")
        ? [`${e.op} ${e.name}`]
        : [],
    );
  const deployment = () => join(repo.home, "deployments", "demo-dev");

  it("preview of a new stack changes nothing on disk", async () => {
    const before = [contents(repo.root), contents(join(repo.home, "deployments"))];
    const { changes } = await preview(repo.options);
    expect(changes.create).to.equal(8);
    expect([contents(repo.root), contents(join(repo.home, "deployments"))]).to.deep.equal(before);
  });

  it("up creates every resource, from a subfolder of a path with a space", async () => {
    const summary = await up(repo.options);
    expect(summary.changes).to.deep.equal({ create: 8, update: 0, replace: 0, delete: 0, same: 0 });
    expect(summary.outputs).to.include({ folder: deployment() });
    expect(Object.keys(contents(deployment())).sort()).to.deep.equal([
      "jobs/fx.json",
      "schedules/daily.json",
      "schedules/weekly.json",
      "secrets/API_KEY",
      "stores/rates.sqlite",
    ]);
    const job = JSON.parse(contents(deployment())["jobs/fx.json"] ?? "{}");
    expect(job).to.include({
      schemaVersion: 1,
      deployment: "demo-dev",
      stack: "dev",
      client: "dev",
      name: "fx",
    });
    expect(existsSync(join(job.codeDir, "files", "query.sql"))).to.equal(true);
  });

  it("keeps the secret's value in one file for the owner alone", () => {
    const file = join(deployment(), "secrets", "API_KEY");
    expect(statSync(file).mode & 0o777).to.equal(0o600);
    const holders = Object.entries({ ...contents(repo.root), ...contents(repo.home) }).filter(([, text]) =>
      text.includes(secretValue),
    );
    expect(holders.map(([path]) => path)).to.deep.equal(["deployments/demo-dev/secrets/API_KEY"]);
    expect(JSON.stringify(repo.events)).not.to.include(secretValue);
  });

  it("a second up changes nothing", async () => {
    const before = contents(deployment());
    const { changes } = await up(repo.options);
    expect(changes).to.deep.equal({ create: 0, update: 0, replace: 0, delete: 0, same: 8 });
    expect(contents(deployment())).to.deep.equal(before);
  });

  it("an edit of one schedule changes that one only", async () => {
    repo.events.length = 0;
    repo.write("project.yml", projectYml.replace("0 6 * * *", "30 6 * * *"));
    const { changes } = await up(repo.options);
    expect(changes).to.deep.equal({ create: 0, update: 1, replace: 0, delete: 0, same: 7 });
    expect(changed()).to.deep.equal(["update fx-schedule-daily"]);
  });

  it("an edit of a file makes a new snapshot, points the job to it and removes the old one", async () => {
    repo.events.length = 0;
    repo.write("files/query.sql", "select 2\n");
    const { changes } = await up(repo.options);
    expect(changes).to.include({ replace: 1, update: 1, create: 0, delete: 0 });
    const snapshots = readdirSync(join(repo.home, "code")).filter((name) => !name.endsWith(".refs"));
    expect(snapshots).to.have.length(1);
    const { codeDir } = JSON.parse(contents(deployment())["jobs/fx.json"] ?? "{}");
    expect(codeDir).to.equal(join(repo.home, "code", snapshots[0] ?? ""));
  });

  it("refresh sees a record deleted and one changed by hand, and up repairs both", async () => {
    rmSync(join(deployment(), "schedules", "weekly.json"));
    const job = join(deployment(), "jobs", "fx.json");
    const before = contents(deployment())["jobs/fx.json"] ?? "";
    writeFileSync(job, before.replace('"client": "dev"', '"client": "somebody"'));
    const { changes } = await refresh(repo.options);
    expect(changes).to.include({ delete: 1, update: 1 });
    const repaired = await up(repo.options);
    expect(repaired.changes).to.include({ create: 1, update: 1 });
    expect(contents(deployment())["jobs/fx.json"]).to.equal(before);
  });

  it("destroy removes all but data, says what it kept, and the next up adopts it", async () => {
    const table = join(deployment(), "stores", "rates.sqlite");
    writeFileSync(table, "rows");
    const { kept, changes } = await destroy(repo.options);
    expect(kept).to.deep.equal([table]);
    expect(changes.delete).to.equal(8);
    expect(Object.keys(contents(deployment()))).to.deep.equal(["stores/rates.sqlite"]);
    await up(repo.options);
    expect(contents(deployment())["stores/rates.sqlite"]).to.equal("rows");
  });

  it("destroy with handoff:deleteData leaves nothing", async () => {
    const settings = repo.read("Pulumi.dev.yaml");
    repo.write(
      "Pulumi.dev.yaml",
      settings.replace("handoff:cloud: local", "handoff:cloud: local\n  handoff:deleteData: true"),
    );
    const { kept } = await destroy(repo.options);
    expect(kept).to.deep.equal([]);
    expect(existsSync(deployment())).to.equal(false);
    expect(existsSync(join(repo.home, "code"))).to.equal(false);
    expect(await outputs(repo.options)).to.deep.equal({});
    repo.write("Pulumi.dev.yaml", settings);
  });

  it("sets, lists and removes secrets", async () => {
    await setSecret(repo.options, "OTHER", "another-secret-value");
    expect(listSecrets(repo.options)).to.deep.equal(["API_KEY", "OTHER"]);
    expect(repo.read("Pulumi.dev.yaml")).not.to.include("another-secret-value");
    await removeSecret(repo.options, "OTHER");
    expect(listSecrets(repo.options)).to.deep.equal(["API_KEY"]);
    expect((await failureOf(removeSecret(repo.options, "NONE"))).code).to.equal("unknown-secret");
    expect((await failureOf(setSecret(repo.options, "a b", "x"))).code).to.equal("invalid-secret-name");
  });
});

describe("a stack that can't be deployed", () => {
  let repo: Fixture;
  // An engine would be looked for on this PATH, and none be found.
  const options = () => ({
    ...repo.options,
    env: { ...repo.env, PATH: "", HANDOFF_CACHE: join(repo.root, "none") },
  });
  beforeEach(() => {
    repo = makeRepository();
  });
  afterEach(() => repo.remove());

  it("with a broken project fails with every problem before the engine starts", async () => {
    repo.write(
      "project.yml",
      "version: 1\nname: fx\ntasks:\n- {name: a, comands: []}\nschedules:\n- {name: s, cron: never}\n",
    );
    const before = contents(repo.root);
    const error = await failureOf(up(options()));
    expect(error.exitCode).to.equal(2);
    expect(error.diagnostics.filter((d) => d.severity === "error").length).to.be.greaterThan(1);
    expect(contents(repo.root)).to.deep.equal(before);
    expect(existsSync(repo.home)).to.equal(false);
  });

  it("names the nearest stack, and those that there are", async () => {
    const error = await failureOf(up({ ...options(), stack: "dve" }));
    expect(error).to.include({ code: "unknown-stack", exitCode: 2, hint: "did you mean dev?" });
    expect(error.message).to.include("the stacks are dev");
  });

  it("says where a setting is unknown", async () => {
    repo.write("Pulumi.dev.yaml", "config:\n  handoff:cluod: local\n");
    const [diagnostic] = (await failureOf(up(options()))).diagnostics;
    expect(diagnostic).to.deep.include({ code: "unknown-setting", hint: "rename it to handoff:cloud" });
    expect(diagnostic?.location).to.include({ line: 2, column: 3 });
  });

  it("says which secret has no value, and which is of no use", async () => {
    repo.write("Pulumi.dev.yaml", "config:\n  handoff:secrets: {OLD: {secure: v1:x}}\n");
    for (const operation of [up, preview]) {
      const { diagnostics } = await failureOf(operation(options()));
      expect(diagnostics.map(({ severity, code, hint }) => [severity, code, hint])).to.deep.equal([
        ["error", "secret-not-set", "handoff secrets set API_KEY -s dev"],
        ["warning", "secret-unused", "add `{key: OLD}` to `secrets`, or: handoff secrets remove OLD -s dev"],
      ]);
    }
  });

  it("says what a cloud lacks, before the engine starts", async () => {
    repo.write("Pulumi.dev.yaml", "config:\n  handoff:cloud: aws\n");
    const env = { ...repo.env, AWS_REGION: undefined, AWS_DEFAULT_REGION: undefined };
    const failure = await failureOf(up({ ...options(), env }));
    expect(failure).to.include({ code: "invalid-project", exitCode: 2 });
    expect(failure.diagnostics.map(({ code }) => code)).to.include("aws-no-region");
    expect(repo.events).to.deep.equal([]);
  });

  it("outside of a repository asks for one", async () => {
    const error = await failureOf(up({ ...options(), cwd: repo.home.replace(/home$/, "") }));
    expect(error.code).to.equal("no-repository");
  });
});
