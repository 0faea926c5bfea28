import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { Ajv2020 } from "ajv/dist/2020.js";
import { expect } from "chai";
import { parse } from "yaml";
import { loadProject } from "../../model/load.js";
import { projectJsonSchema } from "../../model/schema.js";
import { brokenProjects } from "./broken-projects.js";
import { writeBrokenProject } from "./write-broken.js";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Mistakes of shape: those that a schema can express. The others are about what names refer to, order, time, templates. */
const shapeCodes = new Set([
  "empty",
  "invalid-duration",
  "invalid-name",
  "invalid-size",
  "invalid-value",
  "missing-body",
  "missing-key",
  "missing-value",
  "out-of-range",
  "several-bodies",
  "several-kinds",
  "stray-key",
  "unknown-key",
  "wrong-type",
]);

/** Every key of the format once, and each way to write what can be written in several. */
const everything = `
version: 1
name: fx
description: all of it
installs: [{venv: tap-1.0, command: pip install tap, description: a tap}]
vars: {a: 1, b: true, c: "{{ a }}"}
envs: [{key: A, value: 1.5}, {key: K, description: from the secret}]
secrets: [{key: K, file: files/k.json}, {key: SLACK, description: where to post}]
artifacts: {keep: [state.json, "out/*.csv"], push_artifacts_on_fail: true}
stores: [{name: rates, kind: table}, {name: raw-files, kind: bucket}]
tasks:
- name: fetch
  description: the first
  active: true
  timeout: 1h30m
  envs: {B: x}
  stdout_to_file: false
  stderr_to_file: out/err.log
  kill_downstream_on_fail: false
  kill_loop_on_fail: false
  resources: {cpu: 500m, memory: 1.5Gi, disk: 20}
  retries: {max: 3, delay: 60s, backoff: 1.5}
  pipeline:
  - {command: tap-x, args: [--config, 1, true], venv: tap-1.0, timeout: 600, active: true, description: d}
  - fork:
    - {name: wide, pipeline: [{command: cat}]}
    - {name: loop, pipeline: [{command: cat}, {foreach: [{name: one, commands: [{command: "echo {{ _line }}"}]}], max_parallel: 4}]}
- {name: group, depends_on: [fetch], timeout: "90", tasks: [{name: inner, commands: [{command: echo, args: 5}]}]}
deploy:
  granularity: task
  source: {git: {url: "https://example.com/x.git", ref: v1, path: sub}}
  resources: {cpu: 0.25, memory: 512, disk: "20 GB"}
  timeout: 2h
  retries: {max: 0, delay: 0, backoff: 1}
schedules:
- {name: daily, cron: "0 6 * * MON-FRI", timezone: Europe/Paris, tasks: [fetch], envs: {C: 1}, vars: [{key: a, value: 2}], enabled: true, description: d, overlap: allow, catch_up: true}
triggers: [{name: orders, queue: {}, tasks: [fetch], max_concurrency: 5}]
notifications:
- {on: [failure, timeout, missed], email: data@example.com}
- {on: [success], webhook: {secret: SLACK}}
- {on: [success], webhook: {url: "https://example.com/hook"}}
- {on: [success], command: cat}
`;

describe("the JSON Schema of project.yml", () => {
  const schema = projectJsonSchema();
  const ajv = new Ajv2020({ strict: true, strictRequired: false, allowUnionTypes: true, allErrors: true });
  const validate = ajv.compile(schema);
  const problems = (document: unknown): string[] => {
    validate(document);
    return (validate.errors ?? []).map((error) => `${error.instancePath} ${error.message}`);
  };
  /** As the loader reads version 1: YAML 1.2. */
  const document = (text: string): unknown => parse(text, { version: "1.2", logLevel: "error" });

  it("is itself valid in the draft that it names", () => {
    expect(ajv.validateSchema(schema), JSON.stringify(ajv.errors)).to.equal(true);
  });

  it("takes a project with every key, which the loader takes too", () => {
    const { dir, remove } = writeBrokenProject({ name: "all", yaml: everything, errors: [] });
    try {
      const { diagnostics } = loadProject(dir, { cwd: dir });
      expect(diagnostics.filter((one) => one.severity === "error")).to.deep.equal([]);
    } finally {
      remove();
    }
    expect(problems(document(everything))).to.deep.equal([]);
    const keys = new Set(Object.keys((schema as { properties: object }).properties));
    for (const key of Object.keys(document(everything) as object)) keys.delete(key);
    expect([...keys]).to.deep.equal([]);
  });

  const shipped = ["examples", "templates"]
    .flatMap((folder) =>
      readdirSync(path.join(root, folder), { recursive: true, encoding: "utf8" })
        .filter((file) => path.basename(file) === "project.yml" && !file.includes("node_modules"))
        .map((file) => path.join(folder, file)),
    )
    .map((file) => ({ file, project: document(readFileSync(path.join(root, file), "utf8")) }))
    .filter(({ project }) => (project as { version: unknown }).version === 1);

  it("is tried on at least four examples and three templates", () => {
    expect(shipped.filter(({ file }) => file.startsWith("examples"))).to.have.length.of.at.least(4);
    expect(shipped.filter(({ file }) => file.startsWith("templates"))).to.have.length.of.at.least(3);
  });

  for (const { file, project } of shipped) {
    it(`takes ${file}`, () => expect(problems(project)).to.deep.equal([]));
  }

  const broken = brokenProjects.filter(
    ({ name, yaml, errors }) =>
      yaml !== undefined &&
      !name.startsWith("0.x") &&
      // A name like others to JSON; only JavaScript minds it.
      name !== "__proto__ as a key" &&
      errors.some(([code]) => shapeCodes.has(code)),
  );

  it("is tried on at least 40 projects whose shape is wrong", () => {
    expect(broken).to.have.length.of.at.least(40);
  });

  for (const { name, yaml = "" } of broken) {
    it(`refuses: ${name}`, () => expect(problems(document(yaml))).to.not.be.empty);
  }

  const meant = brokenProjects.filter(
    ({ name, yaml, files, errors }) =>
      yaml !== undefined &&
      files === undefined &&
      !name.startsWith("0.x") &&
      errors.every(([code]) =>
        /^(bad-cron|unknown-|undefined-|duplicate-name|path-|template-|cron-)/.test(code),
      ) &&
      !errors.some(([code]) => shapeCodes.has(code)),
  );

  it("leaves to the loader what is wrong in meaning alone", () => {
    expect(meant).to.have.length.of.at.least(15);
    for (const { name, yaml = "" } of meant) expect(problems(document(yaml)), name).to.deep.equal([]);
  });
});
