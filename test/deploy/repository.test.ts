import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect } from "chai";
import { backendEnv } from "../../deploy/backend.js";
import { findPulumi } from "../../deploy/engine.js";
import { engineEnv } from "../../deploy/env.js";
import { findRepository, readSettings } from "../../deploy/repository.js";
import { withStack } from "../../deploy/stack.js";
import { parseSettings } from "../../providers/settings.js";
import { type Fixture, makeRepository } from "./fixture.js";

const run = promisify(execFile);

describe("the settings of a stack", () => {
  let repo: Fixture;
  beforeEach(() => {
    repo = makeRepository();
  });
  afterEach(() => repo.remove());

  const read = (stack = "dev") => readSettings(findRepository(repo.root), stack, { cwd: repo.root, env: {} });
  const project = (...config: string[]) =>
    repo.write("Pulumi.yaml", ["name: demo", "runtime: nodejs", "config:", ...config, ""].join("\n"));
  const stack = (...config: string[]) => repo.write("Pulumi.dev.yaml", ["config:", ...config, ""].join("\n"));
  const problems = () =>
    parseSettings(read()).diagnostics.map(({ severity, code, location, hint }) => [
      severity,
      code,
      `${location?.file}:${location?.line}:${location?.column}`,
      hint,
    ]);

  it("are its file's over those of Pulumi.yaml, each with its place", () => {
    project("  handoff:cloud: aws", "  aws:region: eu-west-1", "  handoff:logRetentionDays: 30");
    stack("  handoff:client: acme", "  aws:region: us-east-1");
    const raw = read();
    const { settings, diagnostics } = parseSettings(raw);
    expect(diagnostics).to.deep.equal([]);
    expect(settings).to.include({ cloud: "aws", client: "acme", region: "us-east-1", logRetentionDays: 30 });
    const places = ["handoff:cloud", "aws:region", "handoff:client", "handoff:spot"].map((key) => {
      const place = raw.locate?.(key);
      return place && `${place.file}:${place.line}:${place.column}`;
    });
    expect(places).to.deep.equal([
      "Pulumi.yaml:4:3",
      "Pulumi.dev.yaml:3:3",
      "Pulumi.dev.yaml:2:3",
      undefined,
    ]);
  });

  it("that are wrong in Pulumi.yaml are found there", () => {
    project("  handoff:cloud: asw", "  handoff:clinet: acme");
    stack("  handoff:spot: false");
    expect(problems()).to.deep.equal([
      ["error", "unknown-setting", "Pulumi.yaml:5:3", "rename it to handoff:client"],
      ["error", "unknown-cloud", "Pulumi.yaml:4:3", "did you mean aws?"],
    ]);
  });

  it("what the engine would refuse in Pulumi.yaml is said with its place and what to write", () => {
    project(
      "  handoff:network: {mode: nat}",
      "  handoff:client: {default: acme}",
      "  handoff:spot:",
      "  handoff:secrets: {value: {A: b}}",
    );
    expect(problems().map(([severity, code, place]) => [severity, code, place])).to.deep.equal([
      ["error", "invalid-setting", "Pulumi.yaml:5:3"],
      ["error", "invalid-setting", "Pulumi.yaml:4:3"],
      ["error", "invalid-setting", "Pulumi.yaml:7:3"],
      ["error", "invalid-setting", "Pulumi.yaml:6:3"],
    ]);
    expect(problems().map(([, , , hint]) => hint)).to.include("write handoff:network: {value: {mode: …}}");
  });

  it("written as paths in a stack's file, as one forgets --path, are told what they should be", () => {
    stack("  handoff:secrets.API_KEY:", "    secure: v1:x");
    expect(problems()).to.deep.equal([
      [
        "error",
        "unknown-setting",
        "Pulumi.dev.yaml:2:3",
        "write handoff:secrets: {…}, as `pulumi config set --path` does",
      ],
    ]);
  });

  it("secrets in plain text, and those whose names can't be read, are errors", () => {
    stack(
      "  handoff:secrets:",
      "    GOOD: {secure: v1:x}",
      "    API_KEY: hunter2",
      "    OTHER:",
      "      secure: v1:y",
    );
    expect(read().secretKeys).to.deep.equal(["API_KEY", "GOOD", "OTHER"]);
    expect(problems().map((row) => row.slice(0, 3))).to.deep.equal([
      ["error", "secret-in-file", "Pulumi.dev.yaml:4:5"],
    ]);
    expect(JSON.stringify(parseSettings(read()).diagnostics)).not.to.include("hunter2");
    stack("  handoff:secrets: {secure: v1:x}");
    expect(problems().map((row) => row.slice(0, 3))).to.deep.equal([
      ["error", "secret-in-file", "Pulumi.dev.yaml:2:3"],
    ]);
  });

  it("may be in a folder of their own, as Pulumi's stackConfigDir says", () => {
    repo.write("Pulumi.yaml", "name: demo\nruntime: nodejs\nstackConfigDir: clients\n");
    repo.write("clients/Pulumi.acme.yaml", "config: {handoff:client: acme}\n");
    expect(findRepository(repo.root).stacks).to.deep.equal(["acme"]);
    expect(read("acme").config).to.deep.equal({ "handoff:client": "acme" });
    expect(read("organisation/acme").locate?.("handoff:client")?.file).to.equal("clients/Pulumi.acme.yaml");
  });

  it("say that an environment of Pulumi's adds what is not seen", () => {
    repo.write("Pulumi.dev.yaml", "environment: [prod]\nconfig: {handoff:cloud: local}\n");
    expect(problems().map((row) => row.slice(0, 3))).to.deep.equal([
      ["warning", "settings-elsewhere", "Pulumi.dev.yaml:1:1"],
    ]);
  });
});

