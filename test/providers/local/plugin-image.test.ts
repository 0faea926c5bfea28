/** The plugin's image, on a real Docker engine and a registry on loopback. */
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { localProvider } from "../../../providers/local/plugin-provider.js";
import { TestRegistry } from "../../image/registry.js";
import { dockerNow, needDocker, type TestDocker } from "../../support/docker.js";
import { planOf } from "../plans.js";

const urn = "urn:pulumi:dev::demo::handoff:local:Pipeline$handoff:local:Image::x";
const yaml = (install: string) =>
  `version: 1\nname: fx\ninstalls: [{venv: v, command: ${JSON.stringify(install)}}]\ntasks: [{name: a, commands: [{command: "true"}]}]\n`;

describe("the local platform's image", function () {
  this.timeout(180_000);
  let docker: TestDocker;
  let base: string;
  let lines: string[];
  let provider: ReturnType<typeof localProvider>;

  before(async function () {
    docker = await needDocker(this);
  });
  beforeEach(() => {
    base = mkdtempSync(join(tmpdir(), "handoff-plugin-image-"));
    lines = [];
    provider = withEnv({});
  });
  afterEach(() => rmSync(base, { recursive: true, force: true }));

  const withEnv = (more: Readonly<Record<string, string>>) =>
    localProvider(
      { home: join(base, "home"), env: { ...docker.env, ...more }, log: (line) => lines.push(line) },
      "1.0.0",
    );
  const isThere = (name: string) => dockerNow(["image", "ls", "--quiet", name]) !== "";

  function project(install: string): {
    readonly deployment: string;
    readonly source: string;
    readonly spec: unknown;
  } {
    const source = join(base, "project");
    mkdirSync(source, { recursive: true });
    writeFileSync(join(source, "project.yml"), yaml(install));
    return { deployment: "demo-dev", source, spec: planOf(yaml(install), "local").spec };
  }

  /** Through the registry in this process: not synchronous. */
  const dockerLater = (...args: string[]) =>
    new Promise<void>((done, fail) => {
      const child = spawn("docker", args, { stdio: "ignore" });
      child.on("error", fail);
      child.on("exit", (code) => (code === 0 ? done() : fail(new Error(`docker ${args[0]}: ${code}`))));
    });

  it("fails the check where there is no Docker, with another way", async () => {
    for (const more of [{ DOCKER_HOST: "unix:///nowhere/docker.sock" }, { PATH: base }]) {
      const { failures } = await withEnv(more).check(urn, {}, project("true"));
      expect(failures).to.have.length(1);
      expect(failures[0]?.reason)
        .to.match(/[Dd]ocker/)
        .and.match(/handoff:engine: process/);
    }
  });

  it("is another one with another project or base, and the same from another checkout", async () => {
    const hashOf = async (more: object, install = "true") => {
      const { inputs } = await provider.check(urn, {}, { ...project(install), ...more });
      return (inputs as { contentHash: string }).contentHash;
    };
    const first = await hashOf({});
    expect(await hashOf({})).to.equal(first);
    expect(await hashOf({}, "echo other")).not.to.equal(first);
    // The tests' own base counts more than the stack's.
    provider = withEnv({ HANDOFF_IMAGE_BASE: "" });
    expect(await hashOf({ base: "debian:12" })).not.to.equal(await hashOf({ base: "debian:13" }));
  });

  it("says which step of the build failed", async () => {
    const { inputs } = await provider.check(urn, {}, project("echo no such package >&2; exit 3"));
    const failure = await provider.create(urn, inputs).then(
      () => "none",
      (error: unknown) => String(error),
    );
    expect(failure).to.match(/the image could not be built/);
    expect(lines.join("\n")).to.match(/no such package/);
  });

  it("pulls an image that is given, gives it this deployment's name, and takes that away", async () => {
    const registry = await TestRegistry.start();
    const name = `${registry.address}/team/given`;
    try {
      const tar = execFileSync("tar", ["cf", "-", "--files-from", "/dev/null"]);
      execFileSync("docker", ["import", "-", `${name}:1`], {
        input: tar,
        stdio: ["pipe", "ignore", "inherit"],
      });
      await dockerLater("push", `${name}:1`);
      const id = dockerNow(["image", "inspect", "--format", "{{.Id}}", `${name}:1`]).trim();
      const digest = [...registry.manifests.keys()].find((key) => key.startsWith("team/given:sha256:"));
      const given = `${name}@${digest?.slice("team/given:".length)}`;
      dockerNow(["image", "rm", `${name}:1`]);
      expect(isThere(name)).to.equal(false);

      const { inputs } = await provider.check(urn, {}, { deployment: "demo-dev", image: given });
      const { id: resource, outs } = await provider.create(urn, inputs);
      expect(outs.imageId).to.equal(id);
      const tag = String(outs.path);
      expect(tag).to.match(/^handoff-local\/demo-dev:/);
      expect(isThere(tag)).to.equal(true);
      expect((await provider.diff(resource, urn, outs, inputs)).changes).to.equal(false);

      const { props } = await provider.read(resource, urn, outs);
      expect((await provider.diff(resource, urn, props, inputs)).changes).to.equal(false);
      dockerNow(["tag", "handoff-base:test", tag]);
      const moved = await provider.read(resource, urn, outs);
      expect((await provider.diff(resource, urn, moved.props, inputs)).replaces).to.deep.equal([
        "contentHash",
      ]);

      await provider.delete(resource, urn, outs);
      expect(isThere(tag)).to.equal(false);
      await provider.delete(resource, urn, outs);
      expect(lines).to.deep.equal([]);
      expect(await provider.read(resource, urn, outs)).to.deep.equal({ id: "", props: {} });
      dockerNow(["image", "rm", given]);
    } finally {
      await registry.close();
    }
  });

  it("says that a given image can't be pulled", async () => {
    const image = `127.0.0.1:9/none@sha256:${"0".repeat(64)}`;
    const { inputs } = await provider.check(urn, {}, { deployment: "demo-dev", image });
    const failure = await provider.create(urn, inputs).then(
      () => "none",
      (error: unknown) => String(error),
    );
    expect(failure)
      .to.match(/can't be pulled/)
      .and.match(/docker login/);
  });
});
