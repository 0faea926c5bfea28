import { expect } from "chai";
import { evaluate, type RenderedValue } from "../../../providers/rendering.js";
import { fullPlan, planOf } from "../plans.js";
import { answered, ofType, rendered } from "./support.js";

/** Whether EventBridge's rule matches an event: exact values, `anything-but`, `exists`, `$or`; lists of objects are flattened. */
function matches(pattern: unknown, event: unknown): boolean {
  if (Array.isArray(pattern)) {
    const values = [event].flat(9).filter((value) => value !== undefined);
    return pattern.some((rule) => {
      if (typeof rule !== "object" || rule === null) return values.includes(rule);
      if ("exists" in rule) return rule.exists === values.length > 0;
      const but: unknown[] = [rule["anything-but"]].flat();
      return values.some((value) => value !== null && !but.includes(value));
    });
  }
  return Object.entries(pattern as Record<string, unknown>).every(([key, rule]) =>
    key === "$or"
      ? (rule as unknown[]).some((one) => matches(one, event))
      : matches(
          rule,
          Array.isArray(event) ? event.map((item) => item[key]) : (event as Record<string, unknown>)?.[key],
        ),
  );
}

const ecs = (detail: object) => ({
  source: "aws.ecs",
  "detail-type": "ECS Task State Change",
  detail: { clusterArn: "arn-of-fx-rates-cluster", lastStatus: "STOPPED", ...detail },
});
const states = (machine: string, detail: object) => ({
  source: "aws.states",
  "detail-type": "Step Functions Execution Status Change",
  detail: { stateMachineArn: `arn-of-fx-rates-${machine}`, error: null, cause: null, ...detail },
});
const exit = (exitCode: number) =>
  ecs({ stopCode: "EssentialContainerExited", containers: [{ name: "runner", exitCode }] });
const alarm = {
  source: "aws.cloudwatch",
  "detail-type": "CloudWatch Alarm State Change",
  resources: ["arn-of-fx-rates-missedalarm"],
  detail: { state: { value: "ALARM" } },
};

/** Names of the rules that an event sets off. */
function told(granularity: "project" | "task", event: unknown): string[] {
  return ofType(rendered(fullPlan("aws", { granularity })), "EventRule")
    .filter(({ inputs }) => matches(answered(inputs.eventPattern), event))
    .map(({ name }) => name.replace("fx-rates-alert-", ""));
}

