import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import type { Task } from "../../../model/project.js";
import { alive, command, commands, pipeline, Sandbox, task, until } from "./harness.js";
import { exitOf, recordOf, startRunner } from "./process.js";

describe("time-outs and stops", function () {
  this.timeout(120_000);
  let box: Sandbox;
  beforeEach(() => {
    box = new Sandbox();
  });
  afterEach(() => box.remove());

  it("ends a command after its time-out with 124", async () => {
    const slow = task("c", { kind: "commands", commands: [command("sleep 60", { timeoutSeconds: 0.3 })] });
    const record = await box.run([slow]);
    expect(record).to.include({ status: "timeout", exitCode: 124 });
    expect(record.tasks[0]?.error).to.equal("step sleep timed out after 0.3 s");
  });

  it("ends a task after its time-out, also one that ignores SIGTERM", async () => {
    const record = await box.run([
      pipeline("p", ["trap '' TERM; sleep 60; sleep 60", "cat"], undefined, { timeoutSeconds: 0.3 }),
    ]);
    expect(record).to.include({ status: "timeout", exitCode: 124 });
    expect(record.durationMs).to.be.below(20_000);
  });

  it("tries again, waiting longer each time, with a fresh file", async () => {
    const flaky = "echo try; n=$(cat count 2>/dev/null || echo 0); n=$((n+1)); echo $n > count; test $n = 3";
    const record = await box.run([
      commands("c", [flaky], { retries: { max: 3, delaySeconds: 0.1, backoff: 2 } }),
    ]);
    expect(record.tasks[0]).to.include({ status: "success", attempts: 3 });
    expect(box.output("c")).to.equal("try\n");
  });

  it("skips what follows a failed task, unless told to go on", async () => {
    const first = await box.run([commands("a", ["exit 1"]), commands("b", ["true"])]);
    expect(first.tasks.map((each) => each.status)).to.deep.equal(["failure", "skipped"]);
    const second = await box.run([
      commands("a", ["exit 1"], { killDownstreamOnFail: false }),
      commands("b", ["true"]),
    ]);
    expect(second.tasks.map((each) => each.status)).to.deep.equal(["failure", "success"]);
    expect(second.exitCode).to.equal(1);
  });

  it("runs a graph: what is independent at the same time, what depends on a failure not at all", async () => {
    const wait = (name: string, other: string, more: Partial<Task> = {}) =>
      commands(
        name,
        [`touch ${name}.on; for i in $(seq 100); do test -e ${other}.on && exit 0; sleep 0.05; done; exit 1`],
        more,
      );
    const record = await box.run(
      [
        wait("a", "b"),
        wait("b", "a"),
        commands("bad", ["exit 3"]),
        commands("after", ["true"], { dependsOn: ["a", "b"] }),
        commands("never", ["true"], { dependsOn: ["bad", "after"] }),
      ],
      { deploy: { granularity: "task", source: { kind: "image" }, resources: {}, legacy: {} } },
    );
    expect(record.tasks.map((each) => each.status)).to.deep.equal([
      "success",
      "success",
      "failure",
      "success",
      "skipped",
    ]);
  });

  it("leaves nothing in the background behind, setsid or not", async () => {
    const record = await box.run([
      commands("c", [
        "sleep 300 & echo $! > one.pid",
        "setsid sleep 300 & echo $! > two.pid; sleep 0.2",
        "test -e one.pid",
      ]),
    ]);
    expect(record.status).to.equal("success");
    const pids = ["one.pid", "two.pid"].map((name) => Number(box.read(name)));
    expect(pids.filter(alive)).to.deep.equal([]);
  });

  /** Each task writes its processes' numbers to *.pid. */
  function pids(): number[] {
    if (!existsSync(box.work)) return [];
    const names = readdirSync(box.work).filter((name) => name.endsWith(".pid"));
    return names.map((name) => Number(readFileSync(join(box.work, name), "utf8"))).filter((pid) => pid > 0);
  }

  const stubborn = pipeline(
    "p",
    ["echo $$ > a.pid; yes", "echo $$ > b.pid; trap '' TERM; sleep 300 & echo $! > c.pid; cat | cat"],
    {
      kind: "fork",
      branches: [
        pipeline("x", ["echo $$ > d.pid; cat > /dev/null"]),
        pipeline("y", ["cat"], {
          kind: "foreach",
          maxParallel: 1,
          tasks: [commands("z", ["echo $$ > e.pid; setsid sleep 300 & echo $! > f.pid; sleep 300"])],
        }),
      ],
    },
  );

  for (const [signal, code] of [
    ["SIGTERM", 143],
    ["SIGINT", 130],
  ] as const) {
    it(`stops everything on ${signal} and exits ${code}`, async () => {
      const child = startRunner(box, [stubborn]);
      const ended = exitOf(child);
      expect(await until(() => pids().length === 6)).to.equal(true);
      child.kill(signal);
      expect(await ended).to.equal(code);
      expect(pids().filter(alive)).to.deep.equal([]);
      const record = recordOf(box);
      expect(record).to.include({ status: "stopped", exitCode: code });
    });
  }

  it("leaves no child behind when it is killed by -9", async () => {
    const child = startRunner(box, [stubborn]);
    const ended = exitOf(child);
    expect(await until(() => pids().length === 6)).to.equal(true);
    child.kill("SIGKILL");
    await ended;
    expect(await until(() => pids().filter(alive).length === 0)).to.equal(true);
  });

  for (const [signal, code] of [
    ["SIGTERM", 143],
    ["SIGKILL", null],
  ] as const) {
    it(`leaves neither a foreach's worker shells nor what they run behind after ${signal}`, async () => {
      const note = 'echo $PPID > "NAME$HANDOFF_LINE.worker.pid"; echo $$ > "NAME$HANDOFF_LINE.pid"';
      const loop = (name: string, line: string) =>
        pipeline(name, ["cat"], {
          kind: "foreach",
          maxParallel: 2,
          tasks: [commands("one", [line.replace("NOTE", () => note).replaceAll("NAME", name)])],
        });
      const branches = [
        loop("polite", "NOTE; sleep 300"),
        loop("rude", "trap '' TERM; NOTE; while :; do sleep 1; done"),
      ];
      const child = startRunner(box, [pipeline("f", ["seq 2; sleep 300"], { kind: "fork", branches })]);
      const ended = exitOf(child);
      expect(await until(() => pids().length === 8)).to.equal(true);
      // Four lines, and a worker shell for each.
      const all = pids();
      expect(new Set([...all, child.pid])).to.have.property("size", 9);
      expect(all.filter(alive)).to.have.length(8);
      child.kill(signal);
      expect(await ended).to.equal(code);
      expect(await until(() => all.filter(alive).length === 0)).to.equal(true);
    });
  }

  it("exits 0, 1 and 124 as the run did, and writes the record", async () => {
    expect(await exitOf(startRunner(box, [commands("c", ["true"])]))).to.equal(0);
    expect(await exitOf(startRunner(box, [commands("c", ["false"])]))).to.equal(1);
    expect(await exitOf(startRunner(box, [commands("c", ["sleep 60"], { timeoutSeconds: 0.2 })]))).to.equal(
      124,
    );
    const record = recordOf(box);
    expect(record.tasks[0]).to.include({ status: "timeout", exitCode: 124 });
  });

  it("exits 2 when a venv was never installed", async () => {
    const needs = task("c", { kind: "commands", commands: [command("dbt run", { venv: "dbt" })] });
    expect(await exitOf(startRunner(box, [needs]))).to.equal(2);
    const record = recordOf(box);
    expect(record.error).to.contain("`dbt`").and.contain("handoff install");
  });
});
