import { expect } from "chai";
import type { BuiltImage } from "../../providers/image-build.js";
import { needDocker } from "../support/docker.js";
import { runContainer, TestProject } from "./support.js";

const yaml = `version: 1
name: hungry
tasks:
- name: pipeline
  pipeline:
  - {command: "echo start"}
  - {command: "python3 files/eat.py"}
  - {command: "cat"}
- name: inside
  commands:
  - {command: "python3 files/eat.py && echo never"}
- name: worker
  commands:
  # A pool whose worker was killed: what it says about it is its own affair.
  - {command: "python3 files/eat.py || exit 3"}
- name: crash
  commands:
  - {command: "exit 3"}
`;
const eat = "import sys\nsys.stdin.close()\nbytes = []\nwhile True: bytes.append(b'x' * 10_000_000)\n";

describe("a container that uses more memory than it may", function () {
  this.timeout(240_000);
  const project = new TestProject({ "project.yml": yaml, "files/eat.py": eat });
  let image: BuiltImage;
  before(async function () {
    image = await project.build(await needDocker(this));
  });
  after(() => project.remove());

  const run = (task: string) => {
    const options = ["--memory", "256m", "--memory-swap", "256m"];
    return runContainer(image.tag, { options, args: ["run", task] });
  };
  const endOf = async (task: string) => {
    const { code, stdout, stderr, lines } = await run(task);
    expect(code, stdout + stderr).to.equal(1);
    return lines.find(({ event }) => event === "run.end")?.message;
  };
  const reason = "out of memory: all of the job's processes together may use 256 MiB; raise resources.memory";

  it("is told which step of a pipeline was killed, and how much the job may use", async () => {
    expect(await endOf("pipeline"))
      .to.match(/step eat\.py was killed: /)
      .and.contain(reason);
  });

  it("also when the shell outlived the command that was killed", async () => {
    expect(await endOf("inside")).to.contain(`was killed: ${reason}`);
  });

  it("also when the step ended in a way of its own after that", async () => {
    expect(await endOf("worker")).to.contain(`exited with 3 after a process was killed: ${reason}`);
  });

  it("isn't told of memory when there was enough", async () => {
    expect(await endOf("crash"))
      .to.contain("exited with 3")
      .and.not.contain("memory");
  });
});
