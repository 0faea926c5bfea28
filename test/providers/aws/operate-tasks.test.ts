import { CloudWatchLogsClient } from "@aws-sdk/client-cloudwatch-logs";
import type { Task } from "@aws-sdk/client-ecs";
import { expect } from "chai";
import { inputOf } from "../../../providers/aws/operate-flows.js";
import { readTaskLog } from "../../../providers/aws/operate-log.js";
import { readOutputs } from "../../../providers/aws/operate-outputs.js";
import { executionOf } from "../../../providers/aws/operate-tasks.js";
import { scheduledFlow } from "../../../providers/aws/schedules.js";
import { startCall } from "../../../providers/cloud-start.js";
import { flowsOf } from "../../../providers/flows.js";
import { evaluate } from "../../../providers/rendering.js";
import { fullPlan } from "../plans.js";
import { rendered } from "./support.js";

const at = (second: number) => new Date(Date.UTC(2026, 2, 1, 6, 0, second));
const id = "cd189a933e5849daa93386466019ab50";

const outputs = readOutputs({
  region: "eu-west-1",
  cluster: "arn:aws:ecs:eu-west-1:123456789012:cluster/client-a",
  network: { subnets: [], securityGroups: [], assignPublicIp: true },
  jobs: { fx: { family: "client-a_fx", taskDefinition: "x", container: "runner", logGroup: "/handoff/fx" } },
});

/** In the form of ECS's documented answers. */
function task(more: Partial<Task>, container: NonNullable<Task["containers"]>[number] = {}): Task {
  return {
    taskArn: `arn:aws:ecs:eu-west-1:123456789012:task/client-a/${id}`,
    taskDefinitionArn: "arn:aws:ecs:eu-west-1:123456789012:task-definition/client-a_fx:7",
    lastStatus: "RUNNING",
    createdAt: at(0),
    overrides: { containerOverrides: [{ name: "runner", environment: [] }] },
    containers: [{ name: "runner", ...container }],
    ...more,
  };
}

const view = (...given: Parameters<typeof task>) => executionOf(task(...given), outputs);
const ended = {
  lastStatus: "STOPPED",
  startedAt: at(20),
  executionStoppedAt: at(50),
  stoppedAt: at(55),
} as const;

describe("AWS: what ECS says of a task", () => {
  it("names the job, the schedule, and where it is in the console", () => {
    const environment = [
      { name: "HANDOFF_SCHEDULE", value: "every-morning" },
      { name: "HANDOFF_SCHEDULED_AT", value: "2026-03-01T06:00:00Z" },
    ];
    const found = view({
      startedAt: at(20),
      overrides: { containerOverrides: [{ name: "runner", environment }] },
    });
    expect(found).to.deep.equal({
      kind: "job",
      id,
      job: "fx",
      schedule: "every-morning",
      trigger: null,
      scheduledAt: "2026-03-01T06:00:00.000Z",
      firedAt: at(0).toISOString(),
      startedAt: at(20).toISOString(),
      endedAt: null,
      status: "running",
      exitCode: null,
      reason: null,
      console: `https://eu-west-1.console.aws.amazon.com/ecs/v2/clusters/client-a/tasks/${id}?region=eu-west-1`,
    });
    expect(view({ lastStatus: "PROVISIONING" })).to.include({ status: "queued", startedAt: null });
  });

  it("tells a container's end before its machine is taken down", () => {
    const found = view(
      { ...ended, lastStatus: "DEPROVISIONING", stopCode: "EssentialContainerExited" },
      { exitCode: 0 },
    );
    expect(found).to.include({ status: "success", exitCode: 0, endedAt: at(50).toISOString(), reason: null });
  });

  for (const [what, more, container, expected] of [
    [
      "no memory",
      { ...ended, stopCode: "EssentialContainerExited", stoppedReason: "Essential container in task exited" },
      { exitCode: 137, reason: "OutOfMemoryError: Container killed due to memory usage" },
      { status: "failure", exitCode: 137, reason: "OutOfMemoryError: Container killed due to memory usage" },
    ],
    [
      "a failed run",
      { ...ended, stopCode: "EssentialContainerExited", stoppedReason: "Essential container in task exited" },
      { exitCode: 1 },
      { status: "failure", exitCode: 1, reason: "it exited with 1" },
    ],
    [
      "a time-out",
      { ...ended, stopCode: "EssentialContainerExited" },
      { exitCode: 124 },
      { status: "timeout", exitCode: 124, reason: "it exited with 124" },
    ],
    [
      "no image",
      {
        lastStatus: "STOPPED",
        stoppedAt: at(30),
        stopCode: "TaskFailedToStart",
        stoppedReason: "CannotPullContainerError: not found",
      },
      {},
      {
        status: "failure",
        exitCode: null,
        startedAt: null,
        endedAt: at(30).toISOString(),
        reason: "CannotPullContainerError: not found",
      },
    ],
    [
      "Spot capacity taken back",
      { ...ended, stopCode: "SpotInterruption", stoppedReason: "Your Spot Task was interrupted." },
      { exitCode: 143 },
      { status: "failure", exitCode: 143, reason: "Your Spot Task was interrupted." },
    ],
    [
      "a stop by hand",
      { ...ended, stopCode: "UserInitiated", stoppedReason: "stopped by hand" },
      { exitCode: 143 },
      { status: "stopped", exitCode: 143, reason: "stopped by hand" },
    ],
  ] as const) {
    it(`words ${what}`, () => {
      expect(view(more, container)).to.include(expected);
    });
  }
});

