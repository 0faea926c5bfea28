/** What a simulated cloud holds: one JSON file a resource, so that several engines after each other see the same. */
import { createHash } from "node:crypto";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { isObject } from "./values.js";

/** One thing in the cloud. Secret values are there as their SHA-256: tests look for plaintext everywhere. */
export interface Held {
  readonly type: string;
  readonly id: string;
  /** Who made it; a resource that was adopted has the one of its first maker. */
  readonly urn: string;
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly outputs: Readonly<Record<string, unknown>>;
  /** Names of objects or rows that tests put into it. */
  readonly data?: readonly string[];
}

export interface Call {
  readonly cloud: string;
  readonly method: string;
  /** Type of the resource, or token of the function. */
  readonly type: string;
  readonly name: string;
  readonly error?: string;
}

const mutating = ["create", "update", "delete"];

export class World {
  readonly cloud: string;
  readonly #folder: string;
  readonly #log: string;
  readonly #cache = new Map<string, Held>();
  #files = "";

  /** @param root folder that all clouds share; @param cloud package name, such as `gcp` */
  constructor(root: string, cloud: string) {
    this.cloud = cloud;
    this.#folder = join(root, cloud);
    this.#log = join(root, "calls.jsonl");
    mkdirSync(this.#folder, { recursive: true });
  }

  all(): Held[] {
    const files = readdirSync(this.#folder).filter((name) => name.endsWith(".json"));
    // Tests change files behind a plugin's back, but a plugin lives for one update.
    if (this.#files !== files.join()) {
      for (const name of this.#cache.keys()) if (!files.includes(name)) this.#cache.delete(name);
      for (const name of files) {
        if (this.#cache.has(name)) continue;
        const held = this.#read(name);
        if (held) this.#cache.set(name, held);
      }
      this.#files = files.join();
    }
    return [...this.#cache.values()];
  }

  /** Undefined for what another engine has deleted meanwhile. */
  #read(name: string): Held | undefined {
    const file = join(this.#folder, name);
    try {
      return JSON.parse(readFileSync(file, "utf8")) as Held;
    } catch (error) {
      if (existsSync(file)) throw error;
      return undefined;
    }
  }

  get(type: string, id: string): Held | undefined {
    return this.all().find((held) => held.type === type && held.id === id);
  }

  ofType(type: string): Held[] {
    return this.all().filter((held) => held.type === type);
  }

  /** A resource of one of the types that is called so: by id, or by one of its outputs. */
  named(types: readonly string[], value: string): Held | undefined {
    return this.all().find(
      (held) =>
        types.includes(held.type) && (held.id === value || Object.values(held.outputs).includes(value)),
    );
  }

  put(held: Held): void {
    const name = fileName(held);
    // Engines of other stacks read at the same time: whole files.
    const part = join(this.#folder, `${name}.${process.pid}`);
    writeFileSync(part, JSON.stringify(held, undefined, 1));
    renameSync(part, join(this.#folder, name));
    this.#cache.set(name, held);
    this.#files = "";
  }

  remove(held: Held): void {
    rmSync(join(this.#folder, fileName(held)), { force: true });
    this.#cache.delete(fileName(held));
  }

  /** Number of calls in the log that change something. */
  mutations(): number {
    return readCalls(this.#log).filter(({ method }) => mutating.includes(method)).length;
  }

  log(call: Omit<Call, "cloud">): void {
    appendFileSync(this.#log, `${JSON.stringify({ cloud: this.cloud, ...call })}\n`);
  }
}

function fileName({ type, id }: Held): string {
  const hash = createHash("sha256").update(`${type} ${id}`).digest("hex").slice(0, 12);
  return `${type.split(":").at(-1)}-${hash}.json`;
}

export function readCalls(file: string): Call[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Call);
}

export function hashOf(value: unknown): string {
  return `sha256:${createHash("sha256")
    .update(JSON.stringify(value ?? null))
    .digest("hex")}`;
}

/** A number that looks random and is the same for the same text. */
export function digits(text: string, length: number): string {
  const hash = createHash("sha256").update(text).digest("hex");
  return (BigInt(`0x${hash}`) % 10n ** BigInt(length)).toString().padStart(length, "1");
}

export function hex(text: string, length: number): string {
  return createHash("sha256").update(text).digest("hex").slice(0, length);
}

export function uuid(text: string): string {
  const h = hex(text, 32);
  return [h.slice(0, 8), h.slice(8, 12), h.slice(12, 16), h.slice(16, 20), h.slice(20)].join("-");
}

export function tagsOf(held: Held): Readonly<Record<string, unknown>> {
  const tags = held.inputs.tags ?? held.inputs.labels;
  return isObject(tags) ? tags : {};
}
