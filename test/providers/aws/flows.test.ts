import { expect } from "chai";
import fc from "fast-check";
import type { DeployPlan } from "../../../model/plan-types.js";
import { scheduledFlow } from "../../../providers/aws/schedules.js";
import { evaluate } from "../../../providers/rendering.js";
import { fullPlan, planOf } from "../plans.js";
import { execute, type Outcome } from "./interpreter.js";
import { ofType, parsed, rendered } from "./support.js";

const machineOf = (plan: DeployPlan, name: string) => {
  const found = ofType(rendered(plan), "StateMachine").find((resource) => resource.name.endsWith(`-${name}`));
  if (!found) throw new Error(`no state machine ${name}`);
  return parsed(found.inputs.definition);
};

/** Outcomes of attempts, the last for all further ones; counts them. */
function attempts(...outcomes: readonly Outcome[]) {
  const counted = {
    made: 0,
    call: (): Outcome => {
      counted.made++;
      const outcome = outcomes[Math.min(counted.made, outcomes.length) - 1];
      if (!outcome) throw new Error("no outcome is given");
      return outcome;
    },
  };
  return counted;
}

const exited = (code: number): Outcome =>
  code === 0
    ? { output: {} }
    : {
        error: "States.TaskFailed",
        cause: `{"Containers":[{"ExitCode":${code},"Name":"runner"}],"TaskArn":"t"}`,
      };

/** Name of the job that a state runs: `fetch: run`. */
const jobOf = (state: string) => state.replace(/: run$/, "");

function dag(dependencies: Readonly<Record<string, readonly string[]>>, retries = 0): DeployPlan {
  const tasks = Object.entries(dependencies).map(
    ([name, needed]) =>
      `- {name: ${name}, depends_on: [${needed.join(", ")}], retries: {max: ${retries}, delay: 0}, timeout: 10m, commands: [{command: "true"}]}`,
  );
  return planOf(`version: 1\nname: dag\ndeploy: {granularity: task}\ntasks:\n${tasks.join("\n")}\n`, "aws");
}

