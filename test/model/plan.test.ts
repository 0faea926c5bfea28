import { expect } from "chai";
import { planDeployment, runSpec } from "../../model/plan.js";
import { stackSettings } from "../../model/plan-types.js";
import type { Deploy, Project, Task } from "../../model/project.js";
import { commandBody, makeProject, makeTask } from "../support/model.js";

const task = (name: string, more: Partial<Task> = {}) => makeTask(name, commandBody("true"), more);
const project = (
  tasks: readonly Task[],
  deploy: Partial<Deploy> = {},
  more: Partial<Project> = {},
): Project =>
  makeProject({
    tasks,
    deploy: { granularity: "project", source: { kind: "image" }, resources: {}, legacy: {}, ...deploy },
    ...more,
  });
const settings = stackSettings({
  stack: "dev",
  cloud: "local",
  client: "acme",
  projectDir: "/p",
});

describe("planDeployment", () => {
  it("finds a schedule or trigger of which no task is active: it would run all or nothing", () => {
    const schedule = {
      name: "nightly",
      cron: "0 2 * * *",
      timezone: "UTC",
      envs: {},
      vars: {},
      enabled: true,
      overlap: "skip",
      catchUp: false,
    } as const;
    const plan = planDeployment(
      project(
        [task("a"), task("off", { active: false })],
        {},
        {
          schedules: [
            { ...schedule, tasks: ["off"] },
            { ...schedule, name: "both", tasks: ["off", "a"] },
            { ...schedule, name: "all", tasks: [] },
          ],
          triggers: [{ name: "orders", tasks: ["off"], maxConcurrency: 1 }],
        },
      ),
      settings,
      "hash",
    );
    expect(
      plan.diagnostics.map(({ severity, code, message }) => [severity, code, message.split(" ")[1]]),
    ).to.deep.equal([
      ["error", "no-active-task", "`nightly`"],
      ["error", "no-active-task", "`orders`"],
    ]);
  });

  it("makes one job of a project: tasks in order, the largest sizes, the sum of the times", () => {
    const { jobs, tags } = planDeployment(
      project(
        [
          task("b", { dependsOn: ["a"], resources: { cpu: 2 } }),
          task("a", {
            resources: { memoryMiB: 2048 },
            timeoutSeconds: 60,
            retries: { max: 2, delaySeconds: 10, backoff: 2 },
          }),
          task("off", { active: false, resources: { cpu: 16 } }),
        ],
        { resources: { cpu: 0.5, memoryMiB: 512, diskGiB: 20 }, timeoutSeconds: 100 },
      ),
      settings,
      "hash",
    );
    expect(jobs).to.deep.equal([
      {
        name: "fx",
        tasks: ["a", "b"],
        resources: { cpu: 2, memoryMiB: 2048, diskGiB: 20 },
        // b: 100; a: three times 60 and the delays 10 and 20.
        timeoutSeconds: 310,
        dependsOn: [],
      },
    ]);
    expect(tags).to.deep.equal({ "handoff-client": "acme", "handoff-project": "fx", "handoff-stack": "dev" });
  });

  it("gives the job no time-out when a task has none", () => {
    const { jobs } = planDeployment(project([task("a", { timeoutSeconds: 5 }), task("b")]), settings, "hash");
    expect(jobs[0]).to.not.have.property("timeoutSeconds");
  });

  it("makes a job per active task, and waits through inactive ones", () => {
    const { jobs } = planDeployment(
      project(
        [
          task("a"),
          task("b", { active: false, dependsOn: ["a"] }),
          task("c", { dependsOn: ["b"], timeoutSeconds: 9 }),
        ],
        { granularity: "task", resources: { cpu: 1 } },
      ),
      settings,
      "hash",
    );
    expect(jobs).to.deep.equal([
      { name: "a", tasks: ["a"], resources: { cpu: 1 }, dependsOn: [] },
      {
        name: "c",
        tasks: ["c"],
        resources: { cpu: 1 },
        timeoutSeconds: 9,
        attemptSeconds: 9,
        dependsOn: ["a"],
      },
    ]);
  });

  it("says what secrets the stack lacks, and which nothing uses", () => {
    const { diagnostics } = planDeployment(
      project(
        [task("a")],
        {},
        {
          secrets: [{ key: "API" }, { key: "SET" }],
          secretEnvs: ["API", "ENV"],
          notifications: [{ on: ["failure"], target: { kind: "webhook", secret: "HOOK" } }],
        },
      ),
      { ...settings, secretKeys: ["SET", "OLD"] },
      "hash",
    );
    expect(
      diagnostics.map((d) => [d.severity, d.code, /`(\w+)`/.exec(d.message.replace("stack `dev`", ""))?.[1]]),
    ).to.deep.equal([
      ["warning", "secret-not-set", "API"],
      ["warning", "secret-not-set", "ENV"],
      ["warning", "secret-not-set", "HOOK"],
      ["warning", "secret-unused", "OLD"],
    ]);
    expect(diagnostics[0]?.hint).to.equal("handoff secrets set API -s dev");
  });

  it("refuses a project with nothing to run", () => {
    const plan = planDeployment(project([task("a", { active: false })]), settings, "hash");
    expect(plan.jobs).to.deep.equal([]);
    expect(plan.diagnostics[0]).to.include({ severity: "error", code: "no-active-task" });
  });

  it("is JSON, frozen deeply, and leaves the project alone", () => {
    const source = project([task("a")], {
      timeoutSeconds: 7,
      retries: { max: 1, delaySeconds: 0, backoff: 1 },
    });
    const plan = planDeployment(source, settings, "hash");
    expect(JSON.parse(JSON.stringify(plan))).to.deep.equal(plan);
    const unfrozen: string[] = [];
    const visit = (value: unknown, path: string): void => {
      if (typeof value !== "object" || value === null) return;
      if (!Object.isFrozen(value)) unfrozen.push(path);
      for (const [key, child] of Object.entries(value)) visit(child, `${path}.${key}`);
    };
    visit(plan, "plan");
    expect(unfrozen).to.deep.equal([]);
    expect(Object.isFrozen(source.tasks)).to.equal(false);
    expect(source.tasks[0]).to.not.have.property("timeoutSeconds");
  });

  it("fills deploy's defaults into the runner's tasks; a task's own win", () => {
    const retries = { max: 1, delaySeconds: 5, backoff: 1 };
    const { tasks } = runSpec(
      project([task("a"), task("b", { timeoutSeconds: 1 })], { timeoutSeconds: 7, retries }),
    ).project;
    expect(tasks.map((t) => [t.timeoutSeconds, t.retries])).to.deep.equal([
      [7, retries],
      [1, retries],
    ]);
  });
});
