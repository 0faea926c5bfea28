/** fake-gcs-server, a Go program: built once below .cache, which takes some minutes, and started on loopback. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { goProgram } from "../../support/tools.js";
import { freePort } from "./free-port.js";

export interface GcsServer {
  /** Such as `http://127.0.0.1:40123`. */
  readonly endpoint: string;
  stop(): Promise<void>;
}

/**
 * With one bucket. @throws Error when it doesn't answer within a minute
 * @param onDisk keeps contents in a folder, until it is stopped: it searches its memory object by object for each request
 */
export async function startGcs(bucket: string, { onDisk = false } = {}): Promise<GcsServer> {
  const program = goProgram("fake-gcs-server", "github.com/fsouza/fake-gcs-server", "v1.54.0");
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const dir = onDisk ? mkdtempSync(join(tmpdir(), "handoff-gcs-")) : null;
  const backend = dir === null ? ["-backend", "memory"] : ["-backend", "filesystem", "-filesystem-root", dir];
  const args = ["-scheme", "http", "-host", "127.0.0.1", "-port", String(port), ...backend];
  const child = spawn(program, [...args, "-public-host", `127.0.0.1:${port}`, "-external-url", endpoint], {
    stdio: "ignore",
  });
  const stop = async (): Promise<void> => {
    await stopped(child);
    if (dir !== null) rmSync(dir, { recursive: true, force: true });
  };
  const make = () =>
    fetch(`${endpoint}/storage/v1/b?project=test`, {
      method: "POST",
      body: JSON.stringify({ name: bucket }),
    });
  for (let tries = 0; !(await make().catch(() => null))?.ok; tries++) {
    if (tries === 300 || child.exitCode !== null) {
      await stop();
      throw new Error("fake-gcs-server did not start");
    }
    await sleep(200);
  }
  return { endpoint, stop };
}

async function stopped(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await gone;
}