describe("AWS flows", function () {
  this.timeout(120_000);

  it("any graph with any failures: a job runs exactly when all that it depends on succeeded, after them", () => {
    const graph = fc.integer({ min: 1, max: 7 }).chain((size) =>
      fc.tuple(
        fc.array(fc.array(fc.integer({ min: 0, max: 6 }), { maxLength: 3 }), {
          minLength: size,
          maxLength: size,
        }),
        fc.array(fc.constantFrom(0, 0, 0, 1, 124, 137), { minLength: size, maxLength: size }),
      ),
    );
    void fc.assert(
      fc.property(graph, ([edges, codes]) => {
        const needs = Object.fromEntries(
          edges.map((list, i) => [
            `t${i}`,
            [...new Set(list.filter((other) => other < i))].map((n) => `t${n}`),
          ]),
        );
        const ran: string[] = [];
        const result = execute(machineOf(dag(needs), "all"), {}, (state) => {
          ran.push(jobOf(state));
          return exited(codes[Number(jobOf(state).slice(1))] ?? 0);
        });
        const succeeded = new Set<string>();
        const expected: string[] = [];
        Object.entries(needs).forEach(([name, needed], i) => {
          if (!needed.every((other) => succeeded.has(other))) return;
          expected.push(name);
          if (codes[i] === 0) succeeded.add(name);
        });
        expect([...ran].sort()).to.deep.equal([...expected].sort());
        for (const name of ran) {
          for (const other of needs[name] ?? []) expect(ran.indexOf(other)).to.be.lessThan(ran.indexOf(name));
        }
        const ended = expected.map((name) => codes[Number(name.slice(1))]);
        const error = ended.some((code) => code === 1 || code === 137)
          ? "Handoff.Failure"
          : ended.includes(124)
            ? "Handoff.Timeout"
            : undefined;
        expect(result.error).to.equal(error);
      }),
      { numRuns: 60 },
    );
  });

  it("a job is tried as often as it says, whatever the failure, and the execution succeeds when a retry does", () => {
    const machine = machineOf(dag({ a: [] }, 3), "all");
    const failures: readonly Outcome[] = [
      exited(1),
      exited(124),
      { error: "States.Timeout", cause: "" },
      { error: "AmazonECS.Unknown", cause: "capacity" },
    ];
    for (const failure of failures) {
      const better = attempts(failure, failure, failure, exited(0));
      expect(execute(machine, {}, better.call).status).to.equal("SUCCEEDED");
      expect(better.made).to.equal(4);
      const never = attempts(failure);
      expect(execute(machine, {}, never.call).status).to.equal("FAILED");
      expect(never.made).to.equal(4);
    }
  });

  it("without retries only a start that failed is tried again", () => {
    const machine = machineOf(dag({ a: [] }), "all");
    const failed = attempts(exited(1));
    execute(machine, {}, failed.call);
    expect(failed.made).to.equal(1);
    const noCapacity: Outcome = { error: "AmazonECS.Unknown", cause: "capacity" };
    const started = attempts(noCapacity, noCapacity, exited(0));
    expect(execute(machine, {}, started.call).status).to.equal("SUCCEEDED");
    expect(started.made).to.equal(3);
  });

  it("a platform's time-out counts as one; it is two minutes behind the runner's", () => {
    const machine = machineOf(dag({ a: [] }), "all");
    const result = execute(machine, {}, () => ({ error: "States.Timeout", cause: "" }));
    expect(result.error).to.equal("Handoff.Timeout");
    expect(JSON.stringify(machine)).to.contain('"TimeoutSeconds":720');
  });

  it("the cause of a failed execution names the jobs and what became of them", () => {
    const result = execute(machineOf(dag({ a: [], b: ["a"] }), "all"), {}, () => exited(1));
    expect(JSON.parse(result.cause ?? "")).to.deep.equal({
      level1: [{ job: "a", status: "failure" }],
      level2: [{ job: "b", status: "skipped" }],
    });
  });

  it("a schedule's vars, envs and fire time reach each of its jobs", () => {
    const plan = fullPlan("aws", { granularity: "task" });
    const schedule = plan.schedules.find(({ name }) => name === "weekdays");
    if (!schedule) throw new Error("the full plan has a schedule weekdays");
    const input = evaluate(scheduledFlow({ plan }, schedule), { reference: () => "", secret: () => "" });
    const commands: Record<string, unknown> = {};
    execute(machineOf(plan, "for-weekdays"), input, (state, _resource, parameters) => {
      const [override] = (parameters.Overrides as { ContainerOverrides: Record<string, unknown>[] })
        .ContainerOverrides;
      commands[jobOf(state)] = override;
      return exited(0);
    });
    expect(Object.keys(commands)).to.deep.equal(["load", "report"]);
    expect(commands.load).to.deep.equal({
      Name: "runner",
      Command: [
        ...["run", "--no-retries", "-v", 'base=EUR & "GBP"', "-v", "note=it's {{ scheduled_at }}"],
        ...["-e", "MODE=full refresh", "-e", "EMPTY=", "load"],
      ],
      Environment: [
        { Name: "HANDOFF_SCHEDULE", Value: "weekdays" },
        { Name: "HANDOFF_SCHEDULED_AT", Value: "<aws.scheduler.scheduled-time>" },
        { Name: "HANDOFF_RUN_ID", Value: "execution" },
      ],
    });
  });

  it("started by hand with nothing, it runs every job as it is deployed", () => {
    const seen: unknown[] = [];
    execute(machineOf(dag({ a: [], b: [] }), "all"), {}, (_state, _resource, parameters) => {
      seen.push((parameters.Overrides as { ContainerOverrides: unknown[] }).ContainerOverrides[0]);
      return exited(0);
    });
    const environment = [
      { Name: "HANDOFF_SCHEDULED_AT", Value: "2026-11-21T06:00:00Z" },
      { Name: "HANDOFF_RUN_ID", Value: "execution" },
    ];
    expect(seen).to.deep.equal(
      ["a", "b"].map((job) => ({
        Name: "runner",
        Command: ["run", "--no-retries", job],
        Environment: environment,
      })),
    );
  });

  it("names of states are unique in a machine and at most 80 characters, for long and odd names of jobs", () => {
    const long = "x".repeat(150);
    const plan = dag({ [`"${long}a"`]: [], [`"${long}b"`]: [`"${long}a"`], Message: [] });
    const names: string[] = [];
    const collect = (machine: Record<string, unknown>): void => {
      for (const [name, state] of Object.entries(machine.States as Record<string, Record<string, unknown>>)) {
        names.push(name);
        for (const branch of (state.Branches ?? []) as Record<string, unknown>[]) collect(branch);
      }
    };
    collect(machineOf(plan, "all"));
    expect(new Set(names).size).to.equal(names.length);
    expect(Math.max(...names.map((name) => name.length))).to.be.at.most(80);
  });
});

describe("AWS triggers", function () {
  this.timeout(120_000);
  const message = [{ messageId: "1", body: '{"order": "7"}', attributes: {} }];

  for (const granularity of ["project", "task"] as const) {
    const machine = () => machineOf(fullPlan("aws", { granularity }), "trigger-orders");
    const failed: Outcome =
      granularity === "project"
        ? exited(1)
        : { error: "States.TaskFailed", cause: '{"ExecutionArn":"arn","Status":"FAILED"}' };

    it(`granularity ${granularity}: a run gets the message's body`, () => {
      const calls: Record<string, unknown>[] = [];
      const result = execute(machine(), message, (_state, _resource, parameters) => {
        calls.push(parameters);
        return exited(0);
      });
      expect(result.status).to.equal("SUCCEEDED");
      expect(calls).to.have.length(1);
      expect(JSON.stringify(calls)).to.contain('{"Name":"HANDOFF_MESSAGE","Value":"{\\"order\\": \\"7\\"}"}');
    });

    it(`granularity ${granularity}: the message of a run that failed is in the dead-letter queue, once`, () => {
      const dead: unknown[] = [];
      const result = execute(machine(), message, (state, resource, parameters) => {
        if (state === "Run") return failed;
        expect(resource).to.match(/:states:::sqs:sendMessage$/);
        dead.push(parameters.MessageBody);
        return { output: {} };
      });
      expect(dead).to.deep.equal(['{"order": "7"}']);
      expect(result).to.include({ status: "FAILED", error: "Handoff.Failure" });
    });

    it(`granularity ${granularity}: a run that could not be started is told apart`, () => {
      const result = execute(machine(), message, (state) =>
        state === "Run" ? { error: "ECS.AccessDeniedException", cause: "not allowed" } : { output: {} },
      );
      expect(result).to.include({ status: "FAILED", error: "Handoff.NotStarted" });
    });
  }
});
