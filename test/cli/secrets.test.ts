import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect } from "chai";
import { findPulumi } from "../../deploy/engine.js";
import { withStack } from "../../deploy/stack.js";
import { UserError } from "../../model/diagnostic.js";
import { contents, type Fixture, makeRepository } from "../deploy/fixture.js";
import { cli } from "./support.js";

const value = "correct horse $battery \"staple\" 'x'";
const fromFile = "a-value\nof two lines";

/** A `pulumi` first on PATH that writes down how it is started, and then is the real one. */
async function spyOnPulumi(dir: string): Promise<{ readonly path: string; readonly starts: () => string[] }> {
  const { command } = await findPulumi({ env: process.env });
  const log = join(dir, "starts.log");
  mkdirSync(join(dir, "bin"), { recursive: true });
  writeFileSync(
    join(dir, "bin", "pulumi"),
    `#!/bin/sh\n{ tr '\\0' ' ' < /proc/$$/cmdline; echo; env; } >> '${log}'\nexec '${command}' "$@"\n`,
  );
  chmodSync(join(dir, "bin", "pulumi"), 0o755);
  return { path: join(dir, "bin"), starts: () => readFileSync(log, "utf8").split("\n") };
}

/** Whether any process shows `text` in its arguments or environment, looked at again and again until `stop`. */
function watchProcesses(texts: readonly string[]): { stop: () => { seen: string[]; looks: number } } {
  const seen = new Set<string>();
  let looks = 0;
  const look = (): void => {
    looks++;
    for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
      for (const file of ["cmdline", "environ"]) {
        try {
          const content = readFileSync(join("/proc", pid, file), "latin1");
          if (texts.some((text) => content.includes(text))) seen.add(`${file}: ${content}`);
        } catch {
          // Ended meanwhile, or somebody else's.
        }
      }
    }
  };
  const timer = setInterval(look, 20);
  return {
    stop() {
      clearInterval(timer);
      return { seen: [...seen], looks };
    },
  };
}

