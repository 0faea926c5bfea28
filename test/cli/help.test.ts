import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import type { CommandSpec } from "../../cli/command.js";
import { commands, loadAll } from "../../cli/registry.js";
import { cli, root } from "./support.js";

const golden = join(root, "test/cli/help");

/** Compares with the committed text; `UPDATE_GOLDEN=1` writes it anew. */
function expectGolden(name: string, text: string): void {
  const file = join(golden, `${name}.txt`);
  if (process.env.UPDATE_GOLDEN) {
    mkdirSync(golden, { recursive: true });
    writeFileSync(file, text);
  }
  expect(existsSync(file), `${file} is missing: run with UPDATE_GOLDEN=1`).to.equal(true);
  expect(text).to.equal(readFileSync(file, "utf8"));
}

function paths(
  specs: readonly CommandSpec[],
  prefix: readonly string[] = [],
): readonly (readonly string[])[] {
  return specs.flatMap((s) => [[...prefix, s.name], ...paths(s.subcommands ?? [], [...prefix, s.name])]);
}

describe("cli: help", () => {
  it("lists every command", async () => {
    const { code, stdout } = await cli(["--help"]);
    expect(code).to.equal(0);
    expectGolden("handoff", stdout);
    for (const name of Object.keys(commands)) expect(stdout).to.include(`\n  ${name} `);
  });

  it("has a text with an example for each command and subcommand", async () => {
    for (const path of paths(await loadAll())) {
      const { code, stdout, stderr } = await cli([...path, "--help"]);
      expect(code, stderr).to.equal(0);
      expect(stdout).to.match(/\nExamples?:\n {2}\S/);
      expectGolden(path.join("-"), stdout);
    }
  });

  it("is what `handoff` alone and `handoff help` show", async () => {
    expect((await cli([])).stdout).to.equal((await cli(["--help"])).stdout);
    expect((await cli(["help", "run"])).stdout).to.equal((await cli(["run", "--help"])).stdout);
  });
});

describe("cli: a wrong command line exits 2", () => {
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [["rnu"], /unknown command 'rnu'\n\(Did you mean run\?\)/],
    [["run", "--jsn"], /unknown option '--jsn'\n\(Did you mean --json\?\)/],
    [["validate", "extra"], /too many arguments/],
    [["init", "--template", "x"], /Allowed choices are hello, singer, dbt/],
    [["completion", "tcsh"], /Allowed choices are bash, zsh, fish/],
    [["secrets", "sett"], /unknown command 'sett'\n\(Did you mean set\?\)/],
    [["secrets", "set"], /missing required argument 'key'/],
    [["run", "-p", "/nowhere/at/all"], /no such folder/],
    [["run", "-v", "novalue"], /-v takes KEY=VALUE/],
    [["run", "--scheduled-at", "tomorrow"], /no ISO 8601 instant/],
  ];
  for (const [argv, message] of cases) {
    it(argv.join(" "), async () => {
      const inProject =
        argv.includes("-v") || argv.includes("--scheduled-at")
          ? ["-p", join(root, "examples/word-count")]
          : [];
      const { code, stdout, stderr } = await cli([...argv, ...inProject]);
      expect(stderr).to.match(message);
      expect(stderr).not.to.match(/\n {4}at /);
      expect(stdout).to.equal("");
      expect(code).to.equal(2);
    });
  }
});
