/** In front of a real server, on loopback: passes requests on, and does to some what networks and stores do. */
import { createServer, request as send } from "node:http";
import type { AddressInfo } from "node:net";

export interface FaultyProxy {
  readonly endpoint: string;
  readonly faults: {
    /** Answered with 500, and not passed on. */
    failed: number;
    /** Passed on, but the connection ended before the answer. */
    lost: number;
    /** Contents that broke off in their middle. */
    broken: number;
  };
  stop(): Promise<void>;
}

/** Every 5th request fails, every 23rd answer is lost, every 9th download breaks off. */
export async function startFaultyProxy(target: string): Promise<FaultyProxy> {
  const faults = { failed: 0, lost: 0, broken: 0 };
  const { hostname, port: targetPort } = new URL(target);
  let requests = 0;
  let downloads = 0;
  const server = createServer((incoming, outgoing) => {
    const { method = "GET", url = "/", headers } = incoming;
    const number = ++requests;
    if (number % 5 === 0) {
      faults.failed++;
      incoming.resume();
      incoming.once("end", () => {
        outgoing.writeHead(500, { "content-type": "application/xml" });
        outgoing.end(
          "<Error><Code>InternalError</Code><Message>We encountered an internal error.</Message></Error>",
        );
      });
      return;
    }
    const forward = send({ hostname, port: targetPort, method, path: url, headers }, (answer) => {
      if (number % 23 === 0) {
        faults.lost++;
        answer.resume();
        answer.once("end", () => outgoing.destroy());
        return;
      }
      const contents = method === "GET" && url.includes("/objects/") && answer.statusCode === 200;
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      if (contents && ++downloads % 9 === 0) {
        faults.broken++;
        answer.once("data", (chunk: Buffer) => {
          outgoing.write(chunk.subarray(0, chunk.length / 2), () => outgoing.destroy());
          answer.resume();
        });
        return;
      }
      answer.pipe(outgoing);
    });
    forward.once("error", () => outgoing.destroy());
    incoming.pipe(forward);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    faults,
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}
