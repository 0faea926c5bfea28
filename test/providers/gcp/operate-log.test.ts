import { expect } from "chai";
import type { LogLine } from "../../../model/run.js";
import type { Operator } from "../../../providers/operate.js";
import { fullPlan } from "../plans.js";
import { OperatedStack } from "./operated-stack.js";

async function collect(lines: AsyncIterable<LogLine>): Promise<LogLine[]> {
  const all: LogLine[] = [];
  for await (const line of lines) all.push(line);
  return all;
}

const id = "fx-aaaaa";
const messages = (lines: readonly LogLine[]) => lines.map(({ message }) => message);
const numbered = (count: number) => Array.from({ length: count }, (_, line) => `line ${line}`);

describe("gcp: logs", function () {
  this.timeout(120_000);
  let stack: OperatedStack;
  let operator: Operator;

  beforeEach(async () => {
    stack = new OperatedStack(fullPlan("gcp"));
    operator = await stack.open();
  });
  afterEach(() => stack.close());

  /** So many lines, some in the same millisecond. */
  function printMany(count: number): void {
    for (const [line, message] of numbered(count).entries()) {
      const time = new Date(stack.now.getTime() + Math.floor(line / 3)).toISOString();
      stack.printLine(id, message, { timestamp: time, receiveTimestamp: time });
    }
  }

  const ran = () => stack.execution(id, stack.now.toISOString());
  const running = () =>
    stack.execution(id, stack.now.toISOString(), { completionTime: null, conditions: [], succeededCount: 0 });

  async function end(): Promise<void> {
    const execution = stack.server.executions
      .get(stack.physicalJob())
      ?.find(({ name }) => name?.endsWith(id));
    Object.assign(execution ?? {}, {
      completionTime: stack.now.toISOString(),
      conditions: [{ type: "Completed", state: "CONDITION_SUCCEEDED" }],
    });
    await stack.record({
      runId: "20261121T120000Z-0000000001",
      endedAt: stack.now.toISOString(),
      execution: id,
    });
  }

  it("are the runner's lines as it wrote them, and others as they are", async () => {
    const run = ran();
    const at = "2026-11-21T12:00:01.250Z";
    stack.printLine(id, "rates of today", { timestamp: at, receiveTimestamp: at }, { step: "tap-x" });
    stack.print(id, { textPayload: "Traceback (most recent call last):\n", severity: "ERROR" });
    // What a log that is no line of the runner's leaves when it is JSON.
    stack.print(id, { jsonPayload: { message: "said in JSON" } });
    stack.print(id, {
      textPayload: "Memory limit of 512 MiB exceeded",
      severity: "ERROR",
      logName: "projects/my-project/logs/run.googleapis.com%2Fvarlog%2Fsystem",
    });
    // Not to be seen: Cloud Run's own notices, audits, another execution's and another job's lines.
    const system = "projects/my-project/logs/run.googleapis.com%2Fvarlog%2Fsystem";
    stack.print(id, { textPayload: "Container called exit(0).", severity: "INFO", logName: system });
    const audit = "projects/my-project/logs/cloudaudit.googleapis.com%2Fsystem_event";
    stack.print(id, { textPayload: "audited", severity: "ERROR", logName: audit });
    stack.printLine("fx-bbbbb", "another run's");
    const other = { type: "cloud_run_job", labels: { location: "us-central1", job_name: "another" } };
    stack.printLine(id, "another job's", { resource: other });
    const lines = await collect(operator.logs(await operator.run(id)));
    expect(run.name).to.contain(id);
    expect(lines.map(({ level, message }) => [level, message])).to.deep.equal([
      ["error", "Traceback (most recent call last):"],
      ["info", "said in JSON"],
      ["error", "Memory limit of 512 MiB exceeded"],
      ["info", "rates of today"],
    ]);
    expect(lines.at(-1)).to.deep.equal({
      time: at,
      level: "info",
      runId: "r",
      task: "extract",
      step: "tap-x",
      stream: "stdout",
      message: "rates of today",
    });
  });

  it("are read page by page, each line once", async () => {
    ran();
    printMany(2500);
    const lines = await collect(operator.logs(await operator.run(id)));
    expect(messages(lines)).to.deep.equal(numbered(2500));
    expect(stack.server.asked(/entries:list/)).to.have.length(3);
  });

  it("survive refusals, connections that end anywhere, and page tokens that are good no more", async () => {
    ran();
    printMany(1000);
    stack.server.mostPerPage = 100;
    const list = /entries:list/;
    let looks = 0;
    stack.server.onRead = () => {
      looks += 1;
      if (looks === 2) stack.server.faults.push({ match: list, kind: "status", status: 429 });
      if (looks === 3)
        stack.server.faults.push({ match: list, kind: "before" }, { match: list, kind: "half" });
      if (looks === 6) stack.server.expireTokens();
      if (looks === 8) stack.server.faults.push({ match: list, kind: "after" });
    };
    const lines = await collect(operator.logs(await operator.run(id)));
    expect(messages(lines)).to.deep.equal(numbered(1000));
    expect(stack.server.faults).to.deep.equal([]);
  });

  it("are followed through minutes without a network", async () => {
    running();
    let waits = 0;
    stack.onSleep = async () => {
      waits += 1;
      if (waits <= 3) stack.printLine(id, `line ${waits - 1}`);
      // More than the library tries by itself.
      if (waits === 2)
        for (let fault = 0; fault < 6; fault += 1)
          stack.server.faults.push({ match: /entries:list/, kind: "status", status: 503 });
      if (waits === 8) await end();
    };
    const lines = await collect(operator.logs(await operator.run(id), { follow: true }));
    expect(messages(lines)).to.deep.equal(numbered(3));
    expect(stack.server.faults).to.deep.equal([]);
  });

  it("are followed until the run has ended, with what becomes visible late", async () => {
    running();
    let waits = 0;
    const times: string[] = [];
    stack.onSleep = async () => {
      waits += 1;
      times.push(stack.now.toISOString());
      if (waits === 1) stack.printLine(id, "first");
      if (waits === 2) stack.printLine(id, "third");
      // Written before what was shown, received after it.
      if (waits === 3) stack.printLine(id, "second, late", { timestamp: times[0] ?? "" });
      // Received a while ago, and visible only now.
      if (waits === 4)
        stack.printLine(id, "fourth", { timestamp: times[2] ?? "", receiveTimestamp: times[2] ?? "" });
      if (waits === 5) await end();
      if (waits === 7) stack.printLine(id, "the end", {}, { event: "run.end", status: "success" });
    };
    const lines = await collect(operator.logs(await operator.run(id), { follow: true }));
    expect(messages(lines)).to.deep.equal(["first", "third", "second, late", "fourth", "the end"]);
  });

  it("are whole, also where the last line is visible before others", async () => {
    running();
    let waits = 0;
    let printedAt = "";
    stack.onSleep = async () => {
      waits += 1;
      if (waits === 2) printedAt = stack.now.toISOString();
      if (waits === 3) {
        stack.printLine(id, "the end", {}, { event: "run.end", status: "success" });
        await end();
      }
      if (waits === 4)
        stack.printLine(id, "just before it", { timestamp: printedAt, receiveTimestamp: printedAt });
    };
    const lines = await collect(operator.logs(await operator.run(id), { follow: true }));
    expect(messages(lines)).to.deep.equal(["the end", "just before it"]);
  });

  it("of a run that says no end are waited for some time after it", async () => {
    running();
    let waits = 0;
    stack.onSleep = async () => {
      waits += 1;
      if (waits === 1) await end();
      if (waits === 3) stack.print(id, { textPayload: "killed" });
    };
    const lines = await collect(operator.logs(await operator.run(id), { follow: true }));
    expect(messages(lines)).to.deep.equal(["killed"]);
    expect(waits).to.be.lessThan(30);
  });

  it("of a run that is older than the project's own bucket remembers are read in the stack's", async () => {
    const old = "2026-09-01T06:00:00Z";
    stack.execution(id, old);
    stack.printLine(id, "from September", { timestamp: old, receiveTimestamp: old });
    const lines = await collect(operator.logs(await operator.run(id)));
    expect(messages(lines)).to.deep.equal(["from September"]);
    const [request] = stack.server.asked(/entries:list/);
    expect(request?.body).to.deep.include({
      resourceNames: ["projects/my-project/locations/us-central1/buckets/kept/views/_AllLogs"],
    });
  });

  it("end without an error when nobody wants them any more", async () => {
    running();
    const stop = new AbortController();
    let waits = 0;
    stack.onSleep = () => {
      waits += 1;
      stack.printLine(id, `line ${waits - 1}`);
      if (waits === 4) stop.abort();
    };
    const lines = await collect(operator.logs(await operator.run(id), { follow: true, signal: stop.signal }));
    expect(messages(lines)).to.deep.equal(numbered(3));
  });
});
