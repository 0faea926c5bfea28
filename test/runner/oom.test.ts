import { expect } from "chai";
import { explainExit } from "../../runner-image/src/engine/outcome.js";
import { explainOutOfMemory, MemoryJudge, watchMemory } from "../../runner-image/src/oom.js";
import type { Exit } from "../../runner-image/src/process/host.js";

/** A file system of these files. */
function filesOf(files: Record<string, string>) {
  return (file: string): string => {
    const text = files[file];
    if (text === undefined) throw new Error(`ENOENT: ${file}`);
    return text;
  };
}

const events = (kills: number) => `low 0\nhigh 0\nmax 12\noom 3\noom_kill ${kills}\noom_group_kill 9\n`;

describe("out of memory", () => {
  it("reads version 2 in a container, whose own group is at the top", () => {
    const files = {
      "/proc/self/cgroup": "0::/\n",
      "/sys/fs/cgroup/memory.events": events(2),
      "/sys/fs/cgroup/memory.max": "536870912\n",
    };
    const watch = watchMemory(filesOf(files));
    expect(watch?.limitBytes).to.equal(512 * 2 ** 20);
    expect(watch?.kills()).to.equal(2);
    files["/sys/fs/cgroup/memory.events"] = events(3);
    expect(watch?.kills()).to.equal(3);
  });

  it("reads version 2 on a machine, in the group that the process is in; max is no limit", () => {
    const dir = "/sys/fs/cgroup/user.slice/session-1.scope";
    const watch = watchMemory(
      filesOf({
        "/proc/self/cgroup": "0::/user.slice/session-1.scope\n",
        [`${dir}/memory.events`]: events(1),
        [`${dir}/memory.max`]: "max\n",
      }),
    );
    expect(watch?.kills()).to.equal(1);
    expect(watch?.limitBytes).to.equal(null);
  });

  it("reads version 1, by the machine's path or, in a container, at the top", () => {
    const control = "oom_kill_disable 0\nunder_oom 0\noom_kill 4\n";
    for (const dir of ["/sys/fs/cgroup/memory/docker/abc", "/sys/fs/cgroup/memory"]) {
      const watch = watchMemory(
        filesOf({
          "/proc/self/cgroup": "4:memory:/docker/abc\n2:cpuacct,cpu:/docker/abc\n0::/\n",
          [`${dir}/memory.oom_control`]: control,
          [`${dir}/memory.limit_in_bytes`]: "67108864\n",
        }),
      );
      expect(watch?.limitBytes, dir).to.equal(64 * 2 ** 20);
      expect(watch?.kills(), dir).to.equal(4);
    }
    const free = watchMemory(
      filesOf({
        "/proc/self/cgroup": "4:memory:/\n",
        "/sys/fs/cgroup/memory/memory.oom_control": control,
        "/sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
      }),
    );
    expect(free?.limitBytes).to.equal(null);
  });

  it("knows nothing where there is nothing to read", () => {
    expect(watchMemory(filesOf({}))).to.equal(null);
    expect(watchMemory(filesOf({ "/proc/self/cgroup": "0::/\n" }))).to.equal(null);
    expect(new MemoryJudge(null).judge(0, true)).to.equal(null);
  });

  it("gives each kill to one step: one that was running when it came, and failed", () => {
    let kills = 5;
    const judge = new MemoryJudge({ limitBytes: 64 * 2 ** 20, kills: () => kills });
    expect(judge.judge(judge.mark(), true), "none since the run began").to.equal(null);
    const early = judge.mark();
    kills = 6;
    const late = judge.mark();
    expect(judge.judge(late, true), "started after the kill").to.equal(null);
    expect(judge.judge(early, true)).to.deep.equal({ limitBytes: 64 * 2 ** 20 });
    expect(judge.judge(early, true), "told already").to.equal(null);
  });

  it("takes another failure for one of memory only where processes are alone in their group", () => {
    let kills = 0;
    const shared = new MemoryJudge({ limitBytes: null, kills: () => kills });
    const alone = new MemoryJudge({ limitBytes: 2 ** 30, kills: () => kills });
    kills = 1;
    expect(shared.judge(0, false)).to.equal(null);
    expect(shared.judge(0, true)).to.deep.equal({ limitBytes: null });
    expect(alone.judge(0, false)).to.deep.equal({ limitBytes: 2 ** 30 });
  });

  it("is told with the step, how it ended, and how much was allowed", () => {
    const memory = { limitBytes: 512 * 2 ** 20 };
    const why = explainOutOfMemory(memory);
    expect(why).to.contain("may use 512 MiB").and.contain("resources.memory");
    const exit = (code: number | null, signal: NodeJS.Signals | null): Exit => {
      return { code, signal, failure: null, stopped: false };
    };
    expect(explainExit("load", exit(null, "SIGKILL"), [], memory)).to.equal(`step load was killed: ${why}`);
    expect(explainExit("load", exit(137, null), [], memory)).to.equal(`step load was killed: ${why}`);
    expect(explainExit("load", exit(1, null), ["oh"], memory)).to.equal(
      `step load exited with 1 after a process was killed: ${why}`,
    );
  });
});
