import { expect } from "chai";
import type { BuiltImage } from "../../providers/image-build.js";
import { baseImage, dockerNow, needDocker, nodeImage, type TestDocker } from "../support/docker.js";
import { runContainer, TestProject } from "./support.js";

const yaml = `version: 1
name: Layers_and-More
installs:
- {venv: own, command: pip install ./files/package}
tasks:
- name: venv
  commands:
  - {command: "python -c 'import handoff_test; print(handoff_test.name)'", venv: own}
- name: write
  commands:
  - {command: "for dir in /handoff /handoff/project /handoff/venvs /usr /etc /; do touch $dir/x 2>/dev/null && exit 1; done; echo nowhere"}
`;
const files = {
  "project.yml": yaml,
  "files/package/setup.py":
    "from setuptools import setup\nsetup(name='handoff-test', version='1', py_modules=['handoff_test'])\n",
  "files/package/handoff_test.py": "name = 'from a venv'\n",
  "files/note.txt": "one\n",
};

describe("an image of a project", function () {
  this.timeout(400_000);
  let docker: TestDocker;
  const project = new TestProject(files);
  let image: BuiltImage & { readonly log: string };
  before(async function () {
    docker = await needDocker(this);
    image = await project.build(docker);
  });
  after(() => project.remove());

  const inspect = (tag: string, format: string): string =>
    dockerNow(["image", "inspect", "--format", format, tag]).trim();
  const layers = (tag: string) => JSON.parse(inspect(tag, "{{json .RootFS.Layers}}")) as string[];

  it("has the project's name and content for its tag and labels", () => {
    expect(image.tag).to.match(/^handoff-layers-and-more:[0-9a-f]{32}$/);
    const labels = JSON.parse(inspect(image.tag, "{{json .Config.Labels}}")) as Record<string, string>;
    expect(labels).to.include({
      "handoff.project": "Layers_and-More",
      "handoff.content-hash": project.plan().contentHash,
      "handoff.image-hash": image.hash,
      "org.opencontainers.image.title": "handoff runner",
    });
  });

  it("says what is in it", async () => {
    const { code, stdout } = await runContainer(image.tag, { args: ["info"] });
    expect(code).to.equal(0);
    expect(JSON.parse(stdout)).to.deep.include({
      project: "Layers_and-More",
      contentHash: project.plan().contentHash,
      tasks: ["venv", "write"],
      venvs: ["own"],
      node: process.version,
    });
  });

  it("runs as a user that may write nothing of it, also with a root that isn't read-only", async () => {
    const { code, stdout } = await runContainer(image.tag, { options: ["--read-only=false"] });
    expect(code, stdout).to.equal(0);
    expect(stdout).to.contain("from a venv").and.contain("nowhere");
    expect(inspect(image.tag, "{{.Config.User}}")).to.equal("10001:10001");
    // Platforms may choose another user.
    const other = await runContainer(image.tag, { options: ["--user", "4711"] });
    expect(other.code, other.stdout).to.equal(0);
  });

  it("is not built again when nothing has changed, whichever build is asked", async () => {
    const again = await project.build(docker);
    expect(again).to.deep.include({ built: false, id: image.id, tag: image.tag, log: "" });
    const copy = new TestProject(files);
    try {
      expect(await copy.build(docker)).to.deep.include({ built: false, id: image.id });
    } finally {
      copy.remove({ keepImages: true });
    }
  });

  it("is not taken for what somebody has made from it, labels and all", async () => {
    const container = dockerNow(["create", image.tag]).trim();
    const other = dockerNow(["commit", container]).trim();
    try {
      expect(other).not.to.equal(image.id);
      expect(await project.build(docker)).to.deep.include({ built: false, id: image.id });
    } finally {
      dockerNow(["rm", container]);
      dockerNow(["image", "rm", "--no-prune", other]);
    }
  });

  it("changes its last layers alone with the project's files, and those of a run from environments with what they are of", async () => {
    const before = layers(image.tag);
    project.write("files/note.txt", "two\n");
    const noted = await project.build(docker);
    expect(noted.built).to.equal(true);
    expect(noted.hash).not.to.equal(image.hash);
    const afterNote = layers(noted.tag);
    const projectLayers = 2;
    expect(afterNote.slice(0, -projectLayers)).to.deep.equal(before.slice(0, -projectLayers));
    expect(afterNote).not.to.deep.equal(before);

    const other = new TestProject({
      "project.yml": "version: 1\nname: other\ntasks: [{name: a, commands: [{command: 'true'}]}]\n",
    });
    try {
      const first = layers((await other.build(docker)).tag);
      const runnerLayers = layers(baseImage).length + 3;
      expect(first.slice(0, runnerLayers), "Node, process 1, the runner").to.deep.equal(
        before.slice(0, runnerLayers),
      );
    } finally {
      other.remove();
    }
  });

  it("adds less than 60 MB to its base and Node, and no npm tree", async () => {
    const plain = new TestProject({
      "project.yml": "version: 1\nname: plain\ntasks: [{name: a, commands: [{command: 'true'}]}]\n",
    });
    try {
      const { tag, sizeBytes } = await plain.build(docker);
      const sizeOf = (name: string) => Number(inspect(name, "{{.Size}}"));
      expect(sizeBytes - sizeOf(baseImage) - sizeOf(nodeImage)).to.be.below(60_000_000);
      const found = await runContainer(tag, {
        args: [
          "exec",
          "--",
          "sh",
          "-c",
          "find / -xdev -name node_modules 2>/dev/null | head; command -v npm uv",
        ],
      });
      expect(found.stdout.trim()).to.equal("");
    } finally {
      plain.remove();
    }
  });
});

