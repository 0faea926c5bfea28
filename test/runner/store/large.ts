/** Many files and a large one through a real server, in a process of its own whose memory is watched. */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { expect } from "chai";
import type { Place } from "./faults.js";
import { Workspaces } from "./workspace.js";

const mib = 1024 * 1024;
const count = 10_000;
const sizeMib = 2048;
/** Node, tsx and a cloud's library have some 130 of them. */
const mostMib = 300;

export interface OwnPlace extends Place {
  /** Removes what was stored. */
  stop?(): Promise<void>;
}

/**
 * A test: moves many small files and a large one there and back; the process's memory grows with neither.
 * @param open a place, or a server, for this test alone: others would be slowed down by what it has to keep
 */
export function movesMuch(open: () => Promise<OwnPlace>): void {
  it("moves 10,000 small files and one of 2 GiB with flat memory", async function () {
    this.timeout(900_000);
    const at = new Workspaces();
    const { url, env, stop } = await open();
    try {
      const [work, next] = [at.make(), at.make()];
      const sha256 = fill(work, count, sizeMib * mib);
      const most = await roundTrip(url, env, work, next);
      expect(fs.readdirSync(path.join(next, "artifacts"))).to.have.length(count + 1);
      const hash = createHash("sha256");
      for await (const chunk of fs.createReadStream(path.join(next, "artifacts", "large")))
        hash.update(chunk);
      expect(hash.digest("hex")).to.equal(sha256);
      expect(fs.readFileSync(path.join(next, "artifacts", `f${count - 1}`), "utf8")).to.equal(
        `file ${count - 1}\n`,
      );
      expect(most, "MiB").to.be.below(mostMib);
    } finally {
      await stop?.();
      at.remove();
    }
  });
}

/** Makes `count` small files and one of `size` bytes in `work`; gives the large one's SHA-256. */
function fill(work: string, count: number, size: number): string {
  fs.mkdirSync(path.join(work, "artifacts"), { recursive: true });
  for (let i = 0; i < count; i++) fs.writeFileSync(path.join(work, "artifacts", `f${i}`), `file ${i}\n`);
  const hash = createHash("sha256");
  const fd = fs.openSync(path.join(work, "artifacts", "large"), "w");
  for (let at = 0; at < size; at += mib) {
    const chunk = Buffer.alloc(Math.min(mib, size - at), `${at} `);
    hash.update(chunk);
    fs.writeSync(fd, chunk);
  }
  fs.closeSync(fd);
  return hash.digest("hex");
}

/** Pushes `work`, fetches to `next`; gives the largest resident size in MiB. */
async function roundTrip(
  location: string,
  env: Readonly<Record<string, string>>,
  work: string,
  next: string,
): Promise<number> {
  const module = pathToFileURL(path.resolve("runner-image/src/store/open.ts")).href;
  const script = `import { openArtifacts } from ${JSON.stringify(module)};
    let most = 0;
    const timer = setInterval(() => { most = Math.max(most, process.memoryUsage.rss()); }, 20);
    await openArtifacts(${JSON.stringify(location)}, process.env).push("run-1", ${JSON.stringify(work)}, []);
    await openArtifacts(${JSON.stringify(location)}, process.env).fetchLast(${JSON.stringify(next)}, ["**"]);
    clearInterval(timer);
    console.log("MiB " + Math.round(most / ${mib}));
    process.exit(0);`;
  const child = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: process.env.PATH ?? "", HOME: process.env.HOME ?? "", ...env },
  });
  let printed = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => {
      printed += chunk.toString();
    });
  }
  await new Promise((resolve) => child.once("close", resolve));
  const most = /^MiB (\d+)$/m.exec(printed)?.[1];
  if (most === undefined) throw new Error(`the round trip failed: ${printed.slice(-3000)}`);
  return Number(most);
}
