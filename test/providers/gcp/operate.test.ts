import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { UserError } from "../../../model/diagnostic.js";
import type { Operator } from "../../../providers/operate.js";
import { fullPlan } from "../plans.js";
import type { RunExecution } from "./operate-server.js";
import { idAt, OperatedStack } from "./operated-stack.js";

async function refusal(call: Promise<unknown>): Promise<UserError> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof UserError) return error;
  throw new Error(`expected a UserError, got ${String(error)}`);
}

const failed = (message: string, more: object = {}) => ({
  conditions: [{ type: "Completed", state: "CONDITION_FAILED", message, ...more }],
  succeededCount: 0,
  failedCount: 1,
});

describe("gcp: operating a project of one job", function () {
  this.timeout(120_000);
  let stack: OperatedStack;
  let operator: Operator;

  beforeEach(async () => {
    stack = new OperatedStack(fullPlan("gcp"));
    operator = await stack.open();
  });
  afterEach(() => stack.close());

  const executions = (): RunExecution[] => stack.server.executions.get(stack.physicalJob()) ?? [];

  describe("runs", () => {
    it("are the records, and what Cloud Run knows of those without one", async () => {
      const scheduled = idAt("2026-11-21T06:00:10Z");
      stack.execution("fx-aaaaa", "2026-11-21T06:00:00.123456Z");
      await stack.record({
        runId: scheduled,
        endedAt: "2026-11-21T06:01:00.000Z",
        scheduledAt: "2026-11-21T06:00:00.000Z",
        schedule: "daily",
        execution: "fx-aaaaa",
        metrics: { records: 1204 },
      });
      stack.execution(
        "fx-bbbbb",
        "2026-11-21T07:00:00Z",
        failed("Task fx-bbbbb-task0 failed with message: Out of memory"),
      );
      stack.server.attempts.set("fx-bbbbb", { termSignal: 9, status: { code: 8, message: "Out of memory" } });
      stack.execution("fx-ccccc", "2026-11-21T08:00:00Z", {
        ...failed("The execution was cancelled", { executionReason: "CANCELLED" }),
        failedCount: 0,
        cancelledCount: 1,
      });
      stack.execution("fx-ddddd", "2026-11-21T09:00:00Z", failed("The configured timeout was reached."));
      stack.execution("fx-eeeee", "2026-11-21T10:00:00Z", {
        completionTime: null,
        succeededCount: 0,
        runningCount: 1,
        conditions: [{ type: "Completed", state: "CONDITION_RECONCILING" }],
        template: { containers: [{ env: [{ name: "HANDOFF_SCHEDULE", value: "hourly" }] }] },
      });
      stack.execution("fx-fffff", "2026-11-21T11:00:00Z", {
        startTime: null,
        completionTime: null,
        succeededCount: 0,
        conditions: [],
      });
      const runs = await operator.runs({ limit: 10 });
      expect(
        runs.map(({ runId, status, exitCode, schedule, reason }) => [
          runId,
          status,
          exitCode,
          schedule,
          reason,
        ]),
      ).to.deep.equal([
        ["fx-fffff", "queued", null, null, null],
        ["fx-eeeee", "running", null, "hourly", null],
        ["fx-ddddd", "timeout", null, null, "The configured timeout was reached."],
        ["fx-ccccc", "stopped", null, null, "it was cancelled"],
        ["fx-bbbbb", "failure", 137, null, "Out of memory"],
        [scheduled, "success", 0, "daily", null],
      ]);
      const [, running, , , , first] = runs;
      expect(first).to.deep.include({
        durationMs: 4000,
        metrics: { records: 1204 },
        stack: "prod",
        client: "client-a",
      });
      expect(running).to.deep.include({
        startedAt: "2026-11-21T10:00:05.000Z",
        endedAt: null,
        durationMs: null,
      });
      expect(running?.console).to.equal(
        "https://console.cloud.google.com/run/jobs/executions/details/us-central1/fx-eeeee/tasks?project=my-project",
      );
    });

    it("are found by the beginning of their ids, and by Cloud Run's own name", async () => {
      const runId = idAt("2026-11-21T06:00:10Z");
      stack.execution("fx-aaaaa", "2026-11-21T06:00:00Z");
      stack.execution("fx-abbbb", "2026-11-21T07:00:00Z");
      await stack.record({ runId, endedAt: "2026-11-21T06:01:00.000Z", execution: "fx-aaaaa" });
      expect((await operator.run(runId.slice(0, 20))).runId).to.equal(runId);
      expect((await operator.run("fx-aaaaa")).runId).to.equal(runId);
      expect((await operator.run(undefined)).runId).to.equal("fx-abbbb");
      expect((await refusal(operator.run("fx-a"))).code).to.equal("ambiguous-run");
      expect((await refusal(operator.run("fx-z"))).code).to.equal("unknown-run");
    });

    it("are read page by page, and no more of them than are asked for", async () => {
      stack.server.mostPerPage = 3;
      for (let hour = 0; hour < 10; hour += 1) stack.execution(`fx-x${hour}`, `2026-11-20T0${hour}:00:00Z`);
      const runs = await operator.runs({ limit: 7 });
      expect(runs.map(({ runId }) => runId)).to.deep.equal(
        [9, 8, 7, 6, 5, 4, 3].map((hour) => `fx-x${hour}`),
      );
      const pages = stack.server.asked(/GET .*\/executions\?/);
      expect(pages.map(({ path }) => /pageToken=(\d+)/.exec(path)?.[1])).to.deep.equal([undefined, "3", "6"]);
    });

    it("survive a server that refuses, and connections that end", async () => {
      stack.execution("fx-aaaaa", "2026-11-21T06:00:00Z");
      stack.server.faults.push(
        { match: /executions\?/, kind: "status", status: 503 },
        { match: /executions\?/, kind: "before" },
        { match: /executions\?/, kind: "half" },
      );
      expect((await operator.runs({ limit: 5 })).map(({ runId }) => runId)).to.deep.equal(["fx-aaaaa"]);
      expect(stack.server.faults).to.deep.equal([]);
    });
  });

  describe("trigger", () => {
    it("starts the job with a new id, and its arguments only where something is asked for", async () => {
      const run = await operator.trigger({});
      const [request] = stack.server.asked(/:run$/);
      expect(request?.body).to.deep.equal({
        overrides: {
          containerOverrides: [
            {
              env: [
                { name: "HANDOFF_SCHEDULED_AT", value: "2026-11-21T12:00:00.000Z" },
                { name: "HANDOFF_RUN_ID", value: run.runId },
              ],
            },
          ],
        },
      });
      expect(run).to.deep.include({
        status: "queued",
        job: "fx-rates",
        scheduledAt: "2026-11-21T12:00:00.000Z",
      });
      expect(run.runId).to.match(/^20261121T120000Z-/);
    });

    it("runs what a schedule would, for another instant, outside of its lease", async () => {
      const schedule = stack.plan.schedules[0]?.name ?? "";
      const run = await operator.trigger({
        schedule,
        scheduledAt: "2026-11-20T06:00:00+01:00",
        vars: { base: "EUR" },
        envs: { DRY: "1" },
      });
      const [execution] = executions();
      const [container] = execution?.template?.containers ?? [];
      expect(container?.args?.join(" ")).to.match(/^run .*-v base=EUR -e DRY=1/);
      expect(
        Object.fromEntries((container?.env ?? []).map(({ name, value }) => [name, value])),
      ).to.deep.equal({
        HANDOFF_SCHEDULED_AT: "2026-11-20T05:00:00.000Z",
        HANDOFF_RUN_ID: run.runId,
        HANDOFF_SCHEDULE: schedule,
        HANDOFF_OVERLAP: "allow",
      });
      expect(run).to.deep.include({ schedule, scheduledAt: "2026-11-20T05:00:00.000Z" });
    });

    it("is waited for until its record is there, and fails as it did", async () => {
      const { runId } = await operator.trigger({});
      let looks = 0;
      stack.onSleep = async () => {
        looks += 1;
        const [execution] = executions();
        if (!execution) return;
        if (looks === 2) execution.startTime = "2026-11-21T12:00:05Z";
        if (looks === 4)
          await stack.record({
            runId,
            endedAt: "2026-11-21T12:01:00.000Z",
            status: "failure",
            exitCode: 1,
            error: "task extract, step tap-x exited with 1",
            execution: execution.name?.split("/").at(-1) ?? null,
          });
      };
      const ended = await operator.wait(runId);
      expect(ended).to.deep.include({
        status: "failure",
        exitCode: 1,
        reason: "task extract, step tap-x exited with 1",
        endedAt: "2026-11-21T12:01:00.000Z",
      });
    });

    it("that was killed tells by what", async () => {
      const { runId } = await operator.trigger({});
      const message = "Memory limit of 512 MiB exceeded with 530 MiB used.";
      stack.onSleep = () => {
        const [execution] = executions();
        const startTime = "2026-11-21T12:00:05Z";
        Object.assign(execution ?? {}, {
          startTime,
          completionTime: "2026-11-21T12:03:05Z",
          ...failed("Task failed"),
        });
        const id = execution?.name?.split("/").at(-1) ?? "";
        stack.server.attempts.set(id, { termSignal: 9, status: { code: 8, message } });
      };
      expect(await operator.wait(runId)).to.deep.include({
        status: "failure",
        exitCode: 137,
        reason: message,
        durationMs: 180_000,
      });
    });

    it("that never started tells why", async () => {
      const { runId } = await operator.trigger({});
      stack.onSleep = () => {
        const [execution] = executions();
        Object.assign(execution ?? {}, {
          completionTime: "2026-11-21T12:03:00Z",
          ...failed("Image 'fx@sha256:00' not found."),
        });
      };
      expect(await operator.wait(runId)).to.deep.include({
        status: "failure",
        exitCode: null,
        startedAt: null,
        reason: "Image 'fx@sha256:00' not found.",
      });
    });

    it("whose answer is lost is looked for, and not made twice", async () => {
      stack.server.faults.push({ match: /:run$/, kind: "after" });
      const run = await operator.trigger({});
      expect(executions().map(({ template }) => template?.containers?.[0]?.env)).to.deep.equal([
        [
          { name: "HANDOFF_SCHEDULED_AT", value: "2026-11-21T12:00:00.000Z" },
          { name: "HANDOFF_RUN_ID", value: run.runId },
        ],
      ]);
    });

    it("that was not started is an error, and not made twice either", async () => {
      stack.server.faults.push({ match: /:run$/, kind: "before" });
      const error = await refusal(operator.trigger({}));
      expect(error.code).to.equal("cloud-call");
      expect(error.message).to.match(/^can't run fx-rates: .*; no such run is to be seen$/);
      expect(stack.server.asked(/:run$/)).to.have.length(1);
      expect(executions()).to.deep.equal([]);
    });

    it("is made again where there are too many at the moment", async () => {
      stack.server.faults.push({ match: /:run$/, kind: "status", status: 429 });
      await operator.trigger({});
      expect(executions()).to.have.length(1);
    });
  });

  describe("what is refused", () => {
    const body = (code: number, status: string, message: string) => ({ error: { code, status, message } });

    it("names the permission", async () => {
      const message = "Permission 'run.jobs.runWithOverrides' denied on resource.";
      stack.server.faults.push({
        match: /:run$/,
        kind: "status",
        status: 403,
        body: body(403, "PERMISSION_DENIED", message),
      });
      const error = await refusal(operator.trigger({}));
      expect(error.code).to.equal("not-allowed");
      expect(error.message).to.include(message);
      expect(error.hint).to.include("run.jobs.runWithOverrides");
    });

    it("says how one signs in", async () => {
      const message = "Request had invalid authentication credentials.";
      stack.server.faults.push({
        match: /executions/,
        kind: "status",
        status: 401,
        body: body(401, "UNAUTHENTICATED", message),
      });
      const error = await refusal(operator.runs({ limit: 1 }));
      expect(error.code).to.equal("signed-out");
      expect(error.hint).to.include("gcloud auth application-default login");
    });

    it("says so too where a keyless login's token is exchanged for none", async () => {
      const refuse = { error: "invalid_grant", error_description: "The subject token has expired." };
      const tokens = createServer((_request, response) => {
        response.writeHead(400, { "content-type": "application/json" }).end(JSON.stringify(refuse));
      });
      await new Promise<void>((resolve) => tokens.listen(0, "127.0.0.1", resolve));
      const folder = mkdtempSync(join(tmpdir(), "handoff-gcp-"));
      try {
        const { port } = tokens.address() as AddressInfo;
        const [token, credentials] = [join(folder, "token"), join(folder, "credentials.json")];
        writeFileSync(token, "a token of the CI's");
        // As google-github-actions/auth writes it.
        const given = {
          type: "external_account",
          audience:
            "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/ci/providers/github",
          subject_token_type: "urn:ietf:params:oauth:token-type:jwt",
          token_url: `http://127.0.0.1:${port}/v1/token`,
          credential_source: { file: token },
        };
        writeFileSync(credentials, JSON.stringify(given));
        const keyless = stack.operator({ GOOGLE_APPLICATION_CREDENTIALS: credentials });
        const error = await refusal(keyless.setPaused(stack.plan.schedules[0]?.name ?? "", true));
        expect(error.code, error.message).to.equal("signed-out");
        expect(error.message).to.include("The subject token has expired.");
      } finally {
        await new Promise((resolve) => tokens.close(resolve));
        rmSync(folder, { recursive: true });
      }
    });

    it("is said of an endpoint that is none", () => {
      expect(() => stack.operator({ HANDOFF_GCP_ENDPOINT: "localhost" })).to.throw(
        UserError,
        "HANDOFF_GCP_ENDPOINT is localhost, which is no URL",
      );
    });

    it("is said of credentials that aren't there", async () => {
      const signedOut = stack.operator({ GOOGLE_APPLICATION_CREDENTIALS: "/nowhere/key.json" });
      const error = await refusal(signedOut.runs({ limit: 1 }));
      expect(error.code, error.message).to.equal("signed-out");
    });
  });

  describe("schedules", () => {
    it("are paused and resumed, and say when they fire next", async () => {
      const [schedule] = stack.plan.schedules.filter(({ enabled }) => enabled);
      const name = schedule?.name ?? "";
      const view = async () => (await operator.schedules()).find((one) => one.name === name);
      expect((await view())?.next).to.have.length(3);
      await operator.setPaused(name, true);
      expect(await view()).to.deep.include({ paused: true, enabled: true, next: [] });
      await operator.setPaused(name, false);
      expect(await view()).to.deep.include({ paused: false });
      expect(
        stack.server.asked(/:(pause|resume)$/).map(({ path }) => /[a-z]+$/.exec(path)?.[0]),
      ).to.deep.equal(["pause", "resume"]);
      expect((await refusal(operator.setPaused("nightly-x", true))).code).to.equal("unknown-schedule");
    });

    it("know their newest run", async () => {
      const name = stack.plan.schedules[0]?.name ?? "";
      const runId = idAt("2026-11-21T06:00:10Z");
      const scheduledAt = "2026-11-21T06:00:00.000Z";
      await stack.record({ runId, endedAt: "2026-11-21T06:01:00.000Z", scheduledAt, schedule: name });
      const view = (await operator.schedules()).find((one) => one.name === name);
      expect(view?.last).to.deep.equal({ runId, scheduledAt, status: "success" });
    });
  });
});
