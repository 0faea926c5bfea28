import * as fs from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import type { RunRecord } from "../../../model/run.js";
import type { ArtifactStore } from "../../../runner-image/src/artifacts.js";
import { openArtifacts } from "../../../runner-image/src/store/open.js";
import { commands, pipeline, Sandbox } from "../exec/harness.js";
import { type Azurite, startAzurite } from "./azurite.js";

const singer = fileURLToPath(new URL("singer", import.meta.url));

/** One client's pipeline: a tap with a bookmark, a target, and the state that survives in a store. */
class Pipeline {
  readonly #sandbox = new Sandbox();
  readonly #dir = this.#sandbox.dir;
  readonly #open: () => ArtifactStore;
  #runs = 0;

  constructor(open: (dir: string) => ArtifactStore) {
    this.#open = () => open(join(this.#dir, "store"));
    const config = { source: join(this.#dir, "source.json"), start_day: 0 };
    fs.writeFileSync(join(this.#dir, "config.json"), JSON.stringify(config));
  }

  /** The source has these days by now. */
  grow(days: number): void {
    const rows = Array.from({ length: days }, (_, index) => ({ day: index + 1, rate: 1 + index / 10 }));
    fs.writeFileSync(join(this.#dir, "source.json"), JSON.stringify(rows));
  }

  /** In a workspace of its own, as a container has it. */
  run(
    more: readonly string[] = [],
    artifacts: (store: ArtifactStore) => ArtifactStore = (store) => store,
  ): Promise<RunRecord> {
    const tap = `python3 '${singer}/tap.py' --config '${this.#dir}/config.json' --state state.json`;
    const target = `python3 '${singer}/target.py' '${this.#dir}/table.jsonl'`;
    const keep = ["tail -n 1 artifacts/load_stdout.log > state.new", "mv state.new state.json"];
    const runId = `run-${++this.#runs}`;
    return this.#sandbox.run(
      [pipeline("load", [tap, target]), commands("keep", [...keep, ...more])],
      { artifacts: { keep: ["state.json"], pushOnFail: false } },
      { artifacts: artifacts(this.#open()), workDir: join(this.#dir, runId) },
      { runId },
    );
  }

  /** Days in the order that they were loaded in. */
  loaded(): number[] {
    const lines = fs.readFileSync(join(this.#dir, "table.jsonl"), "utf8").trimEnd().split("\n");
    return lines.map((line) => JSON.parse(line).day);
  }

  /** Where the next run would begin. */
  async bookmark(): Promise<number> {
    const dir = fs.mkdtempSync(join(this.#dir, "look-"));
    await this.#open().get(null, dir);
    return JSON.parse(fs.readFileSync(join(dir, "state.json"), "utf8")).bookmarks.rates.day;
  }

  remove(): void {
    this.#sandbox.remove();
  }
}

describe("runner/store: a Singer tap with a bookmark", function () {
  this.timeout(300_000);
  let azurite: Azurite;
  let clients = 0;
  before(async () => {
    azurite = await startAzurite("state");
  });
  after(async () => {
    await azurite?.stop();
  });
  const stores: Readonly<Record<string, () => (dir: string) => ArtifactStore>> = {
    "a folder": () => (dir) => openArtifacts(dir, {}),
    "an object store": () => {
      const url = `${azurite.endpoint}/state/client-${++clients}`;
      return () => openArtifacts(url, azurite.env);
    },
  };

  for (const [name, open] of Object.entries(stores)) {
    describe(`in ${name}`, () => {
      let client: Pipeline;
      beforeEach(() => {
        client = new Pipeline(open());
      });
      afterEach(() => client.remove());

      it("only moves forward in three runs, and in a fourth that finds nothing new", async () => {
        for (const [days, expected] of [
          [3, [1, 2, 3]],
          [5, [1, 2, 3, 4, 5]],
          [9, [1, 2, 3, 4, 5, 6, 7, 8, 9]],
          [9, [1, 2, 3, 4, 5, 6, 7, 8, 9]],
        ] as const) {
          client.grow(days);
          expect((await client.run()).status).to.equal("success");
          expect(client.loaded()).to.deep.equal(expected);
          expect(await client.bookmark()).to.equal(days);
        }
      });

      it("loads again what a failed run loaded, and skips nothing", async () => {
        client.grow(3);
        await client.run();
        client.grow(5);
        expect((await client.run(["false"])).status).to.equal("failure");
        expect(await client.bookmark()).to.equal(3);
        client.grow(6);
        expect((await client.run()).status).to.equal("success");
        expect(client.loaded()).to.deep.equal([1, 2, 3, 4, 5, 4, 5, 6]);
        expect(await client.bookmark()).to.equal(6);
      });

      it("loads again what a run loaded that could not store its state", async () => {
        client.grow(2);
        await client.run();
        client.grow(4);
        const ended = await client.run([], (store) => ({
          ...store,
          push: () => Promise.reject(new Error("the machine is gone")),
        }));
        expect(ended.status).to.equal("failure");
        expect(await client.bookmark()).to.equal(2);
        expect((await client.run()).status).to.equal("success");
        expect(client.loaded()).to.deep.equal([1, 2, 3, 4, 3, 4]);
        expect(await client.bookmark()).to.equal(4);
      });
    });
  }
});
