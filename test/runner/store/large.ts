/** Many files and a large one through a real server, in a process of its own whose memory is watched. */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { expect } from "chai";
import { Workspaces } from "./workspace.js";

const mib = 1024 * 1024;

/** A test: moves `count` small files and one of `size` MiB there and back; its memory grows with neither. */
export function movesMuch(
  count: number,
  size: number,
  place: () => { url: string; env: Readonly<Record<string, string>> },
): void {
  it(`moves ${count} small files and one of ${size} MiB with flat memory`, async () => {
    const at = new Workspaces();
    try {
      const [work, next] = [at.make(), at.make()];
      const sha256 = fill(work, count, size * mib);
      const { url, env } = place();
      const most = await roundTrip(url, env, work, next);
      expect(fs.readdirSync(path.join(next, "artifacts"))).to.have.length(count + 1);
      const hash = createHash("sha256");
      for await (const chunk of fs.createReadStream(path.join(next, "artifacts", "large")))
        hash.update(chunk);
      expect(hash.digest("hex")).to.equal(sha256);
      expect(fs.readFileSync(path.join(next, "artifacts", `f${count - 1}`), "utf8")).to.equal(
        `file ${count - 1}\n`,
      );
      // Node, tsx and a cloud's library have some 130 of them.
      expect(most, "MiB").to.be.below(300);
    } finally {
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
