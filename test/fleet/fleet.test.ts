import { expect } from "chai";
import { backoff, type FleetEvent, type FleetOptions, runFleet } from "../../deploy/fleet/fleet.js";
import type { StackJob } from "../../deploy/fleet/messages.js";
import type { StackHooks } from "../../deploy/fleet/run-stack.js";
import type { StackSummary } from "../../deploy/stack.js";
import { UserError } from "../../model/diagnostic.js";

const none = { create: 0, update: 0, replace: 0, delete: 0, same: 3 };

function summaryOf({ stack, operation }: StackJob, changes: Partial<typeof none> = {}): StackSummary {
  return {
    stack,
    platform: "local",
    operation,
    result: "succeeded",
    changes: { ...none, ...changes },
    outputs: {},
    kept: [],
    diagnostics: [],
    durationMs: 1,
  };
}
const throttled = new UserError("stack x: api error Throttling: Rate exceeded", {
  code: "deployment-failed",
  exitCode: 1,
});
const refused = new UserError("stack x: api error AccessDenied", { code: "deployment-failed", exitCode: 1 });
const tick = () => new Promise((done) => setTimeout(done, 5));

function fleet(
  stacks: readonly string[],
  act: (stack: string, attempt: number, hooks: StackHooks) => Promise<Partial<typeof none> | undefined>,
  more: Partial<FleetOptions> = {},
) {
  const events: FleetEvent[] = [];
  const attempts = new Map<string, number>();
  const promise = runFleet({
    operation: "up",
    stacks,
    cwd: "/nowhere",
    parallel: 2,
    signal: new AbortController().signal,
    delay: () => 1,
    onEvent: (event) => void events.push(event),
    async run(job, hooks) {
      const attempt = (attempts.get(job.stack) ?? 0) + 1;
      attempts.set(job.stack, attempt);
      return summaryOf(job, (await act(job.stack, attempt, hooks)) ?? {});
    },
    ...more,
  });
  return { promise, events, attempts };
}
const results = ({ outcomes }: Awaited<ReturnType<typeof runFleet>>) =>
  outcomes.map(({ stack, result, attempts }) => `${stack} ${result} ${attempts}`);

describe("fleet: the order of work", () => {
  it("is at most N at a time, each once, in the order that was asked for", async () => {
    let running = 0;
    let most = 0;
    const names = Array.from({ length: 20 }, (_, i) => `s${i}`);
    const { promise, events } = fleet(
      names,
      async () => {
        most = Math.max(most, ++running);
        await tick();
        running--;
        return undefined;
      },
      { parallel: 3 },
    );
    const result = await promise;
    expect(most).to.equal(3);
    expect(result.outcomes.map(({ stack }) => stack)).to.deep.equal(names);
    expect(events.filter(({ event }) => event === "start")).to.have.length(20);
    expect(events.filter(({ event }) => event === "end")).to.have.length(20);
  });

  it("goes on after a failure, and after a bug in one stack", async () => {
    const { promise } = fleet(["a", "b", "c", "d"], async (stack) => {
      if (stack === "a") throw refused;
      if (stack === "b") throw new TypeError("undefined is no function");
      return undefined;
    });
    const result = await promise;
    expect(results(result)).to.deep.equal(["a failed 1", "b failed 1", "c succeeded 1", "d succeeded 1"]);
    const [first, second] = result.outcomes;
    expect(first).to.have.nested.property("error.message", refused.message);
    expect(second).to.have.nested.property("error.code", "bug");
    expect(second).to.have.nested.property("error.trace").that.includes("TypeError");
  });

  it("ends with the first failure when told so; what runs is finished", async () => {
    const { promise } = fleet(
      ["a", "b", "c", "d"],
      async (stack) => {
        if (stack === "a") throw refused;
        await tick();
        return undefined;
      },
      { failFast: true },
    );
    const result = await promise;
    expect(results(result)).to.deep.equal([
      "a failed 1",
      "b succeeded 1",
      "c not-started 0",
      "d not-started 0",
    ]);
    expect(result.outcomes[2]).to.include({ reason: "fail-fast" });
  });

  it("is stopped by an interruption: what runs finishes its step, the rest is not started", async () => {
    const stopping = new AbortController();
    const { promise } = fleet(
      ["a", "b", "c", "d"],
      async (stack, _, { signal }) => {
        if (stack === "b") {
          setTimeout(() => stopping.abort("SIGINT"), 5);
          await new Promise((done) => signal.addEventListener("abort", done));
          throw new UserError("stack b was stopped", { code: "interrupted", exitCode: 130 });
        }
        if (stack === "c") await new Promise((done) => signal.addEventListener("abort", done));
        return undefined;
      },
      { signal: stopping.signal },
    );
    const result = await promise;
    // c was in its last step, and done with it.
    expect(results(result)).to.deep.equal([
      "a succeeded 1",
      "b stopped 1",
      "c succeeded 1",
      "d not-started 0",
    ]);
    expect(result.outcomes[3]).to.include({ reason: "interrupted" });
  });
});

