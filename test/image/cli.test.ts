import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { expect } from "chai";
import { repositoryOf } from "../../cli/image.js";
import { dockerNow, needDocker, type TestDocker } from "../support/docker.js";
import { TestRegistry } from "./registry.js";
import { TestProject } from "./support.js";

const yaml = "version: 1\nname: pushed\ntasks: [{name: a, commands: [{command: 'true'}]}]\n";

describe("handoff image", function () {
  this.timeout(240_000);
  let docker: TestDocker;
  const project = new TestProject({ "project.yml": yaml });
  before(async function () {
    docker = await needDocker(this);
  });
  after(() => {
    project.remove();
    for (const tag of tags) dockerNow(["image", "rm", "--force", "--no-prune", tag]);
  });
  const tags = new Set<string>();

  /** Not synchronous: Docker asks the registry, which is in this process. */
  const handoff = (...args: string[]) =>
    new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve, reject) => {
      const argv = ["bin/handoff", "image", ...args, "-p", project.dir];
      const child = spawn(process.execPath, argv, { env: { ...docker.env, NO_COLOR: "1" } });
      const output = { stdout: "", stderr: "" };
      child.stdout.on("data", (data: Buffer) => {
        output.stdout += data.toString();
      });
      child.stderr.on("data", (data: Buffer) => {
        output.stderr += data.toString();
      });
      child.on("error", reject);
      child.on("close", (code) => resolve({ code, ...output }));
    });

  it("build shows Docker's progress and prints the tag; the second time it says that nothing was built", async () => {
    const first = await handoff("build");
    expect(first.code, first.stderr).to.equal(0);
    expect(first.stdout).to.match(/^handoff-pushed:[0-9a-f]{32}\n$/);
    tags.add(first.stdout.trim());
    expect(first.stderr)
      .to.contain("COPY")
      .and.match(/built handoff-pushed:\w+: \d+ MiB, linux\/\w+, in /);
    const second = await handoff("build");
    expect(second.stdout).to.equal(first.stdout);
    expect(second.stderr)
      .to.match(/nothing was built\n$/)
      .and.not.contain("COPY");
    const json = await handoff("build", "--json", "--tag", "handoff-pushed:mine");
    tags.add("handoff-pushed:mine");
    const document = JSON.parse(json.stdout) as Record<string, unknown>;
    expect(document).to.include({ schemaVersion: 1, tag: "handoff-pushed:mine", built: false });
    expect(dockerNow(["image", "inspect", "--format", "{{.Id}}", "handoff-pushed:mine"]).trim()).to.equal(
      document.id,
    );
    const anew = await handoff("build", "--no-cache", "--json");
    expect(JSON.parse(anew.stdout)).to.include({ built: true });
  });

  it("push sends it to a registry, and prints it with the digest that the registry has", async () => {
    const registry = await TestRegistry.start();
    try {
      const tag = `${registry.address}/team/pushed:1`;
      const { code, stdout, stderr } = await handoff("push", "--tag", tag);
      tags.add(tag);
      expect(code, stderr).to.equal(0);
      const manifest = registry.manifests.get("team/pushed:1");
      if (manifest === undefined) throw new Error("nothing was pushed");
      const digest = createHash("sha256").update(manifest).digest("hex");
      expect(stdout).to.equal(`${registry.address}/team/pushed@sha256:${digest}\n`);
      const { layers } = JSON.parse(manifest.toString()) as { layers: { digest: string }[] };
      expect(layers.length).to.be.at.least(4);
      for (const layer of layers) expect([...registry.blobs.keys()]).to.include(layer.digest);
    } finally {
      await registry.close();
    }
  });

  it("push says what is wrong: no registry is meant, or it doesn't answer", async () => {
    const unknown = await handoff("push");
    expect(unknown.code).to.equal(2);
    expect(unknown.stderr).to.contain("which registry").and.contain("--tag");
    tags.add("127.0.0.1:9/x:1");
    const down = await handoff("push", "--tag", "127.0.0.1:9/x:1");
    expect(down.code).to.equal(1);
    expect(down.stderr).to.contain("could not be pushed").and.contain("docker login");
  });
});

describe("the repository of an image", () => {
  it("is its name without tag and digest; a registry's port stays", () => {
    for (const [reference, repository] of [
      ["registry.example.com:5000/team/fx:1@sha256:abc", "registry.example.com:5000/team/fx"],
      ["registry.example.com:5000/team/fx", "registry.example.com:5000/team/fx"],
      ["fx:1", "fx"],
    ] as const) {
      expect(repositoryOf(reference)).to.equal(repository);
    }
  });
});
