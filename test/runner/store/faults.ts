/** What networks, servers, clocks and kills do to artifacts: never a half state, never a lost one. The same for all stores. */
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { expect } from "chai";
import { UserError } from "../../../model/diagnostic.js";
import { defaultPartBytes } from "../../../runner-image/src/store/archive.js";
import type { ObjectStore } from "../../../runner-image/src/store/object-store.js";
import { openArtifacts } from "../../../runner-image/src/store/open.js";
import { remoteArtifacts } from "../../../runner-image/src/store/remote-artifacts.js";
import { everyKind, type FaultyProxy, type SeenRequest, startFaultyProxy } from "./faulty-proxy.js";
import { Workspaces } from "./workspace.js";

export interface Place {
  readonly url: string;
  readonly env: Readonly<Record<string, string>>;
}

/** The runner's process, killed at any moment: for every kind of store. */
export function survivesKills(place: () => Place): void {
  it("keeps a whole state when the pushing process is killed at any moment", async () => {
    const at = new Workspaces();
    try {
      const { url, env } = place();
      const work = at.make(Object.fromEntries([...Array(12)].map((_, i) => [`artifacts/f${i}`, "start"])));
      let [seen, hits] = [0, 0];
      for (let round = 1; round <= 5; round++) {
        const child = pushForEver(url, env, work, round);
        await firstOutput(child);
        await sleep(100 + Math.random() * 400);
        child.kill("SIGKILL");
        await new Promise((resolve) => child.once("exit", resolve));
        const next = at.make();
        const { runId } = await openArtifacts(url, env).fetchLast(next, ["**"]);
        if (runId === null) continue;
        const files = at.read(next);
        const versions = new Set(Object.values(files).filter((text) => text !== "same"));
        expect(Object.keys(files), "every file").to.have.length(12);
        expect([...versions], "of one run").to.deep.equal([runId]);
        const number = Number(runId.slice("run-".length));
        expect(number, "never back").to.be.at.least(seen);
        if (number > seen) hits += 1;
        seen = number;
      }
      expect(hits, "rounds that moved forward").to.be.above(1);
    } finally {
      at.remove();
    }
  });
}

function pushForEver(url: string, env: Place["env"], work: string, round: number): ChildProcess {
  const module = pathToFileURL(path.resolve("runner-image/src/store/open.ts")).href;
  const script = `import { openArtifacts } from ${JSON.stringify(module)};
    import { writeFileSync } from "node:fs";
    for (let n = ${round * 10_000}; ; n++) {
      for (let i = 0; i < 12; i++)
        writeFileSync(${JSON.stringify(path.join(work, "artifacts"))} + "/f" + i, i % 3 ? "run-" + n : "same");
      await openArtifacts(${JSON.stringify(url)}, process.env).push("run-" + n, ${JSON.stringify(work)}, []);
      console.log(n);
    }`;
  return spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { PATH: process.env.PATH ?? "", HOME: process.env.HOME ?? "", NODE_NO_WARNINGS: "1", ...env },
  });
}

function firstOutput(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.stdout?.once("data", () => resolve());
    child.once("exit", (code) => reject(new Error(`ended with ${code} before its first push`)));
  });
}

export interface RemotePlace {
  /** Of the server. */
  readonly endpoint: string;
  /** The same new place for each call within one test, reached by an endpoint. */
  open(endpoint: string, timeoutMs?: number): ObjectStore;
}