describe("fleet: trying again", () => {
  it("is for failures that pass, as often as allowed, while others go on", async () => {
    const { promise, events } = fleet(
      ["a", "b", "c", "d"],
      async (stack, attempt) => {
        if (stack === "a" && attempt < 3) throw throttled;
        if (stack === "b") throw throttled;
        if (stack === "c") throw refused;
        return undefined;
      },
      { retries: 2 },
    );
    expect(results(await promise)).to.deep.equal([
      "a succeeded 3",
      "b failed 3",
      "c failed 1",
      "d succeeded 1",
    ]);
    const retries = events.flatMap((event) =>
      event.event === "retry" ? [`${event.stack} ${event.reason}`] : [],
    );
    expect(retries.sort()).to.deep.equal(["a throttled", "a throttled", "b throttled", "b throttled"]);
  });

  it("goes by the engine's own errors, not by what sums them up", async () => {
    const { promise, attempts } = fleet(
      ["a"],
      async (_, __, { onEvent }) => {
        onEvent({ kind: "message", severity: "error", text: "api error AccessDenied: no" });
        onEvent({ kind: "message", severity: "error", text: "api error Throttling: Rate exceeded" });
        throw throttled;
      },
      { retries: 2 },
    );
    await promise;
    expect(attempts.get("a")).to.equal(1);
  });

  it("is not for what was wrong before the engine started", async () => {
    const invalid = new UserError("Throttling: no such key", { code: "invalid-settings" });
    const { promise, attempts } = fleet(["a"], () => Promise.reject(invalid), { retries: 2 });
    expect(results(await promise)).to.deep.equal(["a failed 1"]);
    expect(attempts.get("a")).to.equal(1);
  });

  it("is given up by an interruption; the failure is told as it was", async () => {
    const stopping = new AbortController();
    const { promise } = fleet(["a"], () => Promise.reject(throttled), {
      retries: 2,
      delay: () => 60_000,
      signal: stopping.signal,
    });
    setTimeout(() => stopping.abort("SIGTERM"), 20);
    expect(results(await promise)).to.deep.equal(["a failed 1"]);
  });

  it("waits longer each time, up to three minutes, and not all for the same time", () => {
    expect([2, 3, 4, 5, 6, 9].map((attempt) => backoff(attempt, () => 0))).to.deep.equal([
      10_000, 20_000, 40_000, 80_000, 120_000, 120_000,
    ]);
    expect(backoff(9, () => 1)).to.equal(180_000);
  });
});

describe("fleet: expecting no changes", () => {
  it("fails the stacks that have some, with what was found", async () => {
    const { promise } = fleet(["a", "b"], async (stack) => (stack === "a" ? { update: 2, delete: 1 } : {}), {
      operation: "drift",
      expectNoChanges: true,
    });
    const { outcomes } = await promise;
    expect(outcomes[0]).to.include({ result: "failed", exitCode: 1 });
    expect(outcomes[0]).to.have.nested.property("error.message").that.includes("2 to update, 1 to delete");
    expect(outcomes[0]).to.have.nested.property("summary.changes.update", 2);
    expect(outcomes[1]).to.include({ result: "succeeded" });
  });
});