describe("cli: secrets of a stack", function () {
  this.timeout(15 * 60_000);
  let repo: Fixture;
  let base: string;
  let spy: Awaited<ReturnType<typeof spyOnPulumi>>;

  const handoff = (argv: readonly string[], input?: string) =>
    cli(argv, {
      cwd: join(repo.root, "files"),
      env: { ...repo.env, PATH: `${spy.path}:${repo.env.PATH}`, NO_COLOR: "1" },
      ...(input === undefined ? {} : { input }),
    });
  /** What the engine decrypts. */
  const decrypted = (key: string) =>
    withStack(
      repo.options,
      async (stack) => (await stack.getConfig(`handoff:secrets["${key}"]`, true)).value,
    );
  /** Files below the repository, HANDOFF_HOME and the engine's home that hold a text, plain or in base64. */
  const holders = (text: string) => {
    const shapes = [text, Buffer.from(text).toString("base64").replace(/=+$/, ""), encodeURIComponent(text)];
    return Object.entries(contents(base))
      .filter(([, content]) => shapes.some((shape) => content.includes(shape)))
      .map(([path]) => path);
  };

  before(async () => {
    repo = makeRepository();
    base = dirname(repo.root);
    spy = await spyOnPulumi(join(base, "spy"));
  });
  after(() => repo.remove());

  it("set takes a value from stdin: in no argument, no environment and no file", async () => {
    const watch = watchProcesses([value]);
    const { code, stdout, stderr } = await handoff(["secrets", "set", "API_KEY", "-s", "dev"], `${value}\n`);
    const { seen, looks } = watch.stop();
    expect(code, stderr).to.equal(0);
    expect(stdout).to.equal("");
    expect(stderr).to.include("API_KEY is set").and.not.include(value);
    expect(looks).to.be.greaterThan(3);
    expect(seen).to.deep.equal([]);
    const starts = spy.starts();
    expect(starts.filter((line) => line.includes("config set --secret"))).to.have.length(1);
    expect(starts.filter((line) => line.includes("correct horse"))).to.deep.equal([]);
    expect(holders(value)).to.deep.equal([]);
    expect(repo.read("Pulumi.dev.yaml")).to.match(/handoff:secrets:\s+API_KEY:\s+secure: v1:/);
    expect(await decrypted("API_KEY")).to.equal(value);
  });

  it("set takes a value from a file, of several lines", async () => {
    const file = join(base, "value.txt");
    writeFileSync(file, `${fromFile}\n`);
    const { code, stderr } = await handoff(["secrets", "set", "OTHER", "-s", "dev", "--file", file]);
    expect(code, stderr).to.equal(0);
    rmSync(file);
    expect(spy.starts().filter((line) => line.includes("a-value"))).to.deep.equal([]);
    expect(holders(fromFile)).to.deep.equal([]);
    expect(holders("a-value")).to.deep.equal([]);
    expect(await decrypted("OTHER")).to.equal(fromFile);
    expect(await decrypted("API_KEY")).to.equal(value);
  });

  it("list shows the names alone", async () => {
    const table = await handoff(["secrets", "list", "-s", "dev"]);
    expect(table.code).to.equal(0);
    expect(table.stdout)
      .to.match(/API_KEY\s+set\n/)
      .and.match(/OTHER\s+set; project.yml does not name it/);
    expect(table.stdout + table.stderr)
      .not.to.include(value)
      .and.not.include("a-value");
    const { stdout } = await handoff(["secrets", "list", "-s", "dev", "--json"]);
    expect(JSON.parse(stdout)).to.deep.equal({
      schemaVersion: 1,
      stack: "dev",
      secrets: [
        { key: "API_KEY", set: true, used: true },
        { key: "OTHER", set: true, used: false },
      ],
    });
  });

  it("remove removes one, and leaves the others", async () => {
    const { code, stderr } = await handoff(["secrets", "remove", "OTHER", "-s", "dev"]);
    expect(code, stderr).to.equal(0);
    const { stdout } = await handoff(["secrets", "list", "-s", "dev", "--json"]);
    expect(JSON.parse(stdout).secrets).to.deep.equal([{ key: "API_KEY", set: true, used: true }]);
    expect(repo.read("Pulumi.dev.yaml")).not.to.include("OTHER");
    expect(await decrypted("API_KEY")).to.equal(value);
  });

  it("an empty value, a name that is none, and a secret that is not there are exit 2, and change nothing", async () => {
    const before = repo.read("Pulumi.dev.yaml");
    const cases = [
      [["secrets", "set", "API_KEY", "-s", "dev"], "\n", /value of API_KEY is empty/],
      [["secrets", "set", "API KEY", "-s", "dev"], "x", /`API KEY` is no name/],
      [["secrets", "set", "API_KEY", "-s", "dev", "--file", "none.txt"], "", /none.txt can't be read/],
      [["secrets", "remove", "NONE", "-s", "dev"], "", /has no secret NONE/],
    ] as const;
    for (const [argv, input, message] of cases) {
      const { code, stderr } = await handoff(argv, input);
      expect(code, stderr).to.equal(2);
      expect(stderr).to.match(message);
    }
    expect(repo.read("Pulumi.dev.yaml")).to.equal(before);
  });

  it("import takes a folder or a file: all of it, or nothing", async () => {
    repo.write(
      ".secrets/secrets.yml",
      "- {key: FIRST, value: from-a-list}\n- {key: SECOND, file: second.json}\n",
    );
    repo.write(".secrets/second.json", '{"a": 1}\n');
    const watch = watchProcesses(["from-a-list"]);
    const { code, stderr } = await handoff(["secrets", "import", "../.secrets", "-s", "dev"]);
    const { seen } = watch.stop();
    expect(code, stderr).to.equal(0);
    expect(seen).to.deep.equal([]);
    expect(stderr)
      .to.include("set in dev: FIRST, SECOND")
      .and.include("FIRST: set; project.yml does not name it")
      .and.not.include("from-a-list");
    expect(await decrypted("FIRST")).to.equal("from-a-list");
    expect(await decrypted("SECOND")).to.equal('{"a": 1}');
    const before = repo.read("Pulumi.dev.yaml");
    repo.write("wrong.env", "FIRST=other\nA-KEY.x=fine\n0DD=x\n");
    const wrong = await handoff(["secrets", "import", "../wrong.env", "-s", "dev"]);
    expect(wrong.code, wrong.stderr).to.equal(2);
    expect(repo.read("Pulumi.dev.yaml")).to.equal(before);
  });

  it("rotate takes another passphrase, which alone opens them from then on", async () => {
    const before = repo.read("Pulumi.dev.yaml");
    const wrong = { ...repo.env, PULUMI_CONFIG_PASSPHRASE: "not the one" };
    const refused = await cli(["secrets", "rotate", "-s", "dev"], { cwd: repo.root, env: wrong, input: "x" });
    expect(refused.code, refused.stderr).to.equal(1);
    expect(refused.stderr).to.match(/passphrase/);
    expect(repo.read("Pulumi.dev.yaml")).to.equal(before);

    const watch = watchProcesses(["brand new phrase"]);
    const { code, stderr } = await handoff(["secrets", "rotate", "-s", "dev"], "brand new phrase\n");
    const { seen } = watch.stop();
    expect(code, stderr).to.equal(0);
    expect(seen).to.deep.equal([]);
    expect(stderr).to.include("PULUMI_CONFIG_PASSPHRASE").and.not.include("brand new phrase");
    expect(holders("brand new phrase")).to.deep.equal([]);
    const old = await decrypted("API_KEY").catch((error: unknown) => error);
    expect(old).to.be.instanceOf(UserError);
    const get = (env: Fixture["env"]) =>
      withStack(
        { ...repo.options, env },
        async (stack) => (await stack.getConfig('handoff:secrets["API_KEY"]', true)).value,
      );
    expect(await get({ ...repo.env, PULUMI_CONFIG_PASSPHRASE: "brand new phrase" })).to.equal(value);
  });

  it("rotate --all goes through every stack, and again through those that it hasn't done", async () => {
    const phrase = (text: string) => ({ ...repo.env, NO_COLOR: "1", PULUMI_CONFIG_PASSPHRASE: text });
    const about = (env: Fixture["env"], input = "") => ({ cwd: repo.root, env, input });
    const old = phrase("brand new phrase");
    for (const stack of ["a", "b"]) {
      const made = await cli(["stack", "new", stack], about(old));
      expect(made.code, made.stderr).to.equal(0);
    }
    await cli(["secrets", "set", "API_KEY", "-s", "b"], about(old, "of b"));
    // One that has another passphrase.
    await cli(["stack", "new", "c"], about(phrase("of c alone")));
    await cli(["secrets", "set", "API_KEY", "-s", "c"], about(phrase("of c alone"), "of c"));
    repo.write("next.txt", "the next phrase\n");
    const rotate = ["secrets", "rotate", "--all", "--passphrase-file", "next.txt"];
    const first = await cli(rotate, about(old));
    expect(first.code, first.stderr).to.equal(1);
    for (const stack of ["a", "b", "dev"])
      expect(first.stderr).to.include(`the secrets of ${stack} are encrypted with the new passphrase\n`);
    expect(first.stderr).not.to.include("secrets of c are");
    const done = repo.read("Pulumi.b.yaml");
    const second = await cli(rotate, about(phrase("of c alone")));
    expect(second.code, second.stderr).to.equal(0);
    expect(second.stderr)
      .to.include("the secrets of c are encrypted with the new passphrase\n")
      .and.include("the secrets of b are encrypted with the new passphrase already\n");
    expect(repo.read("Pulumi.b.yaml")).to.equal(done);
    for (const [stack, expected] of [
      ["b", "of b"],
      ["c", "of c"],
      ["dev", value],
    ] as const) {
      const found = await withStack(
        { ...repo.options, stack, env: phrase("the next phrase") },
        async (opened) => (await opened.getConfig('handoff:secrets["API_KEY"]', true)).value,
      );
      expect(found).to.equal(expected);
    }
  });

  it("rotate is told one way", async () => {
    repo.write("empty.txt", "\n");
    const cases = [
      [["--secrets-provider", "awskms://x", "--passphrase-file", "y"], /leave out/],
      [["--all"], /leave out --all or -s/],
      [["--passphrase-file", "none.txt"], /none.txt can't be read/],
      [["--passphrase-file", "../empty.txt"], /empty.txt is empty/],
    ] as const;
    for (const [argv, message] of cases) {
      const { code, stderr } = await handoff(["secrets", "rotate", "-s", "dev", ...argv]);
      expect(stderr).to.match(message);
      expect(code).to.equal(2);
    }
  });
});
