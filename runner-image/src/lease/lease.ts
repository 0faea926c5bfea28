/**
 * Taking, keeping and giving back the lease of a schedule, in any store with conditional writes. No clock of a container
 * counts: how long a holder has been silent is told by the store's own times, and from then on by the time that passes here.
 */
import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { UserError } from "../../../model/diagnostic.js";
import type { RunStatus } from "../../../model/run.js";
import { milliseconds } from "../clock.js";
import { keyPart } from "../store/key-part.js";
import { Conflict, modifiedAt, type ObjectStore, storeTime } from "../store/object-store.js";
import { readObject } from "../store/read.js";
import {
  type Contender,
  type Draft,
  decide,
  ended,
  type Holder,
  type Lease,
  type Life,
  renewed,
} from "./state.js";

export type Admission =
  | { readonly kind: "run"; readonly lease: HeldLease }
  | { readonly kind: "skip"; readonly reason: string };

export interface HeldLease {
  /** Stops the signs of life; gives the lease back, or leaves it to the run's next job. Never throws. */
  end(status: RunStatus): Promise<void>;
}

export interface LeaseOptions {
  readonly store: ObjectStore;
  readonly schedule: string;
  readonly me: Contender;
  /** Ends the waiting. */
  readonly signal: AbortSignal;
  say(level: "info" | "warn", message: string): void;
}

/** Writes that another one was faster than, one after the other: more is no bad luck any more. */
const maxTries = 50;

/**
 * Asks for the lease. When its holder may be dead, that takes until the holder gives a sign of life or its time is over.
 * @throws UserError `artifact-store` when the store can't be used; the signal's reason when it is aborted meanwhile
 */
export async function takeLease(options: LeaseOptions): Promise<Admission> {
  const { store, me, signal, say } = options;
  const key = leaseKey(options.schedule);
  const lifeOf = watcher(store, key);
  let conflicts = 0;
  let told = false;
  for (;;) {
    signal.throwIfAborted();
    const found = await read(store, key);
    const holder = found?.lease.holder ?? null;
    const life = holder === null || holder.id === me.id ? ownLife : await lifeOf(holder);
    const decision = decide(found?.lease ?? null, me, life, nonce());
    if (decision.kind === "watch") {
      if (!told) {
        told = true;
        const { id, ttlSeconds } = decision.holder;
        say(
          "info",
          `run ${id} has the lease of the schedule: waiting up to ${ttlSeconds} s for its sign of life`,
        );
      }
      await sleep(pollMs(decision.holder), undefined, { signal });
      continue;
    }
    if (decision.lease !== undefined && !(await write(store, key, decision.lease, found))) {
      if (++conflicts > maxTries) throw tooBusy(store);
      continue;
    }
    if (decision.kind === "skip") return { kind: "skip", reason: decision.reason };
    if (decision.left !== undefined) {
      const { id, scheduledAt } = decision.left;
      say("warn", `run ${id} of ${scheduledAt} ended without a word: its lease is taken over`);
    }
    return { kind: "run", lease: hold(options, key) };
  }
}

/** Gives signs of life until the end. */
function hold({ store, me, say }: LeaseOptions, key: string): HeldLease {
  const stop = new AbortController();
  let lost = false;
  const change = async (make: (lease: Lease | null) => Draft | null): Promise<void> => {
    for (let tries = 0; tries < maxTries && !lost; tries++) {
      const found = await read(store, key);
      const draft = make(found?.lease ?? null);
      if (draft === null) {
        lost = true;
        const by = found?.lease.holder?.id;
        say(
          "warn",
          `the lease of the schedule was lost${by === undefined ? "" : ` to run ${by}`}, since the store heard nothing of this run for ${me.ttlSeconds} s: another run may be under way, and this one goes on`,
        );
        return;
      }
      if (await write(store, key, draft, found)) return;
    }
  };
  const renewing = (async () => {
    for (;;) {
      // Doesn't keep the process: who runs does.
      await sleep((me.ttlSeconds / 3) * 1000, undefined, { signal: stop.signal, ref: false });
      // A store that can't be reached for a while is no reason to stop: if it lasts, the lease is lost.
      await change((lease) => renewed(lease, me, nonce())).catch(() => {});
      if (lost) return;
    }
  })().catch(() => {}); // stopped
  return {
    async end(status) {
      stop.abort();
      await renewing;
      await change((lease) => ended(lease, me, status, nonce())).catch((error: unknown) => {
        say("warn", `the lease of the schedule could not be given back: ${messageOf(error)}`);
      });
    },
  };
}

const nonce = (): string => randomBytes(8).toString("hex");

const leaseKey = (schedule: string): string => `leases/${keyPart(schedule)}.json`;

interface Found {
  readonly etag: string;
  readonly lease: Lease;
}

async function read(store: ObjectStore, key: string): Promise<Found | null> {
  const found = await readObject(store, key, (bytes) => parse(bytes) !== null);
  if (found === null) return null;
  const lease = parse(found.bytes);
  if (lease !== null) return { etag: found.etag, lease };
  throw new UserError(`${store.url}, ${key} is no lease of handoff's`, {
    code: "artifact-store",
    hint: "somebody else wrote there: delete that object",
  });
}

function parse(bytes: Buffer): Lease | null {
  try {
    const lease = JSON.parse(bytes.toString()) as Lease | null;
    return lease?.schemaVersion === 1 && Array.isArray(lease.skipped) ? lease : null;
  } catch {
    return null;
  }
}

/** Whether it was written: another one may have been faster. */
async function write(store: ObjectStore, key: string, draft: Draft, before: Found | null): Promise<boolean> {
  const lease: Lease = { schemaVersion: 1, write: nonce(), ...draft };
  try {
    const condition = before === null ? { ifAbsent: true as const } : { ifMatch: before.etag };
    await store.put(key, Buffer.from(`${JSON.stringify(lease)}\n`), condition);
    return true;
  } catch (error) {
    if (!(error instanceof Conflict)) throw error;
    // The library's second try after an answer that was lost meets the first one.
    return (await read(store, key))?.lease.write === lease.write;
  }
}

/** Where there is no other's to ask for. */
const ownLife: Life = { silentSeconds: 0, seen: false };

/** Tells of a holder how long it has been silent, and whether it has given a sign of life since it was asked for first. */
function watcher(store: ObjectStore, key: string): (holder: Holder) => Promise<Life> {
  let first: { readonly beat: string; readonly silentSince: number } | undefined;
  return async (holder) => {
    if (first !== undefined && first.beat !== holder.beat) return { silentSeconds: 0, seen: true };
    first ??= {
      beat: holder.beat,
      silentSince: milliseconds() - (await silence(store, key, holder)) * 1000,
    };
    return { silentSeconds: (milliseconds() - first.silentSince) / 1000, seen: false };
  };
}

/** Seconds since the holder's latest sign of life: the store's time of the lease against the store's time now. */
async function silence(store: ObjectStore, key: string, { silentSeconds }: Holder): Promise<number> {
  const now = await storeTime(store);
  const written = (await modifiedAt(store, key)) ?? now;
  return Math.max(0, now.getTime() - written.getTime()) / 1000 + silentSeconds;
}

/** Often enough to see each sign of life soon, seldom enough to cost nothing. */
const pollMs = ({ ttlSeconds }: Holder): number => Math.max(100, (ttlSeconds / 20) * 1000);

function tooBusy({ url }: ObjectStore): UserError {
  return new UserError(
    `the lease of the schedule can't be written in ${url}: others are faster, again and again`,
    {
      code: "artifact-store",
      hint: "start the job again later",
    },
  );
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
