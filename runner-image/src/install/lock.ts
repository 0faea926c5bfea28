/** Lets one process at a time build a virtual environment. */

import { randomUUID } from "node:crypto";
import { link, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ExitCode, UserError } from "../../../model/diagnostic.js";
import { isAlive } from "../alive.js";

export interface LockOptions {
  readonly log: (line: string) => void;
  readonly signal?: AbortSignal;
}

/** Waits for a process that is building `dir`; takes over from one that has died. */
export async function lockVenv(dir: string, options: LockOptions): Promise<{ release(): Promise<void> }> {
  const lock = path.join(path.dirname(dir), `.${path.basename(dir)}.lock`);
  await mkdir(path.dirname(dir), { recursive: true });
  // Two installations in one process must not share it.
  const mine = `${lock}.${process.pid}.${randomUUID()}`;
  await writeFile(mine, `${process.pid}\n`);
  try {
    for (let told = false; ; told = true) {
      try {
        // A link, not an exclusive open: the lock has its content from the first moment on.
        await link(mine, lock);
        return { release: () => rm(lock, { force: true }) };
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      }
      const holder = Number(await readFile(lock, "utf8").catch(() => "0"));
      if (holder > 0 && !isAlive(holder)) {
        await rm(lock, { force: true });
        continue;
      }
      if (!told) options.log(`${path.basename(dir)}: waiting for process ${holder}, which is installing it`);
      await sleep(200);
      if (options.signal?.aborted === true) {
        throw new UserError("interrupted while waiting for another installation", {
          code: "install-interrupted",
          exitCode: ExitCode.interrupted,
        });
      }
    }
  } finally {
    await rm(mine, { force: true });
  }
}
