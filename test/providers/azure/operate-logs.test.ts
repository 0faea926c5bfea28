import { expect } from "chai";
import type { Operator } from "../../../providers/operate.js";
import { fullPlan } from "../plans.js";
import type { ServedExecution } from "./operate-server.js";
import { linesOf, messages, refusal } from "./operate-support.js";
import { OperatedStack } from "./operated-stack.js";

describe("azure: the logs of a run", function () {
  this.timeout(120_000);
  let stack: OperatedStack;
  let operator: Operator;

  beforeEach(async () => {
    stack = new OperatedStack(fullPlan("azure"));
    operator = await stack.open();
  });
  afterEach(() => stack.close());

  const executions = (): ServedExecution[] => stack.job().executions;

  it("are the lines in the order in which they were printed, each once, over many pages", async () => {
    const execution = stack.execution(stack.job(), "aaaaa", "2026-11-21T11:59:00Z");
    const other = stack.execution(stack.job(), "aaaaab", "2026-11-21T11:59:00Z");
    const count = 9000;
    for (let number = 0; number < count; number += 1) {
      const printed = new Date(stack.now.getTime() + number).toISOString();
      // The first half comes in at one time, and a page holds fewer; of the others some come in at a time.
      const minutes = number < count / 2 ? 2 : 3 + Math.floor(number / 700);
      const came = new Date(stack.now.getTime() + minutes * 60_000).toISOString();
      stack.printLine(execution.name, `line ${number}`, { printed, came });
    }
    stack.printLine(other.name, "of another run");
    stack.now = new Date("2026-11-21T12:10:00Z");
    const lines = await linesOf(operator, await operator.run(execution.name));
    expect(messages(lines)).to.deep.equal(Array.from({ length: count }, (_, number) => `line ${number}`));
  });

  it("show what isn't the runner's as it is", async () => {
    const execution = stack.execution(stack.job(), "aaaaa", "2026-11-21T11:59:00Z");
    stack.printLine(execution.name, "hello");
    stack.print(execution.name, "Killed\n", { stream: "stderr" });
    const lines = await linesOf(operator, await operator.run(execution.name));
    expect(lines.map(({ message, level, task }) => [message, level, task])).to.deep.equal([
      ["hello", "info", "extract"],
      ["Killed", "warn", undefined],
    ]);
  });

  it("are empty before there is a table", async () => {
    const execution = stack.execution(stack.job(), "aaaaa", "2026-11-21T11:59:00Z");
    expect(await linesOf(operator, await operator.run(execution.name))).to.deep.equal([]);
  });

  it("are followed to the last line, through what fails, late ones and all", async () => {
    const run = await operator.trigger({});
    const [execution] = executions();
    if (!execution) throw new Error("nothing was started");
    const late: (() => void)[] = [];
    const partial = {
      tables: [{ name: "PrimaryResult", columns: [], rows: [] }],
      error: { code: "PartialError", message: "There were some errors when processing your query." },
    };
    let looks = 0;
    stack.onSleep = async () => {
      looks += 1;
      for (const print of late.splice(0)) print();
      if (looks <= 3) stack.printLine(execution.name, `line ${looks}`);
      // Printed and taken in before the last one, and seen after it.
      const printed = stack.now.toISOString();
      const came = new Date(stack.now.getTime() - 1000).toISOString();
      if (looks === 2) late.push(() => stack.printLine(execution.name, "late", { printed, came }));
      if (looks === 3) stack.server.faults.push({ match: /\/query/, kind: "half" });
      if (looks === 4)
        stack.server.faults.push(
          ...new Array(5).fill({ match: /\/query/, kind: "status", status: 502, body: "<html>" }),
        );
      if (looks === 5)
        stack.server.faults.push({ match: /\/query/, kind: "status", status: 200, body: partial });
      if (looks === 6)
        await stack.record({
          runId: run.runId,
          endedAt: stack.now.toISOString(),
          execution: execution.name,
        });
      if (looks === 7) stack.printLine(execution.name, "run ended", {}, { event: "run.end" });
    };
    const lines = await linesOf(operator, run, { follow: true });
    expect(messages(lines)).to.deep.equal(["line 1", "line 2", "late", "line 3", "run ended"]);
  });

  it("end some minutes after a run that could not say its last line", async () => {
    const execution = stack.execution(stack.job(), "aaaaa", "2026-11-21T11:59:00Z", { status: "Failed" });
    stack.printLine(execution.name, "half a word");
    const found = await operator.run(execution.name);
    stack.onSleep = () => {
      if (stack.slept.length === 20) stack.printLine(execution.name, "another that came late");
    };
    const before = stack.now.getTime();
    const lines = await linesOf(operator, found, { follow: true });
    expect(messages(lines)).to.deep.equal(["half a word", "another that came late"]);
    expect(stack.now.getTime() - before).to.be.within(300_000, 310_000);
  });

  it("end without an error when nobody wants more", async () => {
    const run = await operator.trigger({});
    const aborter = new AbortController();
    stack.onSleep = () => {
      stack.printLine(executions()[0]?.name ?? "", `line ${stack.slept.length}`);
      if (stack.slept.length === 3) aborter.abort();
    };
    const lines = await linesOf(operator, run, { follow: true, signal: aborter.signal });
    expect(messages(lines)).to.deep.equal(["line 1", "line 2"]);
  });

  it("that nobody may read are an error", async () => {
    const execution = stack.execution(stack.job(), "aaaaa", "2026-11-21T11:59:00Z");
    const found = await operator.run(execution.name);
    const body = { error: { code: "InsufficientAccessError", message: "insufficient access" } };
    stack.server.faults.push({ match: /\/query/, kind: "status", status: 403, body });
    const error = await refusal(linesOf(operator, found));
    expect(error.code).to.equal("not-allowed");
  });
});
