import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import type { Notification } from "../../../model/project.js";
import { type NotifyDeps, type RunEvent, sendNotifications } from "../../../providers/local/notify.js";
import { describeEvent } from "../../../providers/local/notify-event.js";

const failed: RunEvent = {
  event: "failure",
  project: "fx",
  client: "client-a",
  stack: "dev",
  deployment: "pipelines-dev",
  job: "fx",
  schedule: "every-morning",
  runId: "20261121T060000Z-5f3a9c",
  status: "failure",
  exitCode: 1,
  scheduledAt: "2026-11-21T06:00:00.000Z",
  startedAt: "2026-11-21T06:00:00.400Z",
  durationMs: 12_345,
  error: "task load, step target-csv exited with 1",
  metrics: {},
  attempt: 1,
};
const { error: _error, ...withoutError } = failed;
const succeeded: RunEvent = {
  ...withoutError,
  event: "success",
  status: "success",
  exitCode: 0,
  metrics: { files: 3, records: 1204 },
};

interface Received {
  readonly method: string | undefined;
  readonly path: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: Record<string, unknown>;
}

/** Answers with the statuses in turn, the last one for ever; "hang" never answers. */
async function webhook(answers: readonly (number | "hang")[]) {
  const received: Received[] = [];
  const server: Server = createServer((request, response) => {
    let text = "";
    request.on("data", (chunk) => {
      text += String(chunk);
    });
    request.on("end", () => {
      const { method, url: path, headers } = request;
      received.push({ method, path, headers, body: JSON.parse(text) as Record<string, unknown> });
      const answer = answers[Math.min(received.length, answers.length) - 1] ?? 200;
      if (answer === "hang") return;
      response.writeHead(answer, { location: "/elsewhere" }).end("thanks");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    received,
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(resolve);
      }),
  };
}

/** Sends to one target; returns what was logged. */
async function send(
  target: Notification["target"],
  event: RunEvent,
  deps: Partial<NotifyDeps> = {},
): Promise<string> {
  const lines: string[] = [];
  await sendNotifications([{ on: [event.event], target }], event, {
    readSecret: () => undefined,
    log: (line) => lines.push(line),
    env: process.env,
    retryDelaysMs: [5, 10],
    ...deps,
  });
  return lines.join("\n");
}

describe("local: what a notification says", () => {
  it("names the pipeline, the client, the error and the log of a failure", () => {
    expect(describeEvent(failed)).to.equal(
      "fx (client-a): failed after 12 s: task load, step target-csv exited with 1. Log: handoff logs -s dev 20261121T060000Z-5f3a9c",
    );
  });

  it("counts what a success has done, records first", () => {
    expect(describeEvent(succeeded)).to.equal("fx (client-a): succeeded in 12 s, 1,204 records, 3 files.");
  });

  it("names the job where a project has several", () => {
    expect(describeEvent({ ...succeeded, job: "load", metrics: {}, durationMs: 185_000 })).to.equal(
      "fx/load (client-a): succeeded in 3 min 05 s.",
    );
  });

  it("names the schedule and the time of a missed run, which has no log", () => {
    const event: RunEvent = {
      ...withoutError,
      event: "missed",
      status: "missed",
      exitCode: null,
      startedAt: null,
      durationMs: 0,
    };
    expect(describeEvent(event)).to.equal(
      "fx (client-a): missed: schedule every-morning was to run at 2026-11-21 06:00 UTC.",
    );
  });

  it("keeps a long error of several lines short and on one line", () => {
    const text = describeEvent({ ...failed, error: `first\nsecond ${"x".repeat(5000)}` });
    expect(text).to.include("first second xxx");
    expect(text.length).to.be.below(700);
  });
});

describe("local: notifications", function () {
  this.timeout(30_000);
  const secret = "T0K3N-of-the-webhook";

  it("posts the event with a text, tries again after a 500, and says nothing of it", async () => {
    const server = await webhook([500, 503, 200]);
    try {
      const asked: string[] = [];
      const log = await send({ kind: "webhook", secret: "SLACK_URL" }, failed, {
        readSecret: (key) => {
          asked.push(key);
          return `${server.url}/services/${secret}\n`;
        },
      });
      expect(log).to.equal("");
      expect(asked).to.deep.equal(["SLACK_URL"]);
      expect(server.received).to.have.length(3);
      const [first] = server.received;
      expect(first?.method).to.equal("POST");
      expect(first?.path).to.equal(`/services/${secret}`);
      expect(first?.headers["content-type"]).to.equal("application/json");
      expect(first?.body).to.deep.equal({ text: describeEvent(failed), schemaVersion: 1, ...failed });
    } finally {
      await server.close();
    }
  });

  it("gives up after three tries, and logs the status without the address", async () => {
    const server = await webhook([500]);
    try {
      const log = await send({ kind: "webhook", secret: "SLACK_URL" }, failed, {
        readSecret: () => `${server.url}/${secret}`,
      });
      expect(server.received).to.have.length(3);
      expect(log).to.equal(
        `${failed.runId}: webhook of secret SLACK_URL was not notified: HTTP 500 (3 tries)`,
      );
    } finally {
      await server.close();
    }
  });

  it("does not repeat what was refused, nor follow a redirect", async () => {
    for (const status of [404, 302]) {
      const server = await webhook([status]);
      try {
        const log = await send({ kind: "webhook", url: `${server.url}/${secret}` }, failed);
        expect(server.received).to.have.length(1);
        expect(log).to.match(new RegExp(`webhook 127\\.0\\.0\\.1:\\d+ was not notified: HTTP ${status}$`));
        expect(log).not.to.include(secret);
      } finally {
        await server.close();
      }
    }
  });

  it("waits for an answer so long and no longer", async () => {
    const server = await webhook(["hang"]);
    try {
      const log = await send({ kind: "webhook", url: server.url }, failed, {
        webhookTimeoutMs: 50,
        retryDelaysMs: [],
      });
      expect(log).to.match(/no answer in 0\.05 s$/);
    } finally {
      await server.close();
    }
  });

  it("never logs the address, whatever is wrong with it", async () => {
    const gone = await webhook([200]);
    await gone.close();
    const cases: readonly (readonly [string | undefined, RegExp])[] = [
      [`not a URL ${secret}`, /no http\(s\) URL/],
      [`https://[${secret}]/x`, /no http\(s\) URL/],
      [`file:///${secret}`, /no http\(s\) URL/],
      [`${gone.url}/${secret}`, /ECONNREFUSED \(3 tries\)/],
      [`http://user:%zz${secret}@127.0.0.1/`, /URIError/],
      [" ", /no value/],
      [undefined, /no value/],
    ];
    for (const [address, reason] of cases) {
      const log = await send({ kind: "webhook", secret: "SLACK_URL" }, failed, { readSecret: () => address });
      expect(log).to.match(/webhook of secret SLACK_URL was not notified: /);
      expect(log).to.match(reason);
      expect(log).not.to.include(secret);
    }
  });

  it("sends a password in the address as a header", async () => {
    const server = await webhook([200]);
    try {
      const url = server.url.replace("//", "//me:p%40ss@");
      expect(await send({ kind: "webhook", url }, succeeded)).to.equal("");
      const expected = `Basic ${Buffer.from("me:p@ss").toString("base64")}`;
      expect(server.received[0]?.headers.authorization).to.equal(expected);
    } finally {
      await server.close();
    }
  });

  it("keeps markup in an error from calling everybody", async () => {
    const server = await webhook([200]);
    try {
      await send({ kind: "webhook", url: server.url }, { ...failed, error: "<!channel> a & b" });
      expect(server.received[0]?.body.text).to.include("&lt;!channel&gt; a &amp; b");
      expect(server.received[0]?.body.error).to.equal("<!channel> a & b");
    } finally {
      await server.close();
    }
  });

  it("stops trying when it is told to", async () => {
    const server = await webhook([500]);
    const stop = new AbortController();
    try {
      const sending = send({ kind: "webhook", url: server.url }, failed, {
        signal: stop.signal,
        retryDelaysMs: [600_000],
      });
      while (server.received.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
      setTimeout(() => stop.abort(), 100);
      expect(await sending).to.match(/was not notified/);
      expect(server.received).to.have.length(1);
    } finally {
      await server.close();
    }
  });

  it("sends each notification what it asks for, and one that fails does not keep the others back", async () => {
    const server = await webhook([200]);
    const lines: string[] = [];
    const deps: NotifyDeps = {
      readSecret: () => undefined,
      log: (line) => lines.push(line),
      env: process.env,
    };
    const all: readonly Notification[] = [
      { on: ["failure"], target: { kind: "webhook", url: `${server.url}/failures` } },
      { on: ["success", "missed"], target: { kind: "email", address: "data@example.com" } },
      { on: ["success"], target: { kind: "webhook", secret: "UNSET" } },
      { on: ["success"], target: { kind: "webhook", url: `${server.url}/successes` } },
    ];
    try {
      await sendNotifications(all, succeeded, deps);
      expect(server.received.map(({ path }) => path)).to.deep.equal(["/successes"]);
      expect(lines.join("\n")).to.match(/email data@example\.com .* not available on the local platform/);
      expect(lines).to.have.length(2);
    } finally {
      await server.close();
    }
  });

  describe("by command", () => {
    let dir: string;
    beforeEach(() => {
      dir = mkdtempSync(join(tmpdir(), "handoff notify "));
    });
    afterEach(() => rmSync(dir, { recursive: true, force: true }));

    it("gives the event as JSON on stdin", async () => {
      const env = { PATH: process.env.PATH, OUT: join(dir, "event.json") };
      expect(await send({ kind: "command", command: 'cat > "$OUT"' }, failed, { env })).to.equal("");
      expect(JSON.parse(readFileSync(env.OUT, "utf8"))).to.deep.equal({
        schemaVersion: 1,
        text: describeEvent(failed),
        ...failed,
      });
    });

    it("logs how it failed, without its arguments", async () => {
      const command = `PASSWORD=${secret} sh -c 'echo no such list >&2; exit 3' ${secret}`;
      expect(await send({ kind: "command", command }, failed)).to.equal(
        `${failed.runId}: command sh was not notified: it exited with 3: no such list`,
      );
    });

    it("is content with one that reads nothing and leaves a process behind", async () => {
      const file = join(dir, "pid");
      try {
        const env = { PATH: process.env.PATH, FILE: file };
        expect(
          await send({ kind: "command", command: 'sleep 600 & echo $! > "$FILE"' }, failed, { env }),
        ).to.equal("");
      } finally {
        process.kill(Number(readFileSync(file, "utf8")), "SIGKILL");
      }
    });

    it("stops one that takes too long, with what it has started and what does not heed it", async () => {
      const file = join(dir, "late");
      const env = { PATH: process.env.PATH, FILE: file };
      const command = `(trap "" TERM; sleep 3; touch "$FILE") & wait`;
      const started = Date.now();
      const log = await send({ kind: "command", command }, failed, { env, commandTimeoutMs: 200 });
      expect(log).to.match(/was not notified: it took longer than 0\.2 s$/);
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, started + 4000 - Date.now())));
      expect(existsSync(file)).to.equal(false);
    });
  });
});
