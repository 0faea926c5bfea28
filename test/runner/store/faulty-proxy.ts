/** In front of a real server, on loopback: passes requests on, and does to some what networks and stores do. */
import { createServer, type IncomingMessage, type ServerResponse, request as send } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * - `fail`: answered with 500, and not passed on
 * - `lose`: passed on, but the connection ends before the answer
 * - `truncate`: the answer's body breaks off in its middle
 * - `cut`: the connection ends in the middle of the request's body, on both sides
 * - `refuse`: the connection ends at once
 * - `slow`: the answer takes 200 ms, and its body comes in small pieces
 * - `hang`: there is never an answer
 */
export type Fault = "none" | "fail" | "lose" | "truncate" | "cut" | "refuse" | "slow" | "hang";

export interface SeenRequest {
  /** From 1. */
  readonly number: number;
  /** Of an object; undefined for a list. */
  readonly key: string | undefined;
  readonly isWrite: boolean;
}

export interface FaultyProxy {
  readonly endpoint: string;
  /** Says what happens to a request. */
  decide: (request: SeenRequest) => Fault;
  /** Keys of objects that the server was given whole, in order. */
  readonly written: string[];
  /** How many requests each fault has met. */
  readonly met: Readonly<Record<Fault, number>>;
  stop(): Promise<void>;
}

/** Every 5th request fails, every 23rd answer is lost, every 9th download breaks off, every 11th is slow. */
export function everyKind(): FaultyProxy["decide"] {
  let downloads = 0;
  return ({ number, key, isWrite }) => {
    if (number % 5 === 0) return "fail";
    if (number % 23 === 0) return "lose";
    if (key !== undefined && !isWrite && ++downloads % 9 === 0) return "truncate";
    return number % 11 === 0 ? "slow" : "none";
  };
}

export async function startFaultyProxy(target: string): Promise<FaultyProxy> {
  const { hostname, port } = new URL(target);
  const met = { none: 0, fail: 0, lose: 0, truncate: 0, cut: 0, refuse: 0, slow: 0, hang: 0 };
  const written: string[] = [];
  let requests = 0;

  const forward = (incoming: IncomingMessage, outgoing: ServerResponse, fault: Fault, seen: SeenRequest) => {
    const { method, url, headers } = incoming;
    const onward = send({ hostname, port, method, path: url, headers }, (answer) => {
      if (seen.isWrite && seen.key && (answer.statusCode ?? 500) < 300) written.push(seen.key);
      if (fault === "lose") {
        answer.resume();
        answer.once("end", () => outgoing.destroy());
        return;
      }
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      if (fault === "slow") void dribble(answer, outgoing);
      else if (fault === "truncate" && answer.statusCode === 200) {
        answer.once("data", (chunk: Buffer) => {
          outgoing.write(chunk.subarray(0, chunk.length / 2), () => outgoing.destroy());
          answer.resume();
        });
      } else answer.pipe(outgoing);
    });
    onward.once("error", () => outgoing.destroy());
    if (fault !== "cut") incoming.pipe(onward);
    else {
      incoming.once("data", (chunk: Buffer) => {
        onward.write(chunk.subarray(0, chunk.length / 2), () => onward.destroy());
        outgoing.destroy();
      });
    }
  };

  const proxy: FaultyProxy = {
    endpoint: "",
    decide: () => "none",
    written,
    met,
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
  const server = createServer((incoming, outgoing) => {
    const { method = "GET", url = "/" } = incoming;
    const key = /\/(objects\/[0-9a-f]{64}|runs\/[^/?&]+\.json|last|clock|swept)(?:[?&]|$)/.exec(
      decodeURIComponent(url),
    )?.[1];
    const seen = { number: ++requests, key, isWrite: method === "PUT" || method === "POST" };
    const fault = proxy.decide(seen);
    met[fault] += 1;
    if (fault === "refuse") outgoing.destroy();
    else if (fault === "hang") incoming.resume();
    else if (fault === "fail") {
      incoming.resume();
      incoming.once("end", () => {
        outgoing.writeHead(500, { "content-type": "application/xml" });
        outgoing.end(
          "<Error><Code>InternalError</Code><Message>We encountered an internal error.</Message></Error>",
        );
      });
    } else forward(incoming, outgoing, fault, seen);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return Object.assign(proxy, { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
}

async function dribble(from: IncomingMessage, to: ServerResponse): Promise<void> {
  await sleep(200);
  for await (const chunk of from) {
    for (let at = 0; at < chunk.length; at += 4096) {
      to.write((chunk as Buffer).subarray(at, at + 4096));
      await sleep(1);
    }
  }
  to.end();
}