describe("an image for projects that are cloned", function () {
  this.timeout(240_000);
  it("has git and no project in it, and is the same for all of them", async function () {
    const docker = await needDocker(this);
    const yamlOf = (name: string) =>
      `version: 1\nname: ${name}\ndeploy: {source: {git: {url: "https://example.com/${name}.git"}}}\ninstalls: [{venv: a, command: pip install six}]\ntasks: [{name: a, commands: [{command: 'true'}]}]\n`;
    const one = new TestProject({ "project.yml": yamlOf("one") });
    const two = new TestProject({ "project.yml": yamlOf("two") });
    try {
      const image = await one.build(docker);
      expect(image.tag).to.match(/^handoff-generic:/);
      expect(await two.build(docker)).to.deep.include({ built: false, id: image.id, tag: image.tag });
      const inside = "git --version; ls -A /handoff/project /handoff/venvs; cat /handoff/spec.json";
      const args = ["run", "--rm", "--network", "none", "--entrypoint", "sh", image.tag, "-c", inside];
      expect(dockerNow(args)).to.match(/^git version .*\n\/handoff\/project:\n\n\/handoff\/venvs:\nnull\n$/);
    } finally {
      one.remove();
      two.remove();
    }
  });
});

describe("building an image", () => {
  it("without Docker is an error that says what to do", async () => {
    const project = new TestProject({
      "project.yml": "version: 1\nname: x\ntasks: [{name: a, commands: [{command: 'true'}]}]\n",
    });
    const build = (env: Record<string, string>) =>
      project.build({ env }).then(
        () => expect.fail("it should have failed"),
        (error: unknown) => error,
      );
    try {
      expect(await build({ PATH: "/nowhere" })).to.include({ code: "no-docker" });
    } finally {
      project.remove();
    }
  });

  it("fails with the builder's words, and hides no engine that is down", async function () {
    this.timeout(240_000);
    const docker = await needDocker(this);
    const project = new TestProject({
      "project.yml":
        "version: 1\nname: broken\ninstalls: [{venv: a, command: pip install ./nowhere}]\ntasks: [{name: a, commands: [{command: 'true'}]}]\n",
    });
    const fail = (env: TestDocker["env"]) =>
      project.build({ env }).then(
        () => expect.fail("it should have failed"),
        (error: unknown) => error,
      );
    try {
      const broken = await fail(docker.env);
      expect(broken).to.include({ code: "image-build" });
      expect(String(broken)).to.contain("could not be built");
      const down = await fail({ ...docker.env, DOCKER_HOST: "tcp://127.0.0.1:9" });
      expect(down).to.include({ code: "no-docker" });
      expect(String(down)).to.contain("doesn't answer");
    } finally {
      project.remove();
    }
  });
});