describe("settings that stacks share", function () {
  this.timeout(300_000);
  let repo: Fixture;
  before(async () => {
    repo = makeRepository();
    await withStack(repo.options, async () => undefined);
  });
  after(() => repo.remove());

  /** The config as the engine has it: texts, and JSON for what isn't one. */
  async function engineConfig(): Promise<Record<string, unknown>> {
    const { command } = await findPulumi({ env: repo.env });
    const { stdout } = await run(command, ["config", "--json", "--stack", "dev", "--non-interactive"], {
      cwd: repo.root,
      env: engineEnv(repo.env, backendEnv(findRepository(repo.root), repo.env)),
    });
    const config = JSON.parse(stdout) as Record<string, { value?: string; objectValue?: unknown }>;
    return Object.fromEntries(
      Object.entries(config).map(([key, { value, objectValue }]) => [key, objectValue ?? value]),
    );
  }

  const cases: readonly (readonly [what: string, project: string, stack: string])[] = [
    ["a text, a number, a boolean and a list", "{a:t: x, a:n: 30, a:b: true, a:l: [x, y]}", "{}"],
    ["a stack's own value", "{aws:region: eu-west-1, handoff:cloud: aws}", "{aws:region: us-east-1}"],
    ["a map as value", "{handoff:network: {value: {mode: nat}}}", "{}"],
    [
      "a stack's map, which stands as a whole",
      "{handoff:tags: {value: {a: x, b: x}}}",
      "{handoff:tags: {b: y}}",
    ],
    ["a path into a stack's map", "{handoff:tags.a: x, handoff:tags.b: x}", "{handoff:tags: {b: y}}"],
    ["a path where the stack has no map", "{handoff:tags.a: x, 'handoff:tags[\"b.c\"]': {value: z}}", "{}"],
    ["a map and a path", "{handoff:tags: {value: {a: x}}, handoff:tags.b: x, handoff:tags.a: z}", "{}"],
    ["a deep path", "{handoff:network.deep.er: x}", "{handoff:network: {mode: nat}}"],
    [
      "the project's own keys",
      "{plain: x, demo:other: {default: y}, demo:more: {value: z}}",
      "{demo:plain: own}",
    ],
    ["a false that the stack says", "{handoff:spot: true}", "{handoff:spot: false}"],
  ];
  for (const [what, project, stack] of cases) {
    it(`${what}: as the engine puts them together`, async () => {
      repo.write("Pulumi.yaml", `name: demo\nruntime: nodejs\nconfig: ${project}\n`);
      const salt = /^encryptionsalt:.*$/m.exec(repo.read("Pulumi.dev.yaml"))?.[0];
      repo.write("Pulumi.dev.yaml", `config: ${stack}\n${salt}\n`);
      const { config, diagnostics } = readSettings(findRepository(repo.root), "dev", {
        cwd: repo.root,
        env: {},
      });
      expect(diagnostics).to.deep.equal([]);
      const ours = Object.fromEntries(
        Object.entries(config).map(([key, value]) => [
          key,
          typeof value === "object" ? value : String(value),
        ]),
      );
      expect(ours).to.deep.equal(await engineConfig());
    });
  }
});
