/** Tells people how a run ended: webhooks and commands. A notification that fails is logged and changes nothing else. */
import { spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import type { Notification } from "../../model/project.js";
import { forChat } from "../../model/run-summary.js";
import { describeEvent, type RunEvent } from "./notify-event.js";

export type { RunEvent } from "./notify-event.js";

export interface NotifyDeps {
  /** The value of a secret; undefined when it has none. Asked at the moment of use. */
  readonly readSecret: (key: string) => string | undefined;
  /** Default: the global one. */
  readonly fetch?: typeof fetch;
  readonly log: (line: string) => void;
  /** Environment of commands. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Gives up what is not sent yet. */
  readonly signal?: AbortSignal;
  /** Between the tries of a webhook, in ms. Default 1000, then 4000: three tries. */
  readonly retryDelaysMs?: readonly number[];
  /** Of one try of a webhook, and of a command. Default 10,000 and 60,000. */
  readonly webhookTimeoutMs?: number;
  readonly commandTimeoutMs?: number;
}

/** Between a command's SIGTERM and its SIGKILL. */
const killAfterMs = 5000;
/** What a background process of the command's may hold our pipe for. */
const pipeGraceMs = 500;
const errorTail = 300;

/** Sends the event to every notification that asks for it, all at the same time. Never throws. */
export async function sendNotifications(
  notifications: readonly Notification[],
  event: RunEvent,
  deps: NotifyDeps,
): Promise<void> {
  await Promise.all(
    notifications
      .filter(({ on }) => on.includes(event.event))
      .map(async ({ target }) => {
        const name = targetName(target);
        try {
          const problem = await send(target, event, deps);
          if (problem !== undefined) deps.log(`${event.runId}: ${name} was not notified: ${problem}`);
        } catch (error) {
          // Not its message: that may hold the address.
          deps.log(`${event.runId}: ${name} was not notified: ${errorCode(error)}`);
        }
      }),
  );
}

/** Never a whole address: that of a webhook is a password. */
function targetName(target: Notification["target"]): string {
  switch (target.kind) {
    case "email":
      return `email ${target.address}`;
    case "webhook":
      return target.secret === undefined
        ? `webhook ${hostOf(target.url)}`
        : `webhook of secret ${target.secret}`;
    case "command": {
      // Assignments before the program may hold passwords, and so may its arguments.
      const program = target.command.split(/\s+/).find((word) => word !== "" && !word.includes("="));
      return `command ${program ?? ""}`.trimEnd();
    }
  }
}

function hostOf(url: string | undefined): string {
  return (url && URL.canParse(url) ? new URL(url).host : "") || "without a host";
}

/** Why it was not sent; undefined when it was. */
async function send(
  target: Notification["target"],
  event: RunEvent,
  deps: NotifyDeps,
): Promise<string | undefined> {
  switch (target.kind) {
    case "email":
      return "email is not available on the local platform; use a webhook or a command";
    case "webhook": {
      const address = target.secret === undefined ? target.url : deps.readSecret(target.secret);
      if (address === undefined || address.trim() === "") return "its address has no value";
      return await postWebhook(address.trim(), event, deps);
    }
    case "command":
      return await runCommand(target.command, event, deps);
  }
}

async function postWebhook(address: string, event: RunEvent, deps: NotifyDeps): Promise<string | undefined> {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) return "its address is no http(s) URL";
  const headers = new Headers({ "content-type": "application/json", "user-agent": "handoff" });
  if (url.username !== "" || url.password !== "") {
    // fetch takes no URL with a password in it.
    const login = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
    headers.set("authorization", `Basic ${Buffer.from(login).toString("base64")}`);
    url.username = "";
    url.password = "";
  }
  const text = forChat(describeEvent(event));
  const body = JSON.stringify({ text, schemaVersion: 1, ...event });
  const delays = deps.retryDelaysMs ?? [1000, 4000];
  for (let attempt = 0; ; attempt++) {
    const problem = await postOnce(url, { method: "POST", headers, body, redirect: "manual" }, deps);
    if (problem === undefined) return undefined;
    const delay = deps.signal?.aborted || !problem.again ? undefined : delays[attempt];
    if (delay === undefined) return `${problem.what}${attempt > 0 ? ` (${attempt + 1} tries)` : ""}`;
    await sleep(delay, undefined, deps.signal ? { signal: deps.signal } : {});
  }
}

