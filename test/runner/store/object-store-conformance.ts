/** What every adapter of a cloud's object store does. */
import { randomBytes } from "node:crypto";
import { expect } from "chai";
import { defaultPartBytes } from "../../../runner-image/src/store/archive.js";
import { Conflict, type ObjectStore, readAll } from "../../../runner-image/src/store/object-store.js";

/** `open` gives an empty place for each test. */
export function objectStoreConformance(open: () => ObjectStore): void {
  const textOf = async (store: ObjectStore, key: string): Promise<string | null> => {
    const found = await store.get(key);
    return found === null ? null : (await readAll(found.body)).toString();
  };
  const keysOf = async (store: ObjectStore, prefix: string): Promise<string[]> => {
    const keys: string[] = [];
    for await (const { key } of store.list(prefix)) keys.push(key);
    return keys.sort();
  };

  it("puts, gets, lists and deletes", async () => {
    const store = open();
    expect(await store.get("none")).to.equal(null);
    await store.put("a/one", Buffer.from("1"));
    await store.put("a/empty", Buffer.alloc(0));
    await store.put("b", Buffer.from("2"));
    expect(await textOf(store, "a/one")).to.equal("1");
    expect(await textOf(store, "a/empty")).to.equal("");
    expect(await keysOf(store, "a/")).to.deep.equal(["a/empty", "a/one"]);
    expect(await keysOf(store, "none")).to.deep.equal([]);
    for await (const { key, size, modifiedAt } of store.list("b")) {
      expect([key, size]).to.deep.equal(["b", 1]);
      expect(Math.abs(Date.now() - modifiedAt.getTime())).to.be.below(600_000);
    }
    await store.delete("a/one");
    await store.delete("a/one");
    expect(await textOf(store, "a/one")).to.equal(null);
  });

  it("writes only under its condition", async () => {
    const store = open();
    const conflict = async (write: Promise<void>): Promise<void> => {
      expect(await write.catch((error: unknown) => error)).to.be.instanceOf(Conflict);
    };
    await store.put("last", Buffer.from("1"), { ifAbsent: true });
    await conflict(store.put("last", Buffer.from("2"), { ifAbsent: true }));
    const first = await store.get("last");
    if (first === null) throw new Error("it isn't there");
    await readAll(first.body);
    await store.put("last", Buffer.from("3"), { ifMatch: first.etag });
    await conflict(store.put("last", Buffer.from("4"), { ifMatch: first.etag }));
    expect(await textOf(store, "last")).to.equal("3");
    const second = await store.get("last");
    await store.delete("last");
    await conflict(store.put("last", Buffer.from("5"), { ifMatch: second?.etag ?? "" }));
    second?.body.destroy();
  });

  it("takes a body as large as a part", async () => {
    const store = open();
    const bytes = randomBytes(defaultPartBytes);
    await store.put("large", bytes);
    const found = await store.get("large");
    if (found === null) throw new Error("it isn't there");
    expect((await readAll(found.body)).equals(bytes)).to.equal(true);
  });

  it("lists more than a page", async () => {
    const store = open();
    const names = Array.from({ length: 1005 }, (_, i) => `many/${String(i).padStart(4, "0")}`);
    for (let i = 0; i < names.length; i += 50) {
      await Promise.all(names.slice(i, i + 50).map((name) => store.put(name, Buffer.from("x"))));
    }
    expect(await keysOf(store, "many/")).to.deep.equal(names);
  });
}
