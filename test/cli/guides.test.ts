/** The guides' commands, as a newcomer would type them, up to where an account is needed. */
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { loadAll } from "../../cli/registry.js";
import { cacheDir } from "../../deploy/engine.js";
import { cli, root, temporaryFolder } from "./support.js";

/** Text of the guide's blocks of shell commands, in order. */
function blocks(guide: string): string[] {
  const text = readFileSync(join(root, "docs", guide), "utf8");
  return [...text.matchAll(/^( *)```sh\n([\s\S]*?)^\1```$/gm)].map(([, , block = ""]) => block);
}

/** Each command of handoff's that stands in the guide, in blocks or in the text. */
function commandsIn(guide: string): string[][] {
  const text = readFileSync(join(root, "docs", guide), "utf8");
  const lines = [
    ...blocks(guide).flatMap((block) => block.split("\n")),
    ...[...text.matchAll(/`(handoff [^`]+)`/g)].map(([, command = ""]) => command),
  ];
  return lines
    .map((line) => /(?:^|\| *)handoff ([^#|]*)/.exec(line.trim())?.[1]?.trim() ?? "")
    .filter((rest) => rest !== "" && !/^(-p|…)/.test(rest) && !rest.includes("…"))
    .map((rest) => rest.replace(/"\$\w+"/g, "x").split(/\s+/));
}

const guides = ["production.md", "switch-cloud.md", "from-python-handoff.md"];

describe("cli: the guides", function () {
  this.timeout(180_000);
  let folder: ReturnType<typeof temporaryFolder>;
  beforeEach(() => {
    folder = temporaryFolder("handoff-guide-");
  });
  afterEach(() => folder.remove());

  for (const guide of guides) {
    it(`${guide} names commands and options that there are`, async () => {
      const known = new Set((await loadAll()).map(({ name }) => name));
      const commands = commandsIn(guide);
      expect(commands.length).to.be.greaterThan(5);
      for (const words of commands) {
        const [name = ""] = words;
        // Named without its arguments in a table: the Python tool's own.
        expect(known.has(name), `handoff ${words.join(" ")}`).to.equal(true);
        const options = words.filter((word) => word.startsWith("--") && word !== "--help");
        const subcommand = words[1]?.match(/^[a-z]+$/) ? [words[1]] : [];
        const { stdout } = await cli([name, ...subcommand, "--help"]);
        const help = stdout.includes("Usage:") ? stdout : (await cli([name, "--help"])).stdout;
        for (const option of options) expect(help, `handoff ${words.join(" ")}`).to.include(option);
      }
    });
  }

  it("production.md, to where an account is needed", () => {
    const bin = join(folder.dir, "bin");
    mkdirSync(bin);
    writeFileSync(
      join(bin, "handoff"),
      `#!/bin/sh\nexec '${process.execPath}' '${join(root, "bin", "handoff")}' "$@"\n`,
    );
    chmodSync(join(bin, "handoff"), 0o755);
    const runnable = blocks("production.md").filter((block) => !block.includes("npm install"));
    expect(runnable).to.have.length(4);
    const script = ["set -e", "API_KEY=hunter2-guide", ...runnable].join("\n");
    const { status, stdout, stderr } = spawnSync("bash", ["-c", script], {
      cwd: folder.dir,
      encoding: "utf8",
      env: {
        ...{ PATH: `${bin}:${process.env.PATH}`, HOME: folder.dir, HANDOFF_HOME: join(folder.dir, "home") },
        ...{ NO_COLOR: "1", HANDOFF_CACHE: cacheDir(process.env) },
      },
    });
    expect(status, `${stdout}\n${stderr}`).to.equal(0);
    expect(stdout).to.include("API_KEY").and.include("eu-west-1");
    expect(stdout + stderr).not.to.include("hunter2-guide");
    const settings = readFileSync(join(folder.dir, "pipelines", "Pulumi.acme.yaml"), "utf8");
    expect(settings).to.include("secure:").and.include("handoff:client: acme");
    expect(settings).not.to.include("hunter2-guide");
    expect(existsSync(join(folder.dir, "home", "deployments"))).to.equal(false);
  });
});
