/** moto's server, on loopback: the AWS services that tests talk to over HTTP. */
import { type ChildProcess, spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { motoPython } from "./moto/server.js";

export interface MotoServer {
  /** Such as `http://127.0.0.1:40123`. */
  readonly endpoint: string;
  /** Ends it; resolves when it is gone. */
  stop(): Promise<void>;
}

/** On a port that the system chooses. @throws Error with what it printed, when it doesn't come up within two minutes */
export async function startMoto(): Promise<MotoServer> {
  // Not by its script, in whose first line is the folder that the environment was made in.
  const main = "import sys; from moto.server import main; main(sys.argv[1:])";
  const child = spawn(motoPython(), ["-c", main, "-H", "127.0.0.1", "-p", "0"], {
    stdio: ["ignore", "ignore", "pipe"],
    env: { PATH: process.env.PATH ?? "", PYTHONUNBUFFERED: "1", AWS_EC2_METADATA_DISABLED: "true" },
  });
  return { endpoint: await listening(child), stop: () => stopped(child) };
}

async function listening(child: ChildProcess): Promise<string> {
  let printed = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    printed = (printed + chunk.toString()).slice(-4000);
  });
  for (let waited = 0; waited < 120_000; waited += 100) {
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(printed)?.[0];
    if (url !== undefined) return url;
    if (child.exitCode !== null) break;
    await sleep(100);
  }
  await stopped(child);
  throw new Error(`moto_server did not start: ${printed}`);
}

async function stopped(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await gone;
}
