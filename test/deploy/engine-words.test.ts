/** What the engine says, and what its state holds, as far as it is read here and not asked for. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { causesOf } from "../../deploy/causes.js";
import { describeHolders, holdersIn } from "../../deploy/lock-message.js";
import { interruptedCreates, takeOverHint } from "../../deploy/pending.js";
import { quickCommand } from "../../deploy/quick-command.js";
import { maskedOutputs } from "../../deploy/state.js";

const secret = {
  "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
  ciphertext: "v1:abc",
};
const state = {
  version: 3,
  checkpoint: {
    latest: {
      resources: [
        {
          urn: "urn:pulumi:dev::demo::pulumi:pulumi:Stack::demo-dev",
          type: "pulumi:pulumi:Stack",
          outputs: {
            folder: "/srv",
            token: secret,
            jobs: { fx: { url: secret, name: "fx" } },
            list: [1, secret],
          },
        },
      ],
    },
  },
};

describe("a state in files", () => {
  let dir: string;
  let file: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "handoff-state-"));
    file = join(dir, "dev.json");
    writeFileSync(file, JSON.stringify(state));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  it("tells the stack's outputs, its secrets masked wherever they are", () => {
    expect(maskedOutputs(file)).to.deep.equal({
      folder: "/srv",
      token: "[secret]",
      jobs: { fx: { url: "[secret]", name: "fx" } },
      list: [1, "[secret]"],
    });
    writeFileSync(file, JSON.stringify({ checkpoint: { latest: null } }));
    expect(maskedOutputs(file)).to.deep.equal({});
  });

  it("saves the engine's starts: for what stands in it, and for what nobody reads", async () => {
    const asked: string[] = [];
    const command = {
      command: "pulumi",
      version: null,
      run: async (args: string[]) => {
        asked.push(args.join(" "));
        return { stdout: "{}", stderr: "", code: 0 };
      },
    };
    const all = [
      ["stack", "select", "--stack", "dev"],
      ["stack", "output", "--json", "--stack", "dev"],
      ["stack", "output", "--json", "--show-secrets", "--stack", "dev"],
      ["stack", "history", "--json", "--stack", "dev"],
      ["up", "--yes", "--stack", "dev"],
    ];
    const quick = (stateFile?: string) =>
      quickCommand(command as never, stateFile) as unknown as typeof command;
    const answers = [];
    for (const args of all) answers.push(await quick(file).run(args));
    expect(asked).to.deep.equal(["up --yes --stack dev"]);
    expect(JSON.parse(answers[1]?.stdout ?? "")).to.have.property("token", "[secret]");
    // Of a stack that isn't there yet, and of a state elsewhere, the engine knows more.
    asked.length = 0;
    for (const args of all.slice(0, 2)) await quick(join(dir, "new.json")).run(args);
    for (const args of all.slice(0, 2)) await quick().run(args);
    expect(asked).to.have.length(4);
  });
});

describe("the engine's words", () => {
  it("on a lock say whose it is, each once", () => {
    const text =
      "error: the stack is currently locked by 2 lock(s). Either wait for the other process(es) to end or delete the lock file with `pulumi cancel`.\n" +
      "  s3://bucket/.pulumi/locks/a.json: created by ann@build-7 (pid 7) at 2026-11-20T22:10:00Z\n" +
      "  s3://bucket/.pulumi/locks/b.json: created by bob@laptop (pid 4711) at 2026-11-21T06:00:00+01:00";
    const holders = holdersIn(`${text}\n${text}`);
    expect(holders.map(({ user, host, pid }) => [user, host, pid])).to.deep.equal([
      ["ann", "build-7", 7],
      ["bob", "laptop", 4711],
    ]);
    expect(describeHolders(holders)).to.equal(
      "ann@build-7 (process 7) since 2026-11-20T22:10:00Z, bob@laptop (process 4711) since 2026-11-21T06:00:00+01:00",
    );
    expect(holdersIn("[409] Conflict: Another update is currently in progress.")).to.deep.equal([]);
  });

  it("on a failure are its causes, without what sums them up or follows", () => {
    const cause = "creating Role: api error AccessDenied";
    const following = "Unhandled exception: Error: grpc: the client connection is closing\n    at x";
    expect(causesOf([cause, "update failed", following])).to.deep.equal([cause]);
    expect(causesOf(["update failed"])).to.deep.equal(["update failed"]);
    expect(causesOf([following])).to.deep.equal([following]);
  });

  it("on an interrupted update name what was being created", () => {
    const role = "urn:pulumi:dev::demo::handoff:aws:Pipeline$aws:iam/role:Role::fx-run";
    const queue = "urn:pulumi:dev::demo::handoff:aws:Pipeline$aws:sqs/queue:Queue::fx-in";
    const text = `Attempting to deploy or update resources with 2 pending operations from previous deployment.\n  * ${role}, interrupted while creating\n  * ${queue}, interrupted while updating\n`;
    expect(interruptedCreates(text)).to.deep.equal([role]);
    expect(interruptedCreates(`other: ${text}`)).to.deep.equal([]);
    expect(takeOverHint([role], "dev")).to.include(
      "dev was killed while it created aws:iam/role:Role fx-run",
    );
  });
});
