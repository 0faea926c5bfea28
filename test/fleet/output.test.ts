import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { expect } from "chai";
import { XMLParser, XMLValidator } from "fast-xml-parser";
import type { CliContext } from "../../cli/context.js";
import { againCommand } from "../../cli/fleet/again.js";
import { describeEnding, exitCodeOf } from "../../cli/fleet/ending.js";
import { jsonView, summaryOf } from "../../cli/fleet/json.js";
import { junitReport } from "../../cli/fleet/junit.js";
import { linesView } from "../../cli/fleet/lines.js";
import { markdownReport } from "../../cli/fleet/markdown.js";
import { openReports } from "../../cli/fleet/reports.js";
import { rowsView } from "../../cli/fleet/rows.js";
import { nextSteps } from "../../cli/fleet/single.js";
import { colourless } from "../../cli/output/colour.js";
import type { FleetEvent, FleetResult, StackOutcome } from "../../deploy/fleet/fleet.js";
import { UserError } from "../../model/diagnostic.js";

const changes = { create: 2, update: 1, replace: 0, delete: 0, same: 4 };
const warning = {
  severity: "warning",
  code: "secret-unused",
  message: "no secret of the project takes OLD",
} as const;

const done = (stack: string, operation: "up" | "drift" = "up"): StackOutcome => ({
  stack,
  operation,
  platform: "local",
  attempts: 1,
  result: "succeeded",
  changes,
  outputs: {},
  kept: [],
  diagnostics: [warning],
  durationMs: 1234,
});
const failed = (stack: string, message: string, exitCode = 1): StackOutcome => ({
  stack,
  operation: "up",
  attempts: 2,
  result: "failed",
  exitCode,
  error: { code: "deployment-failed", message, hint: "correct what it says", diagnostics: [], exitCode },
  durationMs: 61_000,
});
const open = (stack: string): StackOutcome => ({
  stack,
  operation: "up",
  attempts: 0,
  result: "not-started",
  reason: "interrupted",
});
const result = (...outcomes: StackOutcome[]): FleetResult => ({
  operation: "up",
  outcomes,
  durationMs: 65_000,
});
const nasty =
  "creating <Bucket> \"a\" & 'b' failed:\u0007 \u001b[31mred\u001b[0m ]]> \ud800 ```\nError 409: |taken|";
const mixed = result(done("client-a"), failed("client-b", nasty), done("client-c"), open("it's d"));

function fakeContext(env: Record<string, string> = {}, tty?: { columns: number; rows: number }) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  let time = Date.parse("2026-11-21T06:00:00Z");
  const context = {
    cwd: tmpdir(),
    env,
    stdout,
    stderr: tty ? Object.assign(stderr, { isTTY: true, ...tty }) : stderr,
    interrupted: new AbortController().signal,
    now() {
      time += 1000;
      return new Date(time);
    },
  } as unknown as CliContext;
  return { context, out: () => String(stdout.read() ?? ""), err: () => String(stderr.read() ?? "") };
}

describe("fleet: exit codes", () => {
  it("are 0, 1 for a failure, 2 when all input was wrong, 130 and 143 for an interruption", () => {
    const wrong = failed("b", "wrong", 2);
    expect(exitCodeOf([done("a")], undefined)).to.equal(0);
    expect(exitCodeOf([done("a"), failed("b", "x")], undefined)).to.equal(1);
    expect(exitCodeOf([done("a"), wrong], undefined)).to.equal(1);
    expect(exitCodeOf([wrong, { ...wrong, stack: "c" }], undefined)).to.equal(2);
    expect(exitCodeOf([done("a"), open("b")], "SIGINT")).to.equal(130);
    expect(exitCodeOf([failed("a", "x"), open("b")], "SIGTERM")).to.equal(143);
    // It came when all was done.
    expect(exitCodeOf([done("a")], "SIGINT")).to.equal(0);
    expect(exitCodeOf([failed("a", "x"), open("b")], undefined)).to.equal(1);
  });
});

describe("fleet: what is said last", () => {
  it("is warnings once for all, then failures with cause and hint, then the command that goes on", () => {
    const text = describeEnding(mixed, colourless);
    expect(text.split("\n")[0]).to.equal("warning: no secret of the project takes OLD (2 stacks)");
    expect(text)
      .to.include("\nclient-b\n  error: creating <Bucket>")
      .and.include("    -> correct what it says");
    expect(text.split("\n").at(-2)).to.equal("2 done, 1 failed, 1 not started, in 1 min 05 s");
    expect(text.split("\n").at(-1)).to.equal("  -> what is not done: handoff up client-b 'it'\\''s d'");
    expect(againCommand("up", [done("a")])).to.equal(undefined);
  });
});

