import { chmodSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { ProcessHost } from "../../runner-image/src/process/host.js";

describe("runner: the host of a run's processes", () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "handoff-host-"));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  it("waits for pipes that are still being made before it removes their folder", async () => {
    // On a busy machine a run can be over before its first pipes are made.
    const program = join(dir, "mkfifo");
    writeFileSync(
      program,
      `#!/bin/sh\nshift 2\npwd > ${dir}/where\nfor name; do : > "$name"; sleep 0.01; done\ntouch ${dir}/made\n`,
    );
    chmodSync(program, 0o755);
    const host = new ProcessHost({ graceMs: 500, path: `${dir}:${process.env.PATH}` });
    await host.close();
    expect(readdirSync(dir)).to.include.members(["made", "where"]);
  });
});
