import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { differenceOf } from "../../deploy/difference.js";
import { setSecret } from "../../deploy/secrets.js";
import { drift, up } from "../../deploy/stack.js";
import { contents, type Fixture, makeRepository } from "./fixture.js";

const sealed = (ciphertext: string) => ({
  "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
  ciphertext,
});

type Event = Parameters<typeof differenceOf>[0];
function event(op: string, old: object, now: object | null, type = "aws:s3/bucket:Bucket"): Event {
  const urn = `urn:pulumi:dev::demo::${type}::fx-raw`;
  return { resOutputsEvent: { metadata: { op, urn, type, old, new: now } } } as unknown as Event;
}
const paths = (found: ReturnType<typeof differenceOf>) => found?.properties.map(({ path }) => path);

describe("a difference between the state and what is there", () => {
  it("is by property, with both values", () => {
    const found = differenceOf(
      event(
        "update",
        { inputs: { tags: { team: "a", cost: "1" }, rules: [{ port: 1 }, { port: 2 }] } },
        { inputs: { tags: { team: "b" }, rules: [{ port: 1 }, { port: 3 }], acl: "public" } },
      ),
    );
    expect(found).to.include({ kind: "changed", name: "fx-raw", type: "aws:s3/bucket:Bucket" });
    expect(found?.properties).to.deep.equal([
      { path: "tags.team", before: "a", after: "b" },
      { path: "tags.cost", before: "1" },
      { path: "rules[1].port", before: 2, after: 3 },
      { path: "acl", after: "public" },
    ]);
  });

  it("is none in what the cloud counts by itself, and one in what was set, wherever it is read", () => {
    const inputs = { name: "raw", size: 1 };
    const state = (size: number, rows: number) => ({ inputs, outputs: { name: "raw", size, rows } });
    expect(differenceOf(event("update", state(1, 5), state(1, 6)))).to.equal(undefined);
    expect(paths(differenceOf(event("update", state(1, 5), state(2, 6))))).to.deep.equal(["size"]);
  });

  it("names a secret that was changed, and never its value", () => {
    const state = (text: string) => ({
      inputs: { value: sealed("old"), key: "K" },
      outputs: { value: sealed(text) },
    });
    const found = differenceOf(event("update", state("c1"), state("c2")));
    expect(found?.properties).to.deep.equal([{ path: "value", before: "[secret]", after: "[secret]" }]);
  });

  it("is a resource that is gone; what is the same, and what is Pulumi's own, is none", () => {
    expect(differenceOf(event("delete", { inputs: {} }, null))).to.include({ kind: "gone" });
    expect(differenceOf(event("same", { inputs: { a: 1 } }, { inputs: { a: 2 } }))).to.equal(undefined);
    expect(differenceOf(event("delete", {}, null, "pulumi:providers:aws"))).to.equal(undefined);
  });
});

describe("drift of a stack, through the real engine", function () {
  this.timeout(15 * 60_000);
  let repo: Fixture;
  before(async () => {
    repo = makeRepository();
    await setSecret(repo.options, "API_KEY", "correct-horse-battery");
  });
  after(() => repo.remove());

  it("of one that was never deployed is nothing, and makes nothing", async () => {
    const before = contents(repo.root);
    const { changes, differences } = await drift({ ...repo.options });
    expect([changes, differences]).to.deep.equal([
      { create: 0, update: 0, replace: 0, delete: 0, same: 0 },
      [],
    ]);
    expect(contents(repo.root)).to.deep.equal(before);
  });

  it("is what was changed by hand, by resource and property, and is still there the next time", async () => {
    await up(repo.options);
    expect((await drift(repo.options)).differences).to.deep.equal([]);
    const folder = join(repo.home, "deployments", "demo-dev");
    const job = join(folder, "jobs", "fx.json");
    writeFileSync(job, readFileSync(job, "utf8").replace('"client": "dev"', '"client": "somebody"'));
    rmSync(join(folder, "schedules", "daily.json"));
    writeFileSync(join(folder, "secrets", "API_KEY"), "changed-by-hand");
    const before = [contents(repo.root), contents(folder)];
    for (let time = 0; time < 2; time++) {
      const { changes, differences } = await drift(repo.options);
      expect(changes).to.deep.equal({ create: 0, update: 2, replace: 0, delete: 1, same: 5 });
      expect(differences?.map(({ name, kind, properties }) => ({ name, kind, properties }))).to.deep.equal([
        {
          name: "fx-job-fx",
          kind: "changed",
          properties: [{ path: "client", before: "dev", after: "somebody" }],
        },
        { name: "fx-schedule-daily", kind: "gone", properties: [] },
        {
          name: "fx-secret-API_KEY",
          kind: "changed",
          properties: [{ path: "value", before: "[secret]", after: "[secret]" }],
        },
      ]);
      expect(JSON.stringify(differences)).not.to.match(/correct-horse|changed-by-hand/);
    }
    expect([contents(repo.root), contents(folder)]).to.deep.equal(before);
  });
});
