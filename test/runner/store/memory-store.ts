/** An object store in the memory, with the faults that real ones have. */
import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { type Condition, Conflict, type ObjectStore } from "../../../runner-image/src/store/object-store.js";

interface Entry {
  readonly body: Buffer;
  readonly etag: string;
  modifiedAt: Date;
}

export class MemoryStore implements ObjectStore {
  readonly url = "memory://test";
  readonly objects = new Map<string, Entry>();
  /** Keys in the order of their puts, also of those that failed. */
  readonly puts: string[] = [];
  now: () => Date = () => new Date();
  /** Called before a put; throws for one that fails. */
  beforePut: (key: string) => void | Promise<void> = () => {};
  /** Called after a put that went well; throws for an answer that is lost. */
  afterPut: (key: string) => void = () => {};
  /** What is read of an object's body. */
  onGet: (key: string, body: Buffer) => Readable = (_, body) => Readable.from([body]);
  #version = 0;

  async get(key: string) {
    const entry = this.objects.get(key);
    return entry === undefined ? null : { etag: entry.etag, body: this.onGet(key, entry.body) };
  }

  async put(key: string, body: Buffer, condition?: Condition): Promise<void> {
    this.puts.push(key);
    await this.beforePut(key);
    const present = this.objects.get(key);
    if (condition !== undefined) {
      const holds = "ifMatch" in condition ? present?.etag === condition.ifMatch : present === undefined;
      if (!holds) throw new Conflict(key);
    }
    this.objects.set(key, { body: Buffer.from(body), etag: String(++this.#version), modifiedAt: this.now() });
    this.afterPut(key);
  }

  async *list(prefix: string) {
    for (const [key, { body, modifiedAt }] of [...this.objects]) {
      if (key.startsWith(prefix)) yield { key, size: body.length, modifiedAt };
    }
  }

  async delete(key: string): Promise<void> {
    this.objects.delete(key);
  }

  keys(prefix: string): string[] {
    return [...this.objects.keys()].filter((key) => key.startsWith(prefix)).sort();
  }

  text(key: string): string {
    const entry = this.objects.get(key);
    if (entry === undefined) throw new Error(`${key} isn't there`);
    return entry.body.toString();
  }
}

export const sha256 = (text: string | Buffer): string => createHash("sha256").update(text).digest("hex");
