/** A project in git on the local platform, through the real engine: the agent's runs clone it from a server with a token. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { setSecret } from "../../deploy/secrets.js";
import { destroy, up } from "../../deploy/stack.js";
import type { RunRecord } from "../../model/run.js";
import {
  type OperateContext,
  readLog,
  stopAgent,
  triggerRun,
  waitForRun,
} from "../../providers/local/operate.js";
import { needDocker } from "../support/docker.js";
import { type GitServer, startGitServer, TestRepository, temporaryFolder } from "../support/git-server.js";
import { contents, type Fixture, makeRepository } from "./fixture.js";

const token = "planted-token-8b1d";
const deployment = "demo-dev";

describe("a stack whose project is in git", function () {
  // The first run on a machine may have to build the engine.
  this.timeout(15 * 60_000);
  let repo: Fixture;
  let context: OperateContext;
  let server: GitServer;
  const folder = temporaryFolder();
  const remote = new TestRepository(folder.dir, "served/fx.git");

  const yaml = (command: string, more = "") => `version: 1
name: fx
installs: [{venv: tool, command: "echo made > $VIRTUAL_ENV/made"}]
secrets: [{key: GIT_TOKEN}${more}]
stores: [{name: rates, kind: bucket}]
tasks:
- {name: fetch, commands: [{command: ${JSON.stringify(command)}}]}
deploy: {source: {git: {url: "${server.url}/fx.git", ref: main, path: etl, token: GIT_TOKEN}}}
`;
  const push = (command: string, more?: string) =>
    remote.commit({ "etl/project.yml": yaml(command, more), "etl/files/query.sql": "select 1\n" });

  before(async () => {
    server = await startGitServer(join(folder.dir, "served"), { credentials: `x-access-token:${token}` });
    repo = makeRepository();
    context = { home: repo.home, env: repo.env, now: () => new Date() };
    repo.write("project.yml", yaml("echo as it was at up"));
    await setSecret(repo.options, "GIT_TOKEN", token);
  });
  after(async () => {
    await stopAgent(context);
    await server.close();
    repo.remove();
    folder.remove();
  });

  async function run(tasks?: readonly string[]) {
    const { runId } = await triggerRun(context, deployment, undefined, tasks === undefined ? {} : { tasks });
    const ended = await waitForRun(context, runId);
    const out: string[] = [];
    for await (const line of readLog(context, ended, { follow: false }))
      if (line.stream === "stdout") out.push(line.message);
    const dir = join(repo.home, "deployments", deployment, "runs", runId);
    const record = JSON.parse(readFileSync(join(dir, "record.json"), "utf8")) as RunRecord;
    expect(existsSync(join(dir, "source"))).to.equal(false);
    return { out, record };
  }

  it("runs what the repository has now, without an up", async () => {
    const first = push("cat files/query.sql; echo $HANDOFF_COMMIT");
    await up(repo.options);
    expect(existsSync(join(repo.home, "code"))).to.equal(false);
    const { out, record } = await run();
    expect(record.error).to.equal(undefined);
    expect(out).to.deep.equal(["select 1", first]);
    expect(record.commit).to.equal(first);

    const second = remote.commit({
      "etl/project.yml": `${yaml("echo fetched")}`.replace(
        "deploy:",
        '- {name: added, commands: [{command: "echo added"}]}\ndeploy:',
      ),
    });
    const next = await run();
    expect(next.out).to.deep.equal(["fetched", "added"]);
    expect(next.record.commit).to.equal(second);
    expect((await run(["added"])).out).to.deep.equal(["added"]);
  });

  it("an up has nothing to do for a commit", async () => {
    push("echo another");
    const { changes } = await up(repo.options);
    expect(changes).to.include({ create: 0, update: 0, replace: 0, delete: 0 });
  });

  it("asks for an up where the commit needs more than is deployed", async () => {
    push("echo never", ", {key: NEW_KEY}");
    const { record } = await run();
    expect(record).to.include({ status: "failure", exitCode: 2 });
    expect(record.error).to.contain("secret `NEW_KEY`").and.to.contain("handoff up");
  });

  it("keeps the token where secrets are, and nowhere else", () => {
    const holders = Object.entries({ ...contents(repo.root), ...contents(repo.home) })
      .filter(([, text]) => text.includes(token))
      .map(([path]) => path);
    expect(holders).to.deep.equal([`deployments/${deployment}/secrets/GIT_TOKEN`]);
    expect(JSON.stringify(repo.events)).not.to.contain(token);
  });

  it("runs in a container that clones, from an image without the project", async function () {
    const docker = await needDocker(this);
    const env = { ...docker.env, ...repo.env, HANDOFF_TEST: "1" };
    // The tests' own engine has no other network.
    writeFileSync(join(repo.home, "agent", "settings.json"), '{"dockerNetwork": "host"}');
    const settings = repo.read("Pulumi.dev.yaml");
    repo.write(
      "Pulumi.dev.yaml",
      settings.replace(/( +)handoff:cloud: local\n/, "$&$1handoff:engine: docker\n"),
    );
    const commit = push("cat files/query.sql; id -u; echo $HANDOFF_COMMIT; ls /handoff/project | wc -l");
    await stopAgent(context);
    context = { ...context, env };
    await up({ ...repo.options, env });
    const { out, record } = await run();
    expect(record.error).to.equal(undefined);
    expect(out).to.deep.equal(["select 1", "10001", commit, "0"]);
    await destroy({ ...repo.options, env });
  });
});