describe("fleet: reports", () => {
  it("are JUnit XML that a parser takes, whatever a message holds", () => {
    const xml = junitReport(summaryOf(mixed, 1));
    expect(XMLValidator.validate(xml)).to.equal(true);
    const parser = new XMLParser({ ignoreAttributes: false, attributeNamePrefix: "" });
    const { testsuites } = parser.parse(xml);
    expect(testsuites).to.include({ tests: "4", failures: "1", skipped: "1", time: "65.000" });
    const [first, second, , fourth] = testsuites.testsuite.testcase;
    expect(first).to.include({
      name: "client-a",
      time: "1.234",
      "system-out": "2 created, 1 updated, 4 unchanged",
    });
    expect(second.failure).to.include({ type: "deployment-failed" });
    expect(second.failure.message).to.include("creating <Bucket> \"a\" & 'b' failed:");
    expect(second.failure["#text"]).to.include("Error 409: |taken|").and.include("]]>");
    for (const character of ["\u0007", esc, "\ud800"]) expect(xml).not.to.include(character);
    expect(fourth.skipped.message).to.equal("not started: interrupted");
  });

  it("are Markdown with the failures first, that no message breaks", () => {
    const text = markdownReport(summaryOf(mixed, 1));
    expect(text.split("\n")[0]).to.equal("## handoff up: 2 done, 1 failed, 1 not started");
    expect(text).to.include("````text\nerror: creating <Bucket>");
    const rows = text.split("\n").filter((line) => line.startsWith("| ") && !line.includes("stack | result"));
    expect(rows.map((row) => row.split("|")[2]?.trim())).to.deep.equal([
      "client-b",
      "it's d",
      "client-a",
      "client-c",
    ]);
    expect(rows[0]).to.include("&lt;Bucket&gt;");
  });

  it("are Markdown that GitHub shows, also of very many", () => {
    const many = Array.from({ length: 3000 }, (_, i) => failed(`client-${i}`, nasty.repeat(3)));
    const text = markdownReport(summaryOf(result(...many), 1));
    expect(text.length).to.be.lessThan(65_536);
    expect((text.match(/^````text$/gm) ?? []).length).to.equal((text.match(/^````$/gm) ?? []).length);
    expect(text).to.include("shortened");
  });

  it("say what differs from what was deployed, by property", () => {
    const drifted: StackOutcome = {
      ...done("client-a", "drift"),
      differences: [
        {
          urn: "u",
          type: "aws:s3/bucket:Bucket",
          name: "fx-raw",
          kind: "changed",
          properties: [{ path: "tags.team", before: "a", after: "b" }],
        },
        { urn: "v", type: "aws:sqs/queue:Queue", name: "fx-in", kind: "gone", properties: [] },
      ],
    } as StackOutcome;
    for (const text of [
      junitReport(summaryOf(result(drifted), 0)),
      markdownReport(summaryOf(result(drifted), 0)),
    ]) {
      expect(text)
        .to.match(/Bucket fx-raw/)
        .and.match(/tags\.team: ("|&quot;)a\1 -(>|&gt;) \1b\1/);
      expect(text).to.include("Queue fx-in: it is gone");
    }
  });

  it("are written by their extensions, into folders that are made, and to the page of a GitHub job", () => {
    const dir = mkdtempSync(join(tmpdir(), "handoff reports "));
    try {
      const page = join(dir, "page.md");
      const { context } = fakeContext({ GITHUB_ACTIONS: "true", GITHUB_STEP_SUMMARY: page });
      const write = openReports(["out/a.xml", "b.MD", "c.json"], { ...context, cwd: dir });
      write(summaryOf(mixed, 1));
      expect(readFileSync(join(dir, "out/a.xml"), "utf8")).to.include("<testsuites");
      expect(readFileSync(join(dir, "b.MD"), "utf8")).to.include("## handoff up");
      expect(JSON.parse(readFileSync(join(dir, "c.json"), "utf8"))).to.deep.include({
        event: "summary",
        exitCode: 1,
      });
      expect(readFileSync(page, "utf8")).to.include("## handoff up");
      expect(() => openReports(["report.html"], context)).to.throw(UserError, "by its extension");
      expect(() => openReports([join(page, "x.md")], context)).to.throw(UserError, "can't be written");
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });
});

const esc = "\u001b";
const urn = "urn:pulumi:a::demo::aws:s3/bucket:Bucket::fx-raw";
const bucket = { kind: "resource", urn, type: "aws:s3/bucket:Bucket", name: "fx-raw" } as const;
const events: readonly FleetEvent[] = [
  { event: "start", stack: "client-a", attempt: 1 },
  { event: "start", stack: "client-b", attempt: 1 },
  { event: "progress", stack: "client-a", progress: { ...bucket, op: "create", status: "started" } },
  { event: "progress", stack: "client-a", progress: { ...bucket, op: "create", status: "done" } },
  { event: "progress", stack: "client-a", progress: { ...bucket, op: "same", status: "done" } },
  {
    event: "progress",
    stack: "client-b",
    progress: { kind: "message", severity: "warning", text: "mind this" },
  },
  {
    event: "retry",
    stack: "client-b",
    attempt: 2,
    delayMs: 12_000,
    reason: "throttled",
    error: { code: "deployment-failed", message: "Rate exceeded", diagnostics: [], exitCode: 1 },
  },
  { event: "start", stack: "client-b", attempt: 2 },
  { event: "end", outcome: done("client-a") },
  { event: "end", outcome: failed("client-b", "no") },
];

describe("fleet: the work while it goes on", () => {
  it("is a block for each stack where there is no terminal", () => {
    const { context, err } = fakeContext();
    const view = linesView(context, 2);
    for (const event of events) view.onEvent(event);
    view.close();
    expect(err()).to.equal(
      [
        "~ client-b: its cloud asks for fewer calls; attempt 2 is in 12.0 s",
        "✓ client-a: 2 created, 1 updated, 4 unchanged in 1.2 s (1/2)",
        "  + Bucket fx-raw created",
        "✗ client-b: failed after 1 min 01 s (2/2)",
        "  mind this",
        "",
      ].join("\n"),
    );
  });

  it("is a row for each stack on a terminal, within its width, and nothing stays that moves", () => {
    const { context, err } = fakeContext({ NO_COLOR: "1" }, { columns: 60, rows: 10 });
    const view = rowsView(context, 12);
    const [start, ...rest] = events;
    if (start) view.onEvent(start);
    for (let i = 0; i < 9; i++)
      view.onEvent({ event: "start", stack: `client-with-a-long-name-${i}`, attempt: 1 });
    for (const event of rest) view.onEvent(event);
    view.close();
    const text = err();
    // What a terminal shows in the end: each picture is drawn over the one before.
    const screen: string[] = [];
    for (const part of text.replaceAll(esc, "\n^").split("\n")) {
      const up = /^\^\[(\d+)A/.exec(part)?.[1];
      if (up) screen.splice(screen.length - Number(up));
      const shown = part.replace(/^\^\[\d*[AJ]/, "");
      if (shown !== "") screen.push(shown);
    }
    expect(screen).to.deep.equal([
      "~ client-b: its cloud asks for fewer calls; attempt 2 is in 12.0 s",
      "✓ client-a: 2 created, 1 updated, 4 unchanged in 1.2 s",
      "  + Bucket fx-raw created",
      "✗ client-b: failed after 1 min 01 s",
      "  mind this",
    ]);
    const moving = text
      .split("\n")
      .filter((line) => /done|waiting|…/.test(line) && !/created|failed after/.test(line));
    const plain = moving.map((line) => line.replaceAll(esc, "^").replace(/\^\[[0-9;]*[A-Za-z]/g, ""));
    expect(plain.length).to.be.greaterThan(2);
    for (const line of plain) expect(line.length, line).to.be.at.most(60);
    expect(plain.join("\n")).to.include("2 of 12 done, 1 failed, 1 waiting").and.include("… and ");
  });

  it("is an object a line with --json, told apart by `event`, the summary last", () => {
    const { context, out } = fakeContext();
    const view = jsonView(context);
    for (const event of events) view.onEvent(event);
    const lines = out()
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(lines.map(({ event, stack }) => `${event} ${stack}`)).to.deep.equal([
      "start client-a",
      "start client-b",
      "resource client-a",
      "resource client-a",
      "message client-b",
      "retry client-b",
      "start client-b",
      "end client-a",
      "end client-b",
    ]);
    for (const line of lines) expect(line).to.include({ schemaVersion: 1 }).and.have.property("time");
    expect(lines[3]).to.include({
      op: "create",
      status: "done",
      name: "fx-raw",
      type: "aws:s3/bucket:Bucket",
    });
    expect(lines[7]).to.deep.include({ result: "succeeded", changes, attempts: 1 });
    expect(summaryOf(mixed, 1)).to.deep.include({
      schemaVersion: 1,
      event: "summary",
      operation: "up",
      exitCode: 1,
      counts: { succeeded: 2, failed: 1, stopped: 0, notStarted: 1 },
    });
  });

  it("next steps after a move: its last state is carried over first", () => {
    const kept = ["s3://acme-artifacts/fx", "s3://acme-raw"];
    expect(nextSteps({ stack: "acme", platform: "gcp", kept })[0]).to.include(
      "handoff artifacts copy --from s3://acme-artifacts/fx --to acme",
    );
    expect(nextSteps({ stack: "acme", platform: "gcp", kept: [] }).join()).not.to.include("agent");
    expect(nextSteps({ stack: "dev", platform: "local", kept: [] }).join()).to.include("handoff agent start");
  });
});
