/** What `handoff:engine: docker` makes of a plan. */
import { expect } from "chai";
import type { StackSettings } from "../../../model/plan-types.js";
import { check } from "../../../providers/local/check.js";
import { render } from "../../../providers/local/render.js";
import { containerSize } from "../../../providers/local/size.js";
import { planOf } from "../plans.js";

const docker = (yaml: string, settings: Partial<StackSettings> = {}) =>
  planOf(`version: 1\nname: fx\n${yaml}`, "local", { engine: "docker", ...settings });
const command = 'commands: [{command: "true"}]';
const found = (...given: Parameters<typeof docker>) =>
  check(docker(...given)).map(({ severity, code }) => `${severity} ${code}`);

describe("local: a plan for containers", () => {
  it("has an image in place of code and environments, and one job that is a container of it", () => {
    const plan = docker(
      `installs: [{venv: v, command: pip install x}]\ntasks: [{name: a, resources: {cpu: 0.5, memory: 1Gi}, ${command}}]\n`,
    );
    const { resources } = render(plan, { name: "fx", pulumiProject: "data" });
    expect(resources.map(({ type }) => type.split(":").at(-1))).to.deep.equal([
      "Pipeline",
      "Image",
      "Store",
      "Job",
    ]);
    const [, image, , job] = resources;
    expect(image?.inputs).to.have.keys("deployment", "source", "spec");
    expect(job?.inputs).to.deep.include({
      codeDir: "",
      venvsDir: "",
      container: { image: { $ref: ["fx-image", "imageId"] }, cpu: 0.5, memoryMiB: 1024 },
    });
  });

  it("names an image that is given, with nothing of the project", () => {
    const given = `registry.example.com/runner@sha256:${"a".repeat(64)}`;
    const plan = docker(`tasks: [{name: a, ${command}}]\n`, { image: given });
    const image = render(plan, { name: "fx", pulumiProject: "data" }).resources[1];
    expect(image?.inputs).to.deep.equal({ deployment: "data-prod", image: given });
    expect(check(plan)).to.deep.equal([]);
  });

  it("takes a base, and clones what a server has, not what this machine has", () => {
    const source = (url: string) =>
      `deploy: {source: {git: {url: "${url}"}}}\ntasks: [{name: a, ${command}}]\n`;
    const plan = docker(source("https://git.example.com/fx"), { imageBase: "debian:12" });
    expect(render(plan, { name: "fx", pulumiProject: "data" }).resources[1]?.inputs).to.include({
      base: "debian:12",
    });
    expect(check(plan)).to.deep.equal([]);
    expect(found(source("file:///srv/fx.git"))).to.deep.equal(["error local-source"]);
    expect(found(source("http://127.0.0.1:8080/fx.git"))).to.deep.equal(["warning local-source"]);
    expect(found(source("file:///srv/fx.git"), { engine: "process" })).to.deep.equal([]);
  });

  it("is as large as the largest of tasks that run one after the other", () => {
    const tasks = `tasks:\n- {name: a, resources: {cpu: 2, memory: 256Mi}, ${command}}\n- {name: b, resources: {cpu: 1, memory: 1Gi}, ${command}}\n`;
    expect(containerSize(docker(tasks))).to.deep.equal({ cpu: 2, memoryMiB: 1024 });
  });

  const graph = (sizes: Readonly<Record<string, string>>, dependsOn: Readonly<Record<string, string>>) =>
    docker(
      `deploy: {granularity: task}\ntasks:\n${Object.entries(sizes)
        .map(
          ([name, size]) =>
            `- {name: ${name}, depends_on: [${dependsOn[name] ?? ""}], resources: {${size}}, ${command}}\n`,
        )
        .join("")}`,
    );

  it("is as large as what can run at the same time needs together", () => {
    const one = "cpu: 1, memory: 1Gi";
    // a, then b and c side by side, then d.
    const diamond = graph(
      { a: one, b: one, c: "cpu: 2, memory: 512Mi", d: one },
      { b: "a", c: "a", d: "b, c" },
    );
    expect(containerSize(diamond)).to.deep.equal({ cpu: 3, memoryMiB: 1536 });
    // a before b, and c beside both of them, at different depths of the graph.
    const beside = graph({ a: one, b: "cpu: 4, memory: 4Gi", c: one }, { b: "a" });
    expect(containerSize(beside)).to.deep.equal({ cpu: 6, memoryMiB: 6144 });
    const chain = graph({ a: one, b: one, c: one }, { b: "a", c: "b" });
    expect(containerSize(chain)).to.deep.equal({ cpu: 1, memoryMiB: 1024 });
  });

  it("has no limit where a task of several says nothing, or none does", () => {
    expect(containerSize(graph({ a: "cpu: 1, memory: 1Gi", b: "cpu: 1" }, {}))).to.deep.equal({ cpu: 2 });
    expect(containerSize(docker(`tasks: [{name: a, ${command}}]\n`))).to.deep.equal({});
  });

  it("says what is rounded and what isn't limited; a process has no limits at all", () => {
    const tiny = `tasks: [{name: a, resources: {cpu: 0.1, memory: 64Mi}, ${command}}]\n`;
    expect(containerSize(docker(tiny))).to.deep.equal({ cpu: 0.1, memoryMiB: 128 });
    expect(found(tiny)).to.deep.equal(["info local-size-rounded"]);
    const disk = `tasks: [{name: a, resources: {disk: 20Gi}, ${command}}]\n`;
    expect(found(disk)).to.deep.equal(["info local-size-ignored"]);
    expect(found(tiny, { engine: "process" })).to.deep.equal(["info local-size-ignored"]);
    expect(found(`tasks: [{name: a, resources: {cpu: 1, memory: 1Gi}, ${command}}]\n`)).to.deep.equal([]);
  });
});
