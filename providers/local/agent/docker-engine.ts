/** What there is to know of Docker's engine before it is given a container. */
import { UserError } from "../../../model/diagnostic.js";
import { docker, type Env, lastLine } from "../../docker.js";
import type { Owner } from "./owner.js";

/** The image's own user, which has no rights anywhere. */
const unprivileged: Owner = { uid: 10001, gid: 10001 };

export interface EngineFacts {
  readonly cpus: number;
  /** Containers' root is the user who runs the engine, and other users are nobody's on this machine. */
  readonly rootless: boolean;
  /** The engine gives containers' users other numbers on this machine (userns-remap). */
  readonly remapsUsers: boolean;
  readonly selinux: boolean;
}

/** @throws UserError `no-docker` */
export async function engineFacts(env: Env): Promise<EngineFacts> {
  const end = await docker(["info", "--format", "{{json .}}"], { env, timeoutMs: 30_000 });
  try {
    if (end.exitCode !== 0) throw new Error(lastLine(end));
    return parseInfo(end.stdout);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UserError(`Docker's engine doesn't answer: ${reason}`, {
      code: "no-docker",
      hint: "start it; `handoff doctor` says whether it is there",
    });
  }
}

/** What `docker info --format '{{json .}}'` says. @throws Error when that is no answer of an engine's */
export function parseInfo(text: string): EngineFacts {
  const { NCPU, SecurityOptions, ServerErrors } = JSON.parse(text) as {
    readonly NCPU?: number;
    readonly SecurityOptions?: readonly string[] | null;
    readonly ServerErrors?: readonly string[] | null;
  };
  const [problem] = ServerErrors ?? [];
  if (problem !== undefined) throw new Error(problem);
  if (NCPU === undefined || NCPU <= 0) throw new Error("it says nothing about its CPUs");
  const has = (name: string) =>
    (SecurityOptions ?? []).some((option) => option.split(",").includes(`name=${name}`));
  return { cpus: NCPU, rootless: has("rootless"), remapsUsers: has("userns"), selinux: has("selinux") };
}

/** Whom the container runs as, and whether this agent has to give it the files it writes. */
export function userOf({ rootless }: EngineFacts): Owner & { readonly gives: boolean } {
  // A rootless engine's root is this user, without a right that he hasn't.
  if (rootless) return { uid: 0, gid: 0, gives: false };
  const uid = process.getuid?.() ?? 0;
  return uid === 0 ? { ...unprivileged, gives: true } : { uid, gid: process.getgid?.() ?? uid, gives: false };
}
