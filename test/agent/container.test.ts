/** Runs in containers, on a real Docker engine, through the agent as a process. */
import { type ChildProcess, spawn } from "node:child_process";
import {
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { openHistory, type Run } from "../../history/history.js";
import { buildImage } from "../../providers/image-build.js";
import { homePaths } from "../../providers/local/home.js";
import {
  agentStatus,
  findRun,
  type OperateContext,
  readLog,
  startAgent,
  stopAgent,
  triggerRun,
  waitForRun,
} from "../../providers/local/operate.js";
import { planOf } from "../providers/plans.js";
import { dockerNow, needDocker } from "../support/docker.js";
import { startGitServer, TestRepository, temporaryFolder } from "../support/git-server.js";
import { commandBody, makeProject, makeTask } from "../support/model.js";
import { deployment, type FakeJob, Home, until } from "./support.js";

const built = fileURLToPath(new URL("../../dist/agent/main.js", import.meta.url));
const planted = "correct-horse-battery-staple";

/** Shell: until the test lets the run go on, by `goOn`. */
const gate = "until [ -e /handoff/run/go ]; do sleep 0.1; done";

const task = (line: string) => makeTask("load", commandBody(line));

describe("runs in containers", function () {
  this.timeout(180_000);
  let image: string;
  let tag: string;
  let env: OperateContext["env"];
  let home: Home;
  let context: OperateContext;
  let children: ChildProcess[];

  before(async function () {
    const docker = await needDocker(this);
    env = docker.env;
    const projectDir = mkdtempSync(join(tmpdir(), "handoff-agent-image-"));
    try {
      const yaml =
        "version: 1\nname: agent-test\ntasks: [{name: load, commands: [{command: cat files/greeting}]}]\n";
      mkdirSync(join(projectDir, "files"));
      writeFileSync(join(projectDir, "project.yml"), yaml);
      writeFileSync(join(projectDir, "files", "greeting"), "hello from the image\n");
      ({ id: image, tag } = await buildImage(planOf(yaml, "local", { projectDir }), { env }));
    } finally {
      rmSync(projectDir, { recursive: true, force: true });
    }
  });
  after(() => {
    if (tag) dockerNow(["image", "rm", tag]);
  });
  beforeEach(() => {
    home = new Home();
    context = { home: home.root, env, now: () => new Date() };
    children = [];
  });
  afterEach(async () => {
    for (const child of children) child.kill("SIGKILL");
    await stopAgent(context);
    const left = containersOf(home);
    if (left.length > 0) dockerNow(["rm", "--force", "--volumes", ...left]);
    home.remove();
    expect(left, "containers that were left behind").to.deep.equal([]);
  });

  function containersOf({ paths }: Home): string[] {
    const label = `label=handoff.folder=${paths.root}`;
    return dockerNow(["ps", "--all", "--no-trunc", "--format", "{{.Names}}", "--filter", label])
      .split("\n")
      .filter((name) => name !== "");
  }

  function job(
    line: string,
    more: FakeJob & { readonly cpu?: number; readonly memoryMiB?: number } = {},
  ): void {
    const { cpu, memoryMiB, ...rest } = more;
    const limits = {
      ...(cpu === undefined ? {} : { cpu }),
      ...(memoryMiB === undefined ? {} : { memoryMiB }),
    };
    home.job({ tasks: [task(line)], container: { image, ...limits }, ...rest });
  }

  /** Triggers the job and waits for its end. */
  async function run(): Promise<Run> {
    const { runId } = await triggerRun(context, deployment, undefined);
    return await waitForRun(context, runId, AbortSignal.timeout(90_000));
  }

  async function messages(of: Run, stream?: "stdout"): Promise<string[]> {
    const found: string[] = [];
    for await (const line of readLog(context, of, { follow: true })) {
      if (stream === undefined || line.stream === stream) found.push(line.message);
    }
    return found;
  }

  /** Once it runs in its container. */
  async function underWay(runId: string, line: string): Promise<string> {
    const log = home.paths.run(runId).log;
    await until(
      `${line} in the log`,
      () => existsSync(log) && readFileSync(log, "utf8").includes(line),
      60_000,
    );
    const [name] = containersOf(home);
    if (name === undefined) throw new Error("no container runs");
    return name;
  }

  const goOn = (runId: string) => writeFileSync(join(home.paths.run(runId).root, "go"), "");

  async function startDirectly(): Promise<ChildProcess> {
    const child = spawn(process.execPath, [built, "run"], {
      env: { ...env, HANDOFF_HOME: home.root },
      stdio: "ignore",
    });
    children.push(child);
    await until("the agent", () => agentStatus(context).pid === child.pid);
    return child;
  }

  it("runs the image's files as a user without rights, on a root that is read-only, and leaves no container", async () => {
    job(
      "cat files/greeting; id -u; awk '$2 == \"/\" { print substr($4, 1, 2) }' /proc/mounts; touch /tmp/x && echo /tmp; grep CapEff /proc/self/status",
    );
    const ended = await run();
    expect(ended).to.include({ status: "success", exitCode: 0 });
    const uid = process.getuid?.() || 10001;
    expect(await messages(ended, "stdout")).to.deep.equal([
      "hello from the image",
      String(uid),
      "ro",
      "/tmp",
      "CapEff:\t0000000000000000",
    ]);
    expect(ended.record?.tasks.map(({ name, status }) => [name, status])).to.deep.equal([
      ["load", "success"],
    ]);
    expect(existsSync(home.paths.run(ended.runId).workspace)).to.equal(false);
  });

  it("keeps artifacts and stores from run to run, also those that a process left", async () => {
    const line =
      'cat artifacts/state 2>/dev/null; echo x >> artifacts/state; echo y >> "$HANDOFF_STORE_RAW/rows"; wc -l < "$HANDOFF_STORE_RAW/rows"';
    const project = { stores: [{ name: "raw", kind: "bucket" as const }] };
    mkdirSync(join(home.paths.stores, "raw"), { recursive: true });
    home.job({ tasks: [task(line)], project });
    expect(await messages(await run(), "stdout")).to.deep.equal(["1"]);
    job(line, { project });
    expect(await messages(await run(), "stdout")).to.deep.equal(["x", "2"]);
    home.job({ tasks: [task(line)], project });
    expect(await messages(await run(), "stdout")).to.deep.equal(["x", "x", "3"]);
    job(line, { project });
    expect(await messages(await run(), "stdout")).to.deep.equal(["x", "x", "x", "4"]);
  });

  it("gives limits to the container: cpu at most what there is, memory without swap", async () => {
    job(`echo under way; ${gate}`, { cpu: 1024, memoryMiB: 200 });
    const { runId } = await triggerRun(context, deployment, undefined);
    const name = await underWay(runId, "under way");
    const limits = dockerNow([
      "inspect",
      "--format",
      "{{.HostConfig.NanoCpus}} {{.HostConfig.Memory}} {{.HostConfig.MemorySwap}}",
      name,
    ]);
    const cpus = Number(dockerNow(["info", "--format", "{{.NCPU}}"]));
    expect(limits.trim()).to.equal(`${cpus * 1e9} ${200 * 2 ** 20} ${200 * 2 ** 20}`);
    goOn(runId);
    expect((await waitForRun(context, runId, AbortSignal.timeout(90_000))).status).to.equal("success");
  });

  it("says that the memory didn't suffice", async () => {
    job("python3 -c 'x = bytearray(400 * 2**20)'", { memoryMiB: 160 });
    const ended = await run();
    expect(ended).to.include({ status: "failure", exitCode: 1 });
    expect(ended.reason)
      .to.match(/out of memory/)
      .and.match(/160 MiB/);
    expect(ended.record?.tasks[0]?.steps[0]).to.include({ status: "failure" });
  });

  it("says so, too, when it was the runner itself that was killed for it", async () => {
    job("python3 -c 'x = bytearray(400 * 2**20)'; kill -9 $PPID; sleep 5", { memoryMiB: 160 });
    const ended = await run();
    expect(ended).to.include({ status: "failure", record: null });
    // Some engines know it, of others the image's process 1 supposes it.
    expect(ended.reason)
      .to.match(/out of memory.*resources\.memory/)
      .and.not.include("{");
  });

  it("works where the folder's name has what Docker's options are separated by", async () => {
    home.remove();
    home = new Home('handoff, "agent": ');
    context = { ...context, home: home.root };
    job('echo x >> artifacts/state; echo "$API_KEY" | wc -c', {
      secrets: { API_KEY: planted },
      project: { secrets: [{ key: "API_KEY" }], secretEnvs: ["API_KEY"] },
    });
    const ended = await run();
    expect(ended.reason).to.equal(null);
    expect(await messages(ended, "stdout")).to.deep.equal([String(planted.length + 1)]);
    expect(existsSync(join(home.paths.artifacts, "last"))).to.equal(true);
  });

  it("shows a secret's value neither in the arguments of a process nor in what Docker keeps", async () => {
    job(`echo "got $(printf %s "$API_KEY" | wc -c) characters"; echo under way; ${gate}`, {
      secrets: { API_KEY: planted },
      project: { secrets: [{ key: "API_KEY" }], secretEnvs: ["API_KEY"] },
    });
    const { runId } = await triggerRun(context, deployment, undefined);
    const name = await underWay(runId, "under way");
    const processes = readdirSync("/proc")
      .filter((pid) => /^\d+$/.test(pid))
      .map((pid) => readText(`/proc/${pid}/cmdline`));
    expect(
      processes.some((text) => text.includes(name)),
      "the client's command line",
    ).to.equal(true);
    expect(
      processes.some((text) => text.includes(planted)),
      "a command line",
    ).to.equal(false);
    expect(dockerNow(["inspect", name])).not.to.include(planted);
    goOn(runId);
    const ended = await waitForRun(context, runId, AbortSignal.timeout(90_000));
    expect(ended.status).to.equal("success");
    expect(await messages(ended, "stdout")).to.include(`got ${planted.length} characters`);
    const file = home.paths.secret("API_KEY");
    expect(statSync(file).mode & 0o777).to.equal(0o600);
    expect(filesWith(home.root, planted)).to.deep.equal([file]);
  });

  it("ends what runs over its time, within the grace, and with its children", async () => {
    job("echo under way; trap '' TERM; sleep 120 & wait", { timeoutSeconds: 3 });
    mkdirSync(homePaths(home.root).agent, { recursive: true });
    writeFileSync(homePaths(home.root).agentSettings, '{"graceSeconds": 1}');
    await startAgent(context);
    const ended = await run();
    expect(ended).to.include({ status: "timeout", exitCode: 124 });
    expect(Date.parse(ended.endedAt ?? "") - Date.parse(ended.startedAt ?? "")).to.be.below(60_000);
  });

  it("stops a run by docker stop: recorded as stopped, the container gone", async () => {
    job("echo under way; sleep 120");
    const { runId } = await triggerRun(context, deployment, undefined);
    dockerNow(["stop", await underWay(runId, "under way")]);
    expect(await waitForRun(context, runId, AbortSignal.timeout(90_000))).to.include({
      status: "stopped",
      exitCode: 143,
    });
  });

  it("survives kill -9 of the agent: the run goes on, ends once, and is recorded by the next agent", async () => {
    job(`echo under way; ${gate}; echo ran >> artifacts/out; cat artifacts/out`);
    const first = await startDirectly();
    const { runId } = await triggerRun(context, deployment, undefined);
    await underWay(runId, "under way");
    first.kill("SIGKILL");
    await until("the agent's death", () => !agentStatus(context).running);
    await startAgent(context);
    goOn(runId);
    const ended = await waitForRun(context, runId, AbortSignal.timeout(90_000));
    expect(ended).to.include({ status: "success", attempt: 1 });
    expect(await messages(ended, "stdout")).to.deep.equal(["under way", "ran"]);
  });

  it("takes over the container when agent and Docker's client were killed", async () => {
    job(`echo under way; ${gate}; echo ran`);
    const first = await startDirectly();
    const { runId } = await triggerRun(context, deployment, undefined);
    await underWay(runId, "under way");
    const { pid } = findRun(context, deployment, runId);
    first.kill("SIGKILL");
    process.kill(pid ?? 0, "SIGKILL");
    await until("the agent's death", () => !agentStatus(context).running);
    await startAgent(context);
    expect(findRun(context, deployment, runId).status).to.equal("running");
    goOn(runId);
    const ended = await waitForRun(context, runId, AbortSignal.timeout(90_000));
    expect(ended).to.include({ status: "success", attempt: 1 });
    expect(await messages(ended, "stdout")).to.deep.equal(["under way", "ran"]);
  });

  it("takes the death of Docker's client alone for none of the run's", async () => {
    job(`echo under way; ${gate}; echo ran`, { retries: { max: 2, delaySeconds: 0, backoff: 1 } });
    const { runId } = await triggerRun(context, deployment, undefined);
    await underWay(runId, "under way");
    process.kill(findRun(context, deployment, runId).pid ?? 0, "SIGKILL");
    goOn(runId);
    expect(await waitForRun(context, runId, AbortSignal.timeout(90_000))).to.include({
      status: "success",
      attempt: 1,
    });
  });

  it("tries again when the container was killed, as often as the job says", async () => {
    job('echo "attempt $HANDOFF_ATTEMPT under way"; [ "$HANDOFF_ATTEMPT" = 2 ] || sleep 120', {
      retries: { max: 1, delaySeconds: 0, backoff: 1 },
    });
    await startAgent(context);
    const { runId } = await triggerRun(context, deployment, undefined);
    dockerNow(["kill", await underWay(runId, "attempt 1 under way")]);
    expect(await waitForRun(context, runId, AbortSignal.timeout(90_000))).to.include({
      status: "success",
      attempt: 2,
    });
  });

  it("says what Docker said when it can't start the container", async () => {
    home.job({ tasks: [task("true")], container: { image: `sha256:${"0".repeat(64)}` } });
    const ended = await run();
    expect(ended).to.include({ status: "failure" });
    expect(ended.reason)
      .to.match(/No such image/i)
      .and.match(/handoff up/);
  });

  it("says that there is no Docker", async () => {
    job("true");
    context = { ...context, env: { ...env, DOCKER_HOST: "unix:///nowhere/docker.sock" } };
    const ended = await run();
    expect(ended).to.include({ status: "failure" });
    expect(ended.reason).to.match(/Docker's engine doesn't answer/);
  });

  it("follows a log to its end", async () => {
    job("echo first; sleep 1; echo second");
    const queued = await triggerRun(context, deployment, undefined);
    expect(await messages(queued, "stdout")).to.deep.equal(["first", "second"]);
    expect(findRun(context, deployment, queued.runId).status).to.equal("success");
  });

  it("runs in the network that agent/settings.json names, also without an agent", async () => {
    mkdirSync(homePaths(home.root).agent, { recursive: true });
    writeFileSync(homePaths(home.root).agentSettings, '{"dockerNetwork": "host"}');
    job(`echo under way; ${gate}`);
    const { runId } = await triggerRun(context, deployment, undefined);
    const name = await underWay(runId, "under way");
    expect(dockerNow(["inspect", "--format", "{{.HostConfig.NetworkMode}}", name]).trim()).to.equal("host");
    goOn(runId);
    await waitForRun(context, runId, AbortSignal.timeout(90_000));
  });

  it("runs as the agent's own user, where that isn't root", async function () {
    if (process.getuid?.() !== 0) return this.skip();
    job("id -u; cat artifacts/state 2>/dev/null; echo kept > artifacts/state", {
      secrets: { API_KEY: planted },
      project: { secrets: [{ key: "API_KEY" }], secretEnvs: ["API_KEY"] },
    });
    const uid = 12345;
    openHistory(homePaths(home.root).history).close();
    giveAll(home.root, uid);
    const child = spawn(process.execPath, [built, "run"], {
      env: { ...env, HANDOFF_HOME: home.root, HOME: home.root },
      stdio: "ignore",
      uid,
      // Who may use Docker.
      gid: statSync("/var/run/docker.sock").gid,
    });
    children.push(child);
    await until("the agent", () => agentStatus(context).pid === child.pid);
    const ended = await run();
    expect(ended).to.include({ status: "success" });
    expect(await messages(ended, "stdout")).to.deep.equal([String(uid)]);
    expect(statSync(home.paths.run(ended.runId).record).uid).to.equal(uid);
    expect(await messages(await run(), "stdout")).to.deep.equal([String(uid), "kept"]);
  });

  it("clones its project, and finds the environments of the run before", async () => {
    const folder = temporaryFolder();
    const server = await startGitServer(join(folder.dir, "served"), {
      credentials: `x-access-token:${planted}`,
    });
    const secrets = { GIT_TOKEN: planted };
    const source = {
      kind: "git" as const,
      url: `${server.url}/fx.git`,
      ref: "main",
      path: ".",
      token: "GIT_TOKEN",
    };
    const yaml = `version: 1
name: fx
installs: [{venv: v, command: "true"}]
secrets: [{key: GIT_TOKEN}]
deploy: {source: {git: {url: "${source.url}", ref: main, token: GIT_TOKEN}}}
tasks: [{name: load, commands: [{command: 'cat files/word; python -c "import sys; print(sys.prefix)"', venv: v}]}]
`;
    const repository = new TestRepository(folder.dir, "served/fx.git");
    repository.commit({ "project.yml": yaml, "files/word": "one\n" });
    const generic = await buildImage(planOf(yaml, "local", { secretKeys: ["GIT_TOKEN"] }), { env });
    try {
      mkdirSync(homePaths(home.root).agent, { recursive: true });
      writeFileSync(homePaths(home.root).agentSettings, '{"dockerNetwork": "host"}');
      const deploy = { ...makeProject().deploy, source };
      home.job({
        container: { image: generic.id },
        secrets,
        project: { deploy, secrets: [{ key: "GIT_TOKEN" }] },
      });
      const first = await run();
      expect(first.reason).to.equal(null);
      const [word, prefix = ""] = await messages(first, "stdout");
      expect(word).to.equal("one");
      expect(prefix).to.match(/^\/handoff\/cache\//);
      repository.commit({ "files/word": "two\n" });
      const second = await run();
      expect(await messages(second, "stdout")).to.deep.equal(["two", prefix]);
      expect((await messages(first)).join("\n")).to.match(/install/i);
      expect(
        (await messages(second)).filter((message) => /installing|installed/i.test(message)),
      ).to.deep.equal([]);
      expect(filesWith(home.root, planted)).to.deep.equal([home.paths.secret("GIT_TOKEN")]);
    } finally {
      await server.close();
      folder.remove();
      dockerNow(["image", "rm", generic.tag]);
    }
  });

  function readText(file: string): string {
    try {
      return readFileSync(file, "utf8");
    } catch {
      return "";
    }
  }

  function filesWith(dir: string, text: string): string[] {
    return readdirSync(dir, { withFileTypes: true, recursive: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .filter((file) => readFileSync(file, "latin1").includes(text));
  }

  function giveAll(path: string, uid: number): void {
    chownSync(path, uid, uid);
    if (!statSync(path).isDirectory()) return;
    for (const name of readdirSync(path)) giveAll(join(path, name), uid);
  }
});