describe("AWS: a log", () => {
  it("is read on from its last line where it was silent for longer than a token is good for", async () => {
    const events = [1, 1, 2, 2].map((second, line) => ({ timestamp: +at(second), message: `line ${line}` }));
    const asked: unknown[] = [];
    const logs = new CloudWatchLogsClient({ region: "eu-west-1" });
    logs.send = async ({ input }: { input: { nextToken?: string; startTime?: number } }) => {
      asked.push(input.nextToken ?? input.startTime ?? "head");
      if (input.nextToken === "old") {
        throw Object.assign(new Error("The specified nextToken is invalid."), {
          name: "InvalidParameterException",
          $metadata: { httpStatusCode: 400 },
        });
      }
      const { startTime = 0 } = input;
      const found = events.filter(({ timestamp }) => timestamp >= startTime);
      return { events: found, nextForwardToken: input.startTime === undefined ? "old" : "new" };
    };
    const target = { execution: id, job: "fx", runId: "r", since: at(0).toISOString() };
    const read = readTaskLog({ logs }, outputs, target);
    const first = await read(undefined);
    expect(first).to.deep.include({ cursor: "old", more: true });
    events.push({ timestamp: +at(2), message: "line 4" }, { timestamp: +at(9), message: "line 5" });
    const second = await read(first.cursor);
    expect([...first.entries, ...second.entries].map(({ text }) => text)).to.deep.equal(
      [0, 1, 2, 3, 4, 5].map((line) => `line ${line}`),
    );
    expect(second.cursor).to.equal("new");
    expect(asked).to.deep.equal(["head", "old", +at(2)]);
  });
});

describe("AWS: what operating reads and writes is what is deployed", () => {
  for (const granularity of ["project", "task"] as const) {
    it(`granularity ${granularity}: it understands the rendering's outputs`, () => {
      const plan = fullPlan("aws", { granularity });
      const made = evaluate(rendered(plan).outputs, {
        reference: (resource, output) => (output === "ids" ? ["subnet-1"] : `${output}-of-${resource}`),
        secret: () => "secret",
      });
      const read = readOutputs(made as Readonly<Record<string, unknown>>);
      expect(Object.keys(read.jobs)).to.deep.equal(plan.jobs.map(({ name }) => name));
      expect(Object.keys(read.flows)).to.deep.equal(flowsOf(plan).map(({ name }) => name));
      expect(Object.keys(read.schedules).sort()).to.deep.equal(plan.schedules.map(({ name }) => name).sort());
      expect(Object.values(read.schedules).flat()).to.have.length.above(0);
    });
  }

  it("starts a flow with the input that its schedules give it", () => {
    const plan = fullPlan("aws", { granularity: "task" });
    const deployed = {
      jobs: plan.jobs.map(({ name }) => name),
      flows: flowsOf(plan).map(({ name }) => name),
      schedules: plan.schedules.map(({ name }) => name),
    };
    for (const schedule of plan.schedules) {
      const run = { runId: "r", now: at(0) };
      const call = startCall({ schedule: schedule.name }, run, deployed, () => plan);
      const { calls } = evaluate(scheduledFlow({ plan }, schedule), {
        reference: () => "",
        secret: () => "",
      }) as { calls: unknown };
      expect(inputOf(call)).to.deep.include({ calls });
    }
  });
});
