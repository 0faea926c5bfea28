/** What the built runner and the built CLI load for a run: nothing for observers that nobody configured. */
import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect } from "chai";
import { commands, request, Sandbox } from "./harness.js";
import { type Receiver, startReceiver } from "./receiver.js";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const run = promisify(execFile);

describe("what a run loads", function () {
  this.timeout(60_000);
  let sandbox: Sandbox;
  let server: Receiver;
  let loaded: string;
  const at = (name: string) => join(sandbox.dir, name);
  beforeEach(async () => {
    sandbox = new Sandbox();
    server = await startReceiver();
    loaded = at("loaded");
    // Each module's address goes to a file: of ES modules by a hook, of CommonJS by its own loader.
    const note = `appendFileSync(${JSON.stringify(loaded)}, what + "\\n")`;
    writeFileSync(
      at("hooks.mjs"),
      `import { appendFileSync } from "node:fs";
       export const load = (what, context, next) => (${note}, next(what, context));`,
    );
    writeFileSync(
      at("register.cjs"),
      `const loader = require("node:module");
       const { appendFileSync } = require("node:fs");
       const load = loader._load;
       loader._load = (what, ...rest) => (${note}, load(what, ...rest));
       loader.register(${JSON.stringify(`file://${at("hooks.mjs")}`)});`,
    );
  });
  afterEach(async () => {
    await server.close();
    sandbox.remove();
  });

  /** Names of the files, without hashes. */
  async function loads(args: readonly string[], env: Readonly<Record<string, string>>): Promise<string[]> {
    writeFileSync(loaded, "");
    await run(process.execPath, ["--require", at("register.cjs"), ...args], {
      cwd: sandbox.dir,
      env: {
        PATH: process.env.PATH,
        HOME: sandbox.dir,
        HANDOFF_HOME: at("home"),
        HANDOFF_CACHE: at("cache"),
        ...env,
      },
    });
    const files = readFileSync(loaded, "utf8")
      .trim()
      .split("\n")
      .filter((what) => !what.startsWith("node:"));
    return files.map((file) => file.replace(/^.*\//, "").replace(/(-[A-Z0-9]{8})?\.[cm]?js$/, ""));
  }

  const observed = () => ({ OTEL_EXPORTER_OTLP_ENDPOINT: server.url, OPENLINEAGE_URL: server.url });

  it("by the runner: one file, and another for each observer that is configured", async () => {
    mkdirSync(at("in"));
    writeFileSync(at("in/spec.json"), JSON.stringify(sandbox.spec([commands("one", ["true"])])));
    writeFileSync(at("in/request.json"), JSON.stringify(request()));
    const files = { spec: "in/spec.json", request: "in/request.json", code: "code", venvs: "venvs" };
    const options = Object.entries({ ...files, work: "work", record: "record.json", log: "log.jsonl" });
    const args = [
      join(root, "dist/runner/main.js"),
      "run",
      ...options.flatMap(([name, file]) => [`--${name}`, at(file)]),
    ];
    const plain = await loads(args, {});
    expect(plain).to.include("main").and.not.to.include("spans").and.not.to.include("lineage");
    expect(await loads(args, observed())).to.include.members(["main", "spans", "lineage"]);
    expect(server.received.map(({ path }) => path))
      .to.include("/v1/traces")
      .and.to.include("/api/v1/lineage");
  });

  it("by the CLI: the same", async () => {
    const file = "version: 1\nname: one\ntasks:\n- name: one\n  commands: [{command: 'true'}]\n";
    writeFileSync(at("project.yml"), file);
    const args = [join(root, "bin/handoff"), "run"];
    const plain = await loads(args, {});
    expect(plain).to.include("start").and.not.to.include("spans").and.not.to.include("lineage");
    expect(server.received).to.deep.equal([]);
    // The second time with the code that the first has kept.
    for (const _ of [1, 2]) {
      server.received.length = 0;
      expect(await loads(args, observed())).to.include.members(["start", "spans", "lineage"]);
      expect(server.received.map(({ path }) => path))
        .to.include("/v1/traces")
        .and.to.include("/api/v1/lineage");
    }
  });
});
