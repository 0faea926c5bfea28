/**
 * The process between a stream and the branches of a fork: `tee` where it can go on after one of its readers has
 * closed (GNU's `-p`), else a few lines of Node of our own. No byte passes through the runner.
 */
import { execFile } from "node:child_process";
import type { Child, ProcessHost } from "./host.js";
import { countDescriptors } from "./proc.js";

/** Reads 0, writes to 1, 3, 4, …; one that closed is left out; ends well when none is left. */
const ownCopier = `
const fs = require("fs");
let outputs = process.argv.slice(1).map(Number);
const buffer = Buffer.allocUnsafe(65536);
for (;;) {
  const size = fs.readSync(0, buffer);
  if (size === 0) break;
  outputs = outputs.filter((fd) => {
    try {
      for (let at = 0; at < size; ) at += fs.writeSync(fd, buffer, at, size - at);
      return true;
    } catch (error) {
      if (error.code === "EPIPE") { fs.closeSync(fd); return false; }
      throw error;
    }
  });
  if (outputs.length === 0) break;
}
`;

let teeWorks: Promise<boolean> | null = null;

function hasTee(): Promise<boolean> {
  teeWorks ??= new Promise((resolve) => {
    // macOS's and busybox's tee know no -p.
    const child = execFile("tee", ["-p", "/dev/null"], (error) => resolve(error === null));
    child.stdin?.on("error", () => {});
    child.stdin?.end();
  });
  return teeWorks;
}

export interface CopierOptions {
  readonly host: ProcessHost;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly input: number;
  readonly outputs: readonly number[];
  readonly stderr: number;
}

export interface Copier {
  readonly child: Child;
  /**
   * Resolves once the copier has opened its outputs, or ended. Until then the readers' ends must stay open: opening a FIFO
   * which nobody reads waits for ever.
   */
  readonly opened: Promise<void>;
}

/** Whether `startCopier` will use tee: to be asked before, so that starting it needs no waiting. */
export async function chooseCopier(): Promise<"tee" | "own"> {
  return (await hasTee()) ? "tee" : "own";
}

/** The copier's descriptor of its output `index`. */
export function copierOutput(index: number): number {
  return index === 0 ? 1 : index + 2;
}

export function startCopier(kind: "tee" | "own", options: CopierOptions): Copier {
  const [first = null, ...rest] = options.outputs;
  const stdio = [options.input, first, options.stderr, ...rest];
  const numbers = rest.map((_, index) => copierOutput(index + 1));
  const common = { cwd: options.cwd, env: options.env, stdio };
  if (kind === "own") {
    const args = ["-e", ownCopier, "1", ...numbers.map(String)];
    const child = options.host.spawn({ ...common, file: process.execPath, args });
    return { child, opened: Promise.resolve() };
  }
  const child = options.host.spawn({
    ...common,
    file: "tee",
    args: ["-p", ...numbers.map((number) => `/dev/fd/${number}`)],
  });
  return { child, opened: untilOpened(child, 3 + 2 * rest.length) };
}

async function untilOpened(child: Child, descriptors: number): Promise<void> {
  if (child.pid === undefined) return;
  let ended = false;
  const exit = child.exit.then(() => {
    ended = true;
  });
  for (let wait = 1; !ended; wait = Math.min(wait * 2, 20)) {
    const count = countDescriptors(child.pid);
    // Without /proc, /dev/fd/N is a copy of the descriptor, and opening it never waits.
    if (count === null || count >= descriptors) return;
    let timer: NodeJS.Timeout | undefined;
    await Promise.race([exit, new Promise((resolve) => (timer = setTimeout(resolve, wait)))]);
    clearTimeout(timer);
  }
}