async function postOnce(
  url: URL,
  init: RequestInit,
  deps: NotifyDeps,
): Promise<{ readonly what: string; readonly again: boolean } | undefined> {
  const timeoutMs = deps.webhookTimeoutMs ?? 10_000;
  const abort = new AbortController();
  const stop = () => abort.abort();
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    stop();
  }, timeoutMs);
  deps.signal?.addEventListener("abort", stop, { once: true });
  if (deps.signal?.aborted) stop();
  try {
    const response = await (deps.fetch ?? fetch)(url, { ...init, signal: abort.signal });
    await response.body?.cancel();
    if (response.ok) return undefined;
    const again = response.status >= 500 || response.status === 408 || response.status === 429;
    return { what: `HTTP ${response.status}`, again };
  } catch (error) {
    return { what: late ? `no answer in ${timeoutMs / 1000} s` : errorCode(error), again: true };
  } finally {
    clearTimeout(timer);
    deps.signal?.removeEventListener("abort", stop);
  }
}

/** `ECONNREFUSED`, or the error's class; messages of fetch hold the whole address. */
function errorCode(error: unknown): string {
  if (!(error instanceof Error)) return "unknown error";
  const { cause } = error;
  for (const candidate of [cause, error]) {
    if (candidate instanceof Error && "code" in candidate && typeof candidate.code === "string") {
      return candidate.code;
    }
  }
  return cause instanceof Error ? cause.name : error.name;
}

/** The event as JSON on stdin; stdout is dropped, the end of stderr explains a failure. */
function runCommand(command: string, event: RunEvent, deps: NotifyDeps): Promise<string | undefined> {
  const timeoutMs = deps.commandTimeoutMs ?? 60_000;
  if (deps.signal?.aborted) return Promise.resolve("stopped");
  return new Promise((resolve) => {
    // A group of its own, so that a stop reaches what the shell has started.
    const child = spawn("/bin/sh", ["-c", command], {
      env: { ...deps.env },
      stdio: ["pipe", "ignore", "pipe"],
      detached: true,
    });
    let said = "";
    let stopped: string | undefined;
    let exited: string | undefined;
    const killGroup = (name: NodeJS.Signals) => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, name);
      } catch {
        // It has ended meanwhile.
      }
    };
    const timers: NodeJS.Timeout[] = [];
    const stop = (why: string) => {
      stopped ??= why;
      killGroup("SIGTERM");
      timers.push(setTimeout(() => killGroup("SIGKILL"), killAfterMs));
    };
    const onAbort = () => stop("stopped");
    timers.push(setTimeout(() => stop(`it took longer than ${timeoutMs / 1000} s`), timeoutMs));
    deps.signal?.addEventListener("abort", onAbort, { once: true });
    const settle = (problem: string | undefined) => {
      for (const timer of timers) clearTimeout(timer);
      deps.signal?.removeEventListener("abort", onAbort);
      child.stderr.destroy();
      // What did not heed the SIGTERM, though its shell did.
      if (stopped !== undefined) killGroup("SIGKILL");
      const tail = said.trim().replace(/\s+/g, " ").slice(-errorTail);
      const because = stopped ?? problem;
      resolve(because === undefined || tail === "" ? because : `${because}: ${tail}`);
    };
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      said = (said + text).slice(-4 * errorTail);
    });
    // A command need not read its stdin.
    child.stdin.on("error", () => undefined);
    child.stdin.end(`${JSON.stringify({ schemaVersion: 1, text: describeEvent(event), ...event })}\n`);
    child.on("error", (error) => settle(errorCode(error)));
    child.on("exit", (code, signal) => {
      exited = code === 0 ? undefined : code === null ? `it died by ${signal}` : `it exited with ${code}`;
      timers.push(setTimeout(() => settle(exited), pipeGraceMs));
    });
    child.on("close", () => settle(exited));
  });
}
