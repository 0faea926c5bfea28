import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import type { Schedule } from "../../../model/project.js";
import { programName } from "../../../runner-image/src/engine/compile.js";
import { makeSchedule } from "../../support/model.js";
import { command, commands, Sandbox, task } from "./harness.js";

const schedule = (more: Partial<Schedule>) => makeSchedule("0 6 * * *", { name: "nightly", ...more });

describe("environment and variables", function () {
  this.timeout(60_000);
  let box: Sandbox;
  beforeEach(() => {
    box = new Sandbox();
  });
  afterEach(() => box.remove());

  it("tells commands about the run", async () => {
    const show =
      'echo "$HANDOFF_RUN_ID $HANDOFF_TASK $HANDOFF_STAGE $HANDOFF_PROJECT $HANDOFF_MESSAGE $HANDOFF_STORE_MY_RATES"';
    await box.run([commands("c", [show])], {}, { stores: { "my-rates": "/s" } }, { message: "hi" });
    expect(box.output("c")).to.equal("r1 c dev test hi /s\n");
  });

  it("lets the later beat the earlier", async () => {
    const tasks = [
      commands("c", ['echo "$A $B $C $D $E {{ v }} {{ w }} {{ x }}"'], {
        envs: { B: "task", C: "task", D: "task" },
      }),
    ];
    await box.run(
      tasks,
      {
        vars: { v: "project", w: "project", x: "project" },
        envs: { A: "project", B: "project", E: "{{ v }}!" },
        secretEnvs: ["A"],
        schedules: [
          schedule({ envs: { C: "schedule", D: "schedule" }, vars: { w: "schedule", x: "schedule" } }),
        ],
      },
      { secrets: new Map([["A", "hush-hush"]]) },
      { schedule: "nightly", envs: { D: "asked" }, vars: { x: "asked" } },
    );
    expect(box.output("c")).to.equal("project task schedule asked project! project schedule asked\n");
  });

  it("evaluates the __VARS of 0.x by the shell, and sets HO_*", async () => {
    await box.run(
      [commands("c", ['echo "$HO_STAGE $HO_TASK {{ day }} {{ other }}{{ nothing }}"'])],
      { dialect: "0.x", schedules: [schedule({ vars: { __VARS: "day=$(echo 2020-01-01) other=x" } })] },
      {},
      { schedule: "nightly" },
    );
    expect(box.output("c")).to.equal("dev c 2020-01-01 x\n");
  });

  it("puts a venv's programs first", async () => {
    const bin = join(box.dir, "venvs", "tool", "bin");
    mkdirSync(bin, { recursive: true });
    writeFileSync(join(bin, "hello-tool"), '#!/bin/sh\necho "hello from $VIRTUAL_ENV"\n', { mode: 0o755 });
    await box.run([task("c", { kind: "commands", commands: [command("hello-tool", { venv: "tool" })] })]);
    expect(box.output("c")).to.equal(`hello from ${join(box.dir, "venvs", "tool")}\n`);
  });

  it("masks secrets in log and record", async () => {
    const secrets = new Map([["TOKEN", "s3cr3t-value"]]);
    const record = await box.run(
      [commands("c", ['echo "$TOKEN" >&2; exit 1'])],
      { secretEnvs: ["TOKEN"] },
      { secrets },
    );
    expect(JSON.stringify([record, box.lines])).not.to.contain("s3cr3t-value");
  });

  it("fails a task whose template has an undefined name", async () => {
    const record = await box.run([commands("c", ["echo {{ nowhere }}"])]);
    expect(record.tasks[0]?.error).to.contain("`nowhere` is undefined");
  });

  it("names a step by its program, or by the script that an interpreter runs", () => {
    expect(programName("tap-x --config a")).to.equal("tap-x");
    expect(programName("A=1 python3 files/long.py")).to.equal("long.py");
    expect(programName("{{ python }} files/long.py")).to.equal("long.py");
    expect(programName("/usr/bin/env")).to.equal("env");
  });
});
