import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { platforms } from "../../model/plan-types.js";
import type { BuiltImage } from "../../providers/image-build.js";
import { dockerNow, needDocker } from "../support/docker.js";
import { TestContainer, TestProject } from "./support.js";

const planted = "pl4nted/V4lue+that==nobody&shows";
/** How the value could be in a text or in bytes. */
const forms: Readonly<Record<string, string>> = {
  plain: planted,
  base64: Buffer.from(planted).toString("base64").replace(/=+$/, ""),
  "base64 for URLs": Buffer.from(planted).toString("base64url"),
  "URL-encoded": encodeURIComponent(planted),
  hexadecimal: Buffer.from(planted).toString("hex"),
};

const yaml = `version: 1
name: secretive
secrets:
- {key: API_KEY, file: files/key.json}
envs:
- {key: API_KEY}
artifacts: {keep: [kept.txt]}
tasks:
- name: tell
  commands:
  - {command: "test \\"$(cat files/key.json)\\" = \\"$API_KEY\\" && echo the file is right"}
  - {command: "echo \\"key: $API_KEY\\"; echo \\"key: $API_KEY\\" >&2"}
  - {command: "printf '%s' \\"\${API_KEY%%lue*}\\"; sleep 0.3; printf '%s\\\\n' \\"lue\${API_KEY#*lue}\\""}
  - {command: "printf '%s' \\"$API_KEY\\" | base64 -w0; echo"}
  - {command: "python3 -c 'import os, urllib.parse; print(urllib.parse.quote(os.environ[\\"API_KEY\\"], safe=\\"\\"))'"}
  - {command: "echo kept > kept.txt; echo everything is told; sleep 300"}
`;

describe("a planted secret value", function () {
  this.timeout(240_000);
  // As a person has it: in a folder that is no part of the project.
  const project = new TestProject({ "project.yml": yaml, ".secrets/API_KEY": planted });
  const artifacts = mkdtempSync(join(tmpdir(), "handoff-image-artifacts-"));
  let image: BuiltImage & { readonly log: string };
  let container: TestContainer;
  before(async function () {
    const docker = await needDocker(this);
    image = await project.build({ env: { ...docker.env, HANDOFF_SECRET_API_KEY: planted } });
    container = new TestContainer(image.tag, { env: { HANDOFF_SECRET_API_KEY: planted }, artifacts });
    await container.says("everything is told");
  });
  after(() => {
    container?.remove();
    project.remove();
    rmSync(artifacts, { recursive: true, force: true });
  });

  const expectNone = (text: string): void => {
    const found = Object.keys(forms).filter((form) => text.includes(forms[form] ?? ""));
    expect(found, text.slice(0, 4000)).to.deep.equal([]);
  };

  it("is in no layer of the image, in none of its settings, not in its history and not in the build's output", async () => {
    for (const found of await scanImage(image.tag)) expect.fail(`${found} is in the image's layers`);
    expectNone(dockerNow(["image", "inspect", image.tag]));
    expectNone(dockerNow(["history", "--no-trunc", image.tag]));
    expectNone(image.log);
    // The scan finds what is there.
    expect(await scanImage(image.tag, { project: "echo everything is told" })).to.deep.equal(["project"]);
  });

  it("is in no line of the log: whole, in two writes, in base64 or URL-encoded", () => {
    const log = container.logs();
    expect(log).to.contain("the file is right").and.contain("key: [secret]");
    expectNone(log);
  });

  it("is in no process's arguments, inside or outside of the container", () => {
    expectNone(
      container
        .processes()
        .map(({ command }) => command)
        .join("\n"),
    );
    expectNone(execFileSync("ps", ["axww", "-o", "args"], { encoding: "utf8" }));
  });

  it("is gone from the files when the run has ended, and never was in the artifacts", () => {
    expect(container.exec("sh", "-c", 'grep -rlF "$HANDOFF_SECRET_API_KEY" /tmp')).to.match(
      /files\/key\.json/,
    );
    const mode = container.exec("sh", "-c", "stat -c %a /tmp/handoff/*/files/key.json");
    expect(mode.trim()).to.equal("600");
    container.stop(30);
    expect(container.exitCode()).to.equal(143);
    for (const file of readdirSync(artifacts, { recursive: true, withFileTypes: true })) {
      if (file.isFile()) expectNone(readFileSync(join(file.parentPath, file.name), "latin1"));
    }
    expectNone(dockerNow(["diff", container.name]));
  });

  it("is in no platform's plan", () => {
    for (const platform of platforms) {
      const args = ["bin/handoff", "plan", "-p", project.dir, "--cloud", platform, "--json"];
      const env = { ...process.env, HANDOFF_SECRET_API_KEY: planted };
      const plan = execFileSync(process.execPath, args, { encoding: "utf8", env });
      expect(plan).to.contain("API_KEY");
      expectNone(plan);
    }
  });
});

/** Names of what is found in the bytes of the image's layers and settings, as `docker save` writes them. */
function scanImage(tag: string, wanted: Readonly<Record<string, string>> = forms): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const found = new Set<string>();
    const overlap = Math.max(...Object.values(wanted).map((text) => text.length));
    let rest = Buffer.alloc(0);
    const child = spawn("docker", ["save", tag], { stdio: ["ignore", "pipe", "inherit"] });
    child.stdout.on("data", (data: Buffer) => {
      const bytes = Buffer.concat([rest, data]);
      for (const [name, text] of Object.entries(wanted)) if (bytes.includes(text)) found.add(name);
      rest = bytes.subarray(-overlap);
    });
    child.on("error", reject);
    child.on("close", (code) => {
      if (code === 0) resolve([...found]);
      else reject(new Error(`docker save ended with ${code}`));
    });
  });
}
