import { expect } from "chai";
import { UserError } from "../../model/diagnostic.js";
import type { GitSource } from "../../model/project.js";
import { openPinned } from "../../runner-image/src/source/pin.js";
import { MemoryStore } from "./store/memory-store.js";

const source: GitSource = { kind: "git", url: "https://example.com/x.git", ref: "main", path: "." };
const [first, second] = ["a".repeat(40), "b".repeat(40)];

describe("runner/source: one commit for a run", () => {
  /** A repository whose branch is at `tip`; what was opened and closed. */
  function world(tip: string) {
    const events: string[] = [];
    const open = async ({ ref }: GitSource) => {
      const commit = ref === "main" ? tip : ref;
      events.push(`open ${commit.slice(0, 1)}`);
      return { commit, close: async () => void events.push(`close ${commit.slice(0, 1)}`) };
    };
    return { events, open };
  }
  const warn = () => {};

  it("is the first job's, though the branch has moved", async () => {
    const store = new MemoryStore();
    const opened = await openPinned(source, { store, runId: "r", open: world(first).open, warn });
    expect(opened.commit).to.equal(first);
    const next = await openPinned(source, { store, runId: "r", open: world(second).open, warn });
    expect(next.commit).to.equal(first);
    const other = await openPinned(source, { store, runId: "s", open: world(second).open, warn });
    expect(other.commit).to.equal(second);
  });

  it("is the quicker one's of two that clone at the same time", async () => {
    const store = new MemoryStore();
    const { events, open } = world(second);
    const slow = openPinned(source, {
      store,
      runId: "r",
      open: async (asked) => {
        if (asked.ref === "main")
          await openPinned(source, { store, runId: "r", open: world(first).open, warn });
        return open(asked);
      },
      warn,
    });
    expect((await slow).commit).to.equal(first);
    expect(events).to.deep.equal(["open b", "close b", "open a"]);
  });

  it("is the branch's where that one is gone, and says so", async () => {
    const store = new MemoryStore();
    await openPinned(source, { store, runId: "r", open: world(first).open, warn });
    const warnings: string[] = [];
    const opened = await openPinned(source, {
      store,
      runId: "r",
      open: async (asked) => {
        if (asked.ref === first) throw new UserError("gone", { code: "source-ref" });
        return world(second).open(asked);
      },
      warn: (message) => warnings.push(message),
    });
    expect(opened.commit).to.equal(second);
    expect(warnings.join()).to.contain(first).and.to.contain("main");
  });

  it("leaves no clone behind when the store refuses", async () => {
    const store = new MemoryStore();
    store.put = () => Promise.reject(new UserError("no", { code: "artifact-store" }));
    const { events, open } = world(first);
    let refused: unknown;
    await openPinned(source, { store, runId: "r", open, warn }).catch((error: unknown) => {
      refused = error;
    });
    expect(refused).to.be.instanceOf(UserError);
    expect(events).to.deep.equal(["open a", "close a"]);
  });
});