describe("AWS alerts", function () {
  this.timeout(60_000);

  const ofTasks: readonly (readonly [string, unknown, readonly string[]])[] = [
    ["exit 0", exit(0), ["success"]],
    ["exit 1", exit(1), ["failure"]],
    ["exit 124, the runner's time-out", exit(124), ["timeout"]],
    ["exit 137, out of memory", exit(137), ["failure"]],
    [
      "a start that failed",
      ecs({ stopCode: "TaskFailedToStart", containers: [{ name: "runner" }] }),
      ["failure"],
    ],
    [
      "an end without an exit code",
      ecs({ stopCode: "TerminationNotice", containers: [{ name: "runner" }] }),
      ["failure"],
    ],
    ["a task that runs", ecs({ lastStatus: "RUNNING", containers: [{ name: "runner" }] }), []],
    ["a task of another cluster", ecs({ clusterArn: "other", containers: [{ exitCode: 1 }] }), []],
    [
      "a message that started a run which failed",
      states("trigger-orders", { status: "FAILED", error: "Handoff.Failure" }),
      [],
    ],
    [
      "a message that started nothing",
      states("trigger-orders", { status: "FAILED", error: "Handoff.NotStarted" }),
      ["notstarted"],
    ],
    ["a schedule that was given up", alarm, ["missed"]],
  ];
  for (const [what, event, rules] of ofTasks) {
    it(`granularity project: ${what}: ${rules.join() || "nothing"}`, () => {
      expect(told("project", event)).to.deep.equal(rules);
    });
  }

  const ofFlows: readonly (readonly [string, unknown, readonly string[]])[] = [
    ["success", states("flow-all", { status: "SUCCEEDED" }), ["success"]],
    ["a failed job", states("flow-all", { status: "FAILED", error: "Handoff.Failure" }), ["failure"]],
    [
      "a timed-out job",
      states("flow-for-weekdays", { status: "FAILED", error: "Handoff.Timeout" }),
      ["timeout"],
    ],
    [
      "an error of Step Functions'",
      states("flow-all", { status: "FAILED", error: "States.Runtime" }),
      ["failure"],
    ],
    ["a failure without an error", states("flow-all", { status: "FAILED" }), ["failure"]],
    ["stopped by somebody", states("flow-all", { status: "ABORTED" }), ["failure"]],
    ["a time-out of the execution", states("flow-all", { status: "TIMED_OUT" }), ["timeout"]],
    ["a start", states("flow-all", { status: "RUNNING" }), []],
    ["an attempt of a job that will be retried", exit(1), []],
    [
      "a message whose flow failed",
      states("trigger-any", { status: "FAILED", error: "Handoff.Failure" }),
      [],
    ],
  ];
  for (const [what, event, rules] of ofFlows) {
    it(`granularity task: ${what}: ${rules.join() || "nothing"}`, () => {
      expect(told("task", event)).to.deep.equal(rules);
    });
  }

  it("says nothing that nobody asked for", () => {
    const plan = planOf(
      "version: 1\nname: quiet\ntasks:\n- {name: a, commands: [{command: ls}]}\nnotifications:\n- {on: [success], email: a@example.com}\n",
      "aws",
    );
    expect(ofType(rendered(plan), "EventRule").map(({ name }) => name)).to.deep.equal([
      "quiet-alert-success",
    ]);
    expect(ofType(rendered(plan), "MetricAlarm")).to.deep.equal([]);
  });

  it("asks an address once to confirm, and puts more than five recipients into further rules", () => {
    const hooks = Array.from(
      { length: 7 },
      (_, i) => `- {on: [failure], webhook: {url: "https://example.com/${i}"}}`,
    );
    const plan = planOf(
      `version: 1\nname: many\ntasks:\n- {name: a, commands: [{command: ls}]}\nnotifications:\n- {on: [failure], email: a@example.com}\n- {on: [timeout], email: a@example.com}\n- {on: [failure, timeout], email: b@example.com}\n${hooks.join("\n")}\n`,
      "aws",
    );
    const rendering = rendered(plan);
    expect(ofType(rendering, "Topic")).to.have.length(1);
    expect(ofType(rendering, "TopicSubscription").map(({ inputs }) => inputs.endpoint)).to.deep.equal([
      "a@example.com",
      "b@example.com",
    ]);
    const targets = ofType(rendering, "EventTarget").map(({ inputs }) => JSON.stringify(inputs.rule));
    const counts = Object.values(grouped(targets)).map((all) => all.length);
    // The notifier of each event; webhooks of failures, of which a rule takes five.
    expect(counts.sort()).to.deep.equal([1, 1, 2, 5]);
  });

  it("what the notifier puts on the bus goes to those webhooks that want it, of its own deployment alone", () => {
    const posted = (event: string, notifier = "arn-of-fx-rates-notifier") => ({
      source: "handoff",
      resources: [notifier],
      detail: { event },
    });
    expect(told("project", posted("failure"))).to.deep.equal(["postfailure"]);
    expect(told("task", posted("missed"))).to.deep.equal(["postmissed"]);
    expect(told("project", posted("failure", "arn-of-another"))).to.deep.equal([]);
  });

  it("the notifier's input is JSON once the event is in it, with a subject that SNS takes", () => {
    const plan = fullPlan("aws");
    const odd = {
      ...plan,
      settings: { ...plan.settings, client: 'Zoë <b> "x" \\ y' },
    };
    for (const which of [plan, odd]) {
      const templates = ofType(rendered(which), "EventTarget").flatMap(({ inputs }) =>
        inputs.inputTransformer === undefined
          ? []
          : [inputs.inputTransformer as { inputTemplate: RenderedValue }],
      );
      expect(templates).to.have.length(5);
      for (const { inputTemplate } of templates) {
        const text = evaluate(inputTemplate, {
          reference: (name, output) => `${output}-of-${name}`,
          secret: () => "",
        });
        expect(String(text).match(/<[^>]*>/g)).to.deep.equal(["<aws.events.event.json>"]);
        const input = JSON.parse(String(text).replace("<aws.events.event.json>", '{"time":"t"}'));
        expect(input.from).to.deep.equal({ time: "t" });
        expect(input.topics).to.have.length(1);
        expect(input.subject).to.match(/^[\x20-\x7e]{1,99}$/);
        expect(input).to.include.keys(
          "event",
          "happened",
          "project",
          "client",
          "stack",
          "who",
          "log",
          "link",
          "mail",
        );
      }
    }
  });
});

function grouped(items: readonly string[]): Record<string, string[]> {
  const groups: Record<string, string[]> = {};
  for (const item of items) groups[item] = [...(groups[item] ?? []), item];
  return groups;
}