/** Server and network, for the clouds' stores. */
export function survivesNetworks(place: () => RemotePlace): void {
  let at: Workspaces;
  let proxy: FaultyProxy;
  beforeEach(async () => {
    at = new Workspaces();
    proxy = await startFaultyProxy(place().endpoint);
  });
  afterEach(async () => {
    await proxy.stop();
    at.remove();
  });
  const through = (timeoutMs?: number) =>
    remoteArtifacts(async () => place().open(proxy.endpoint, timeoutMs));
  const direct = (now?: () => Date) =>
    remoteArtifacts(async () => place().open(place().endpoint), now ? { now } : {});

  it("gets through a server that fails, loses answers, breaks off and is slow", async () => {
    proxy.decide = everyKind();
    const files = Object.fromEntries(
      [...Array(40)].map((_, i) => [`artifacts/f${i}`, `${i} `.repeat(20_000)]),
    );
    const work = at.make(files);
    fs.writeFileSync(path.join(work, "artifacts/large"), randomBytes(2 * defaultPartBytes + 1));
    const all = (dir: string) => at.read(dir);
    for (let n = 1; n <= 3; n++) {
      at.write(work, { "artifacts/n": `state ${n}` });
      const pushed = await through(10_000).push(`run-${n}`, work, []);
      expect(pushed).to.deep.equal({ archive: `run-${n}`, replaced: null });
      const next = at.make();
      expect(await through(10_000).fetchLast(next, ["**"])).to.deep.equal({ runId: `run-${n}` });
      expect(all(next)).to.deep.equal(all(work));
    }
    const { fail, lose, truncate, slow } = proxy.met;
    for (const [kind, times] of Object.entries({ fail, lose, truncate, slow })) {
      expect(times, kind).to.be.above(2);
    }
    expect((await direct().list()).map(({ runId }) => runId)).to.have.members(["run-1", "run-2", "run-3"]);
  });

  const moments: readonly (readonly [string, (request: SeenRequest, objects: number) => boolean])[] = [
    [
      "between two parts",
      ({ key = "", isWrite }, objects) => isWrite && key.startsWith("objects/") && objects > 2,
    ],
    ["before the archive", ({ key = "", isWrite }) => isWrite && key.startsWith("runs/")],
    ["before the last state", ({ key, isWrite }) => isWrite && key === "last"],
  ];
  for (const [moment, isThere] of moments) {
    it(`goes on where it was when the server dies in mid-push: ${moment}`, async () => {
      const work = at.make({ "artifacts/n": "1", "artifacts/same": "same" });
      await through().push("run-1", work, []);
      at.write(work, { "artifacts/n": "2", "artifacts/small": "small" });
      fs.writeFileSync(path.join(work, "artifacts/large"), randomBytes(4 * defaultPartBytes));
      proxy.written.length = 0;
      let isDead = false;
      let objects = 0;
      proxy.decide = (request) => {
        if (isDead) return "refuse";
        if (request.isWrite && request.key?.startsWith("objects/")) objects += 1;
        if (!isThere(request, objects)) return "none";
        isDead = true;
        return "cut";
      };
      const error: unknown = await through(8000)
        .push("run-2", work, [])
        .catch((reason: unknown) => reason);
      if (!(error instanceof UserError)) throw new Error(`no UserError: ${error}`);
      expect(error.message).to.match(/^can't (write|read|list) /);
      const next = at.make();
      expect(await direct().fetchLast(next, ["**"])).to.deep.equal({ runId: "run-1" });
      expect(at.read(next)).to.deep.equal({ "artifacts/n": "1", "artifacts/same": "same" });

      proxy.decide = () => "none";
      const sent = new Set(proxy.written.splice(0));
      expect([...sent].filter((key) => key.startsWith("objects/")).length, "sent").to.be.above(0);
      const { archive } = await through().push("run-2", work, []);
      expect(
        proxy.written.filter((key) => key.startsWith("objects/") && sent.has(key)),
        "sent twice",
      ).to.deep.equal([]);
      expect(await direct().fetchLast(next, ["**"])).to.deep.equal({ runId: archive });
      expect(at.read(next)).to.deep.equal(at.read(work));
    });
  }

  it("doesn't wait for ever for an answer, in either direction", async () => {
    const work = at.make({ "artifacts/n": "1" });
    const hung = new Set<string>();
    // The first try of each kind of request is never answered.
    proxy.decide = ({ key = "list", isWrite }) => {
      const kind = `${isWrite} ${key.split("/")[0]}`;
      if (hung.has(kind)) return "none";
      hung.add(kind);
      return "hang";
    };
    await through(2000).push("run-1", work, []);
    const next = at.make();
    expect(await through(2000).fetchLast(next, ["**"])).to.deep.equal({ runId: "run-1" });
    expect(at.read(next)).to.deep.equal({ "artifacts/n": "1" });
    expect([...hung]).to.include.members(["true last", "false last", "true objects", "false objects"]);
  });

  it("keeps runs apart that end at the same time behind a bad network", async () => {
    proxy.decide = everyKind();
    const runs = ["a", "b", "c"].map((run) => ({
      run,
      work: at.make({ "artifacts/n": run, "artifacts/m": run }),
    }));
    await Promise.all(runs.map(({ run, work }) => through(10_000).push(run, work, [])));
    const next = at.make();
    const { runId } = await direct().fetchLast(next, ["**"]);
    expect(at.read(next)).to.deep.equal({ "artifacts/m": runId, "artifacts/n": runId });
    expect((await direct().list()).map((each) => each.runId)).to.have.members(["a", "b", "c"]);
  });

  it("goes by the store's clock when the containers' are years off", async () => {
    const year = 365 * 86_400_000;
    const off = (years: number) => () => new Date(Date.now() + years * year);
    await direct(off(3)).push("ahead", at.make({ "artifacts/n": "ahead" }), []);
    await sleep(1100); // the stores' clocks have seconds
    await direct(off(-3)).push("behind", at.make({ "artifacts/n": "behind" }), []);
    await sleep(1100);
    await direct(off(3)).push("again", at.make({ "artifacts/n": "ahead", "artifacts/m": "new" }), []);
    expect((await direct().list()).map(({ runId }) => runId)).to.deep.equal(["again", "behind", "ahead"]);
    for (const runId of ["ahead", "behind"]) await direct().get(runId, at.make());
    const next = at.make();
    await direct().fetchLast(next, ["**"]);
    expect(at.read(next)).to.deep.equal({ "artifacts/m": "new", "artifacts/n": "ahead" });
  });
}
