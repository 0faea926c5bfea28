/** azurite's services, on loopback. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { BlobServiceClient } from "@azure/storage-blob";
import { QueueServiceClient } from "@azure/storage-queue";
import { freePort } from "./free-port.js";

/** The account that every azurite has, as its documentation says it; nothing is secret about its key. */
export const account = "devstoreaccount1";
const key = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

export interface Azurite {
  /** Of the storage account, such as `http://127.0.0.1:40123/devstoreaccount1`. */
  readonly endpoint: string;
  readonly env: Readonly<Record<"AZURE_STORAGE_CONNECTION_STRING", string>>;
  stop(): Promise<void>;
}

/** With one container. @throws Error when it doesn't answer within a minute */
export function startAzurite(container: string): Promise<Azurite> {
  return start("blob", (connection) => {
    const service = BlobServiceClient.fromConnectionString(connection, { retryOptions: { maxTries: 1 } });
    return service.getContainerClient(container).createIfNotExists();
  });
}

/** azurite's queue service with these queues. @throws Error when it doesn't answer within a minute */
export function startAzuriteQueues(...names: readonly string[]): Promise<Azurite> {
  return start("queue", async (connection) => {
    const service = QueueServiceClient.fromConnectionString(connection, { retryOptions: { maxTries: 1 } });
    for (const name of names) await service.getQueueClient(name).createIfNotExists();
  });
}

async function start(
  service: "blob" | "queue",
  prepare: (connection: string) => Promise<unknown>,
): Promise<Azurite> {
  const dir = mkdtempSync(join(tmpdir(), "handoff-azurite-"));
  const port = await freePort();
  const program = createRequire(import.meta.url).resolve(`azurite/dist/src/${service}/main.js`);
  const place = [`--${service}Host`, "127.0.0.1", `--${service}Port`, String(port), "--location", dir];
  const child = spawn(
    process.execPath,
    [program, ...place, "--silent", "--skipApiVersionCheck", "--disableTelemetry"],
    { stdio: "ignore" },
  );
  const stop = async (): Promise<void> => {
    await stopped(child);
    rmSync(dir, { recursive: true, force: true });
  };
  const endpoint = `http://127.0.0.1:${port}/${account}`;
  const kind = service === "blob" ? "BlobEndpoint" : "QueueEndpoint";
  const connection = `DefaultEndpointsProtocol=http;AccountName=${account};AccountKey=${key};${kind}=${endpoint};`;
  for (let tries = 0; ; tries++) {
    try {
      await prepare(connection);
      return { endpoint, env: { AZURE_STORAGE_CONNECTION_STRING: connection }, stop };
    } catch (error) {
      if (tries === 300 || child.exitCode !== null) {
        await stop();
        throw error;
      }
      await sleep(200);
    }
  }
}

async function stopped(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await gone;
}
