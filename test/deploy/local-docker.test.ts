/** A stack with `handoff:engine: docker`, through the real engine and a real Docker: up, run, change, destroy. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { setSecret } from "../../deploy/secrets.js";
import { destroy, preview, refresh, up } from "../../deploy/stack.js";
import { UserError } from "../../model/diagnostic.js";
import { type OperateContext, readLog, triggerRun, waitForRun } from "../../providers/local/operate.js";
import type { JobRecord } from "../../providers/local/records.js";
import { until } from "../agent/support.js";
import { dockerNow, needDocker } from "../support/docker.js";
import { contents, type Fixture, makeRepository } from "./fixture.js";

const planted = "correct-horse-battery";
const yaml = (line: string, more = "") => `version: 1
name: fx
secrets:
- {key: API_KEY}
envs:
- {key: API_KEY}
stores:
- {name: rates, kind: table}
deploy: {resources: {cpu: 1, memory: 256Mi}}
${more}tasks:
- name: fetch
  commands:
  - {command: ${JSON.stringify(line)}}
`;

describe("a stack on the local platform with Docker", function () {
  // The first run on a machine may have to build the engine.
  this.timeout(15 * 60_000);
  let repo: Fixture;
  let options: Fixture["options"];
  let context: OperateContext;

  before(async function () {
    const docker = await needDocker(this);
    repo = makeRepository();
    const env = { ...docker.env, ...repo.env, HANDOFF_TEST: "1" };
    options = { ...repo.options, env };
    context = { home: repo.home, env, now: () => new Date() };
    repo.write("Pulumi.dev.yaml", "config:\n  handoff:cloud: local\n  handoff:engine: docker\n");
    repo.write("project.yml", yaml("cat files/query.sql; echo $API_KEY | wc -c"));
    await setSecret(options, "API_KEY", planted);
  });
  after(() => {
    if (!repo) return;
    for (const name of tags()) dockerNow(["image", "rm", "--force", name]);
    repo.remove();
  });

  const deployment = "demo-dev";
  const folder = () => join(repo.home, "deployments", deployment);
  const job = (): JobRecord => JSON.parse(readFileSync(join(folder(), "jobs", "fx.json"), "utf8"));
  const mine = () => job().container?.image ?? "";
  const created: string[] = [];

  /** Names of the images that this deployment has or had. */
  function tags(): string[] {
    return (
      dockerNow(["image", "ls", "--format", "{{.Repository}}:{{.Tag}} {{.ID}}", "--no-trunc"])
        .split("\n")
        // What was never made has no id, which every line ends with.
        .filter((line) => created.some((id) => id !== "" && line.endsWith(id)))
        .map((line) => line.split(" ")[0] ?? "")
        // Without a name, while a container still runs.
        .filter((name) => !name.startsWith("<none>"))
    );
  }

  function isThere(image: string): boolean {
    return dockerNow(["image", "ls", "--all", "--quiet", "--no-trunc"]).split("\n").includes(image);
  }

  async function run(): Promise<string[]> {
    const { runId } = await triggerRun(context, deployment, undefined);
    const ended = await waitForRun(context, runId, AbortSignal.timeout(90_000));
    const lines: string[] = [];
    for await (const line of readLog(context, ended, { follow: false }))
      if (line.stream === "stdout") lines.push(line.message);
    expect(ended.reason).to.equal(null);
    return lines;
  }

  it("a preview builds nothing", async () => {
    const { changes } = await preview(options);
    expect(changes.create).to.equal(6);
    expect(contents(folder())).to.deep.equal({});
  });

  it("up makes the image, and a run is a container of it with the plan's size", async () => {
    await up(options);
    created.push(mine());
    expect(job()).to.deep.include({ codeDir: "", venvsDir: "" });
    expect(job().container).to.deep.equal({ image: mine(), cpu: 1, memoryMiB: 256 });
    expect(tags()).to.have.length(1);
    expect(tags()[0]).to.match(/^handoff-local\/demo-dev:[0-9a-f]{8}-[0-9a-f]{24}$/);
    expect(await run()).to.deep.equal(["select 1", String(planted.length + 1)]);
    expect(readdirSync(join(repo.home)).includes("code")).to.equal(false);
  });

  it("a second up changes nothing", async () => {
    const { changes } = await up(options);
    expect(changes).to.include({ create: 0, update: 0, replace: 0, delete: 0 });
  });

  it("keeps the secret's value out of the image, its history, the state and what was printed", () => {
    const image = mine();
    expect(dockerNow(["image", "inspect", image])).not.to.include(planted);
    expect(dockerNow(["image", "history", "--no-trunc", image])).not.to.include(planted);
    expect(JSON.stringify(repo.events)).not.to.include(planted);
    const holders = Object.entries({ ...contents(repo.root), ...contents(repo.home) })
      .filter(([, text]) => text.includes(planted))
      .map(([path]) => path);
    expect(holders).to.deep.equal(["deployments/demo-dev/secrets/API_KEY"]);
  });

  it("an edit makes another image, while a run of the old one goes on, and takes the old one away", async () => {
    repo.write(
      "project.yml",
      yaml(
        'echo under way; until [ -e "$(dirname "$HANDOFF_STORE_RATES")/go" ]; do sleep 0.1; done; cat files/query.sql',
      ),
    );
    await up(options);
    created.push(mine());
    const old = mine();
    const { runId } = await triggerRun(context, deployment, undefined);
    const log = join(folder(), "runs", runId, "log.jsonl");
    await until("the run", () =>
      (contents(join(folder(), "runs", runId))["log.jsonl"] ?? "").includes("under way"),
    );
    repo.write("files/query.sql", "select 2\n");
    await up(options);
    created.push(mine());
    expect(mine()).not.to.equal(old);
    writeFileSync(join(folder(), "stores", "go"), "");
    const ended = await waitForRun(context, runId, AbortSignal.timeout(90_000));
    expect(ended.status).to.equal("success");
    expect(readFileSync(log, "utf8")).to.include("select 1");
    expect(tags()).to.have.length(1);
    await until("the old image's end", () => !isThere(old));
  });

  it("refresh finds that the image is gone, and up makes it again", async () => {
    dockerNow(["image", "rm", "--force", ...tags()]);
    expect(tags()).to.deep.equal([]);
    await refresh(options);
    await up(options);
    created.push(mine());
    expect(tags()).to.have.length(1);
    expect(await run()).to.include("select 2");
  });

  it("goes to processes and back", async () => {
    repo.write(
      "project.yml",
      yaml("cat files/query.sql; echo x >> artifacts/state; wc -l < artifacts/state"),
    );
    repo.write("Pulumi.dev.yaml", repo.read("Pulumi.dev.yaml").replace("engine: docker", "engine: process"));
    await up(options);
    expect(job().container).to.equal(undefined);
    expect(tags()).to.deep.equal([]);
    expect(await run()).to.deep.equal(["select 2", "1"]);
    repo.write("Pulumi.dev.yaml", repo.read("Pulumi.dev.yaml").replace("engine: process", "engine: docker"));
    await up(options);
    created.push(mine());
    expect(await run()).to.deep.equal(["select 2", "2"]);
  });

  it("destroy stops what runs, and leaves no container and no image", async () => {
    repo.write("project.yml", yaml("echo under way; sleep 300"));
    await up(options);
    created.push(mine());
    const image = mine();
    const { runId } = await triggerRun(context, deployment, undefined);
    await until("the run", () =>
      (contents(join(folder(), "runs", runId))["log.jsonl"] ?? "").includes("under way"),
    );
    await destroy(options);
    expect(await waitForRun(context, runId, AbortSignal.timeout(90_000))).to.include({
      status: "stopped",
      exitCode: 143,
    });
    const label = `label=handoff.folder=${folder()}`;
    expect(dockerNow(["ps", "--all", "--quiet", "--filter", label])).to.equal("");
    expect(tags()).to.deep.equal([]);
    expect(isThere(image)).to.equal(false);
  });

  it("up says that there is no Docker, before anything is changed", async () => {
    const before = contents(repo.home);
    const nowhere = { ...options, env: { ...options.env, DOCKER_HOST: "unix:///nowhere/docker.sock" } };
    const failure = await up(nowhere).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(failure).to.be.instanceOf(UserError);
    const text = JSON.stringify([
      failure instanceof UserError && [failure.message, failure.hint, failure.diagnostics],
      repo.events,
    ]);
    expect(text)
      .to.match(/Docker's engine doesn't answer/)
      .and.match(/handoff:engine: process/);
    expect(Object.keys(contents(repo.home)).filter((path) => path.startsWith("deployments/"))).to.deep.equal(
      Object.keys(before).filter((path) => path.startsWith("deployments/")),
    );
  });
});
