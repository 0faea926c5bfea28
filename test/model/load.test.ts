import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect } from "chai";
import fc from "fast-check";
import { stringify } from "yaml";
import { type LoadedProject, loadProject } from "../../model/load.js";
import { brokenProjects } from "./broken-projects.js";

describe("loadProject", function () {
  this.timeout(120_000);
  let dir = "";
  beforeEach(() => {
    dir = mkdtempSync(path.join(tmpdir(), "handoff-load-"));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  function load(text: string | Uint8Array, files: Record<string, string> = {}): LoadedProject {
    writeFileSync(path.join(dir, "project.yml"), text);
    for (const [name, content] of Object.entries(files)) {
      mkdirSync(path.dirname(path.join(dir, name)), { recursive: true });
      writeFileSync(path.join(dir, name), content);
    }
    return loadProject(dir, { cwd: dir });
  }

  it("reads every key of version 1", () => {
    const { project, diagnostics } = load(`version: 1
name: fx
description: Daily rates
installs:
- {venv: tap, command: pip install tap-x}
vars: {base: USD, port: 0080}
envs: {TITLE: Rates, API_KEY: }
secrets: [{key: API_KEY, file: files/key.json}, {key: SLACK_URL}]
artifacts: {keep: [state.json, "out/*.csv"], push_artifacts_on_fail: true}
stores: [{name: rates, kind: table}]
tasks:
- name: fetch
  timeout: 1h30m
  pipeline:
  - {command: tap-x, args: "--base {{ base }}", venv: tap, timeout: 600}
  - fork:
    - {name: wide, pipeline: [{command: cat}]}
    - name: long
      pipeline:
      - {command: cat, args: [-u, 1.10]}
      - foreach: [{name: one, commands: [{command: "echo {{ _line }}"}]}]
        max_parallel: 4
- name: load
  depends_on: [fetch]
  commands: [{command: ls, active: false}]
  resources: {cpu: 500m, memory: 1Gi, disk: 20Gi}
  retries: {max: 3, delay: 60s, backoff: 2}
  stdout_to_file: false
  kill_downstream_on_fail: false
deploy:
  granularity: task
  source: {git: {url: https://example.com/x.git, ref: v1, path: fx}}
  timeout: 2h
schedules:
- {name: daily, cron: "0 6 * * MON-FRI", timezone: Europe/Paris, tasks: [fetch], overlap: allow, catch_up: true}
triggers:
- {name: orders, queue: {}, tasks: [load], max_concurrency: 5}
notifications:
- {on: [failure, missed], email: data@example.com}
- {on: [success], webhook: {secret: SLACK_URL}}
`);
    expect(diagnostics).to.deep.equal([]);
    const command = (line: string, more: object = {}) => ({ kind: "command", line, active: true, ...more });
    const task = (name: string, body: object, more: object = {}) => ({
      name,
      active: true,
      envs: {},
      body,
      killDownstreamOnFail: true,
      killLoopOnFail: true,
      dependsOn: [],
      ...more,
    });
    expect(project).to.deep.equal({
      dialect: "1",
      name: "fx",
      description: "Daily rates",
      installs: [{ venv: "tap", command: "pip install tap-x" }],
      vars: { base: "USD", port: "0080" },
      envs: { TITLE: "Rates" },
      secretEnvs: ["API_KEY"],
      secrets: [{ key: "API_KEY", file: "files/key.json" }, { key: "SLACK_URL" }],
      artifacts: { keep: ["state.json", "out/*.csv"], pushOnFail: true },
      stores: [{ name: "rates", kind: "table" }],
      tasks: [
        task(
          "fetch",
          {
            kind: "pipeline",
            members: [command("tap-x --base {{ base }}", { venv: "tap", timeoutSeconds: 600 })],
            tail: {
              kind: "fork",
              branches: [
                task("wide", { kind: "pipeline", members: [command("cat")] }),
                task("long", {
                  kind: "pipeline",
                  members: [command("cat -u 1.10")],
                  tail: {
                    kind: "foreach",
                    maxParallel: 4,
                    tasks: [task("one", { kind: "commands", commands: [command("echo {{ _line }}")] })],
                  },
                }),
              ],
            },
          },
          { timeoutSeconds: 5400 },
        ),
        task(
          "load",
          { kind: "commands", commands: [command("ls", { active: false })] },
          {
            dependsOn: ["fetch"],
            resources: { cpu: 0.5, memoryMiB: 1024, diskGiB: 20 },
            retries: { max: 3, delaySeconds: 60, backoff: 2 },
            stdoutToFile: "/dev/null",
            killDownstreamOnFail: false,
          },
        ),
      ],
      deploy: {
        granularity: "task",
        source: { kind: "git", url: "https://example.com/x.git", ref: "v1", path: "fx" },
        resources: {},
        timeoutSeconds: 7200,
        legacy: {},
      },
      schedules: [
        {
          name: "daily",
          cron: "0 6 * * MON-FRI",
          timezone: "Europe/Paris",
          tasks: ["fetch"],
          envs: {},
          vars: {},
          enabled: true,
          overlap: "allow",
          catchUp: true,
        },
      ],
      triggers: [{ name: "orders", tasks: ["load"], maxConcurrency: 5 }],
      notifications: [
        { on: ["failure", "missed"], target: { kind: "email", address: "data@example.com" } },
        { on: ["success"], target: { kind: "webhook", secret: "SLACK_URL" } },
      ],
    });
    expect(Object.isFrozen(project?.tasks[0]?.body)).to.equal(true);
  });

  it("reads a 0.x project, with its units, its inheritance and its warnings", () => {
    const { project, diagnostics } = load(
      `version: 0.3.0
descriptoin: typo
kill_downstream_on_fail: no
vars:
- {key: url, value: "https://example.com"}
envs:
- {key: PORT, value: 8080}
- {key: TOKEN}
tasks:
- name: a
  active: off
  stdout: True
  pipeline:
  - {command: head, args: 5}
  - nulldev: {active: False}
deploy: {cloud_provider: aws, cpu: 512, memory: "2048", platform_config: {subnets: [a]}}
schedule: {target_id: 1}
schedules:
- {target_id: 1, cron: "0 0 * * ? *", envs: [{key: __VARS, value: "day=$(date -I)"}]}
`,
      {
        ".secrets/secrets.yml": "- {key: password, value: hunter2}\n",
        "files/q.sql": "{{ day }} {{ password }} {{ nope }}\n",
      },
    );
    expect(
      diagnostics.map(({ severity, code, location }) => [severity, code, location?.file, location?.line]),
    ).to.deep.equal([
      ["warning", "unknown-key", "project.yml", 2],
      ["warning", "unknown-secret", "project.yml", 8],
      ["warning", "unknown-key", "project.yml", 12],
      ["warning", "ignored-key", "project.yml", 15],
      ["warning", "unknown-key", "project.yml", 17],
      ["warning", "undefined-name", "files/q.sql", 1],
    ]);
    expect(diagnostics[4]?.message).to.equal("unknown key `schedule`: did you mean `schedules`?");
    expect(JSON.stringify(project)).to.not.include("hunter2");
    expect(project?.tasks[0]).to.include({ active: false, killDownstreamOnFail: false });
    expect(project?.tasks[0]?.body).to.deep.equal({
      kind: "pipeline",
      members: [{ kind: "command", line: "head 5", active: true }],
    });
    expect(project?.envs).to.deep.equal({ PORT: "8080" });
    expect(project?.secretEnvs).to.deep.equal(["TOKEN"]);
    expect(project?.secrets).to.deep.equal([{ key: "password" }, { key: "TOKEN" }]);
    expect(project?.deploy.resources).to.deep.equal({ cpu: 0.5, memoryMiB: 2048 });
    expect(project?.deploy.legacy).to.include({
      cloud_provider: "aws",
      platform_config: '{"subnets":["a"]}',
    });
    expect(project?.artifacts).to.deep.equal({ keep: ["artifacts/**"], pushOnFail: true });
    expect(project?.schedules[0]).to.include({ name: "1", timezone: "UTC" });
  });

  it("keeps YAML 1.2's `no` as text in version 1, and reads merge keys and a BOM", () => {
    const { project, diagnostics } = load(
      "\uFEFFversion: 1\nvars: {country: no}\ntasks:\n- &t {name: a, commands: [{command: ls}], timeout: 5}\n- {<<: *t, name: b}\n",
    );
    expect(diagnostics).to.deep.equal([]);
    expect(project?.vars).to.deep.equal({ country: "no" });
    expect(project?.tasks[1]).to.include({ name: "b", timeoutSeconds: 5 });
  });

  it("points to a project near an empty folder", () => {
    mkdirSync(path.join(dir, "projects/fx"), { recursive: true });
    writeFileSync(path.join(dir, "projects/fx/project.yml"), "version: 1\n");
    expect(loadProject(dir).diagnostics[0]?.hint).to.include("projects/fx").and.include("handoff init");
    mkdirSync(path.join(dir, "projects/fx/files"));
    expect(loadProject(path.join(dir, "projects/fx/files")).diagnostics[0]?.hint).to.include("-p ..");
  });

  it("never throws, whatever bytes or text the file holds", () => {
    const check = (text: string | Uint8Array): void => {
      const { project, diagnostics } = load(text);
      expect(project === null).to.equal(diagnostics.some((diagnostic) => diagnostic.severity === "error"));
      for (const { location } of diagnostics) {
        expect(location?.line).to.be.at.least(1);
        expect(location?.column).to.be.at.least(1);
      }
    };
    void fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), check), { numRuns: 150 });
    void fc.assert(fc.property(fc.string({ unit: "grapheme", maxLength: 200 }), check), { numRuns: 150 });
    const version = fc.constantFrom(1, 0.3, "0.4.0", 2);
    const document = fc.dictionary(
      fc.constantFrom(
        "tasks",
        "vars",
        "envs",
        "schedules",
        "deploy",
        "secrets",
        "installs",
        "stores",
        "name",
        "triggers",
        "artifacts",
        "notifications",
      ),
      fc.jsonValue(),
    );
    void fc.assert(
      fc.property(version, document, (v, rest) => check(stringify({ version: v, ...rest }))),
      { numRuns: 200 },
    );
  });

  it("never throws for a project with some characters changed", () => {
    const texts = brokenProjects.flatMap(({ yaml }) => (yaml && yaml.length < 2000 ? [yaml] : []));
    const edit = fc.record({
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      remove: fc.nat(4),
      insert: fc.constantFrom(
        "",
        "&a ",
        "*a",
        "{{",
        "%}",
        "\t",
        "\n",
        ": ",
        "- ",
        "|",
        '"',
        "null",
        "<<: ",
        "[",
        "\u2028",
      ),
    });
    void fc.assert(
      fc.property(
        fc.constantFrom(...texts),
        fc.array(edit, { minLength: 1, maxLength: 4 }),
        (text, edits) => {
          let changed = text;
          for (const { at, remove, insert } of edits) {
            const offset = Math.floor(at * changed.length);
            changed = changed.slice(0, offset) + insert + changed.slice(offset + remove);
          }
          const { project, diagnostics } = load(changed);
          expect(project === null).to.equal(
            diagnostics.some((diagnostic) => diagnostic.severity === "error"),
          );
        },
      ),
      { numRuns: 400 },
    );
  });

  it("reads back what was written, for any valid project", () => {
    const name = fc.stringMatching(/^[a-z][a-z0-9_-]{0,8}$/);
    const variable = fc.stringMatching(/^[a-z][a-z0-9_]{0,8}$/).filter((key) => !(key in {}));
    const value = fc.string({ maxLength: 20 }).filter((text) => !/\{[{%#]/.test(text));
    const line = fc.stringMatching(/^[a-z][a-z0-9 ./|>&'"$#:-]{0,20}$/);
    const project = fc.record({
      vars: fc.dictionary(variable, value, { noNullPrototype: true }),
      envs: fc.dictionary(variable, value, { noNullPrototype: true }),
      tasks: fc.uniqueArray(
        fc.record({
          name,
          timeout: fc.integer({ min: 1, max: 9999 }),
          lines: fc.array(line, { minLength: 1, maxLength: 3 }),
        }),
        { minLength: 1, maxLength: 5, selector: (task) => task.name },
      ),
    });
    void fc.assert(
      fc.property(project, ({ vars, envs, tasks }) => {
        const { project: loaded, diagnostics } = load(
          stringify({
            version: 1,
            vars,
            envs,
            tasks: tasks.map((task) => ({
              name: task.name,
              timeout: task.timeout,
              pipeline: task.lines.map((command) => ({ command })),
            })),
          }),
        );
        expect(diagnostics).to.deep.equal([]);
        expect(loaded?.vars).to.deep.equal(vars);
        expect(loaded?.envs).to.deep.equal(envs);
        expect(
          loaded?.tasks.map((task) => ({
            name: task.name,
            timeout: task.timeoutSeconds,
            lines: task.body.kind === "pipeline" ? task.body.members.map((member) => member.line) : [],
          })),
        ).to.deep.equal(tasks);
      }),
      { numRuns: 150 },
    );
  });

  it("reads a source in git, and warns of a token that would travel unencrypted", () => {
    const text = (url: string) =>
      `version: 1\nsecrets: [{key: GIT_TOKEN}]\ntasks: [{name: a, commands: [{command: "true"}]}]\ndeploy: {source: {git: {url: "${url}", token: GIT_TOKEN}}}\n`;
    const read = (url: string) => load(text(url));
    expect(read("https://example.com/x.git").project?.deploy.source).to.deep.equal({
      kind: "git",
      url: "https://example.com/x.git",
      ref: "main",
      path: ".",
      token: "GIT_TOKEN",
    });
    expect(read("https://example.com/x.git").diagnostics).to.deep.equal([]);
    expect(read("http://example.com/x.git").diagnostics.map(({ code }) => code)).to.deep.equal([
      "insecure-source",
    ]);
  });
});
