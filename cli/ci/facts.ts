/** What a CI pipeline must know of a repository, as its files say it. */
import { existsSync } from "node:fs";
import { join, relative } from "node:path";
import { findRepository, readSettings, secretsProviderOf } from "../../deploy/repository.js";
import { UserError } from "../../model/diagnostic.js";
import { type Platform, platforms } from "../../model/plan-types.js";
import type { CliContext } from "../context.js";
import { upward } from "../project-lookup.js";

export type StateBackend = "files" | "pulumi-cloud" | "s3" | "gcs" | "azure";

export interface CiFacts {
  /** Folder of Pulumi.yaml, relative to the git repository's; `.` when they are the same. */
  readonly folder: string;
  /** Absolute. */
  readonly gitRoot: string;
  /** Platforms that a stack is on, `local` left out: CI can't deploy to a machine that it isn't on. */
  readonly clouds: readonly Exclude<Platform, "local">[];
  /** Stacks on these clouds, sorted. */
  readonly stacks: readonly string[];
  readonly localStacks: readonly string[];
  readonly backend: StateBackend;
  /** Whether a stack's secrets are encrypted with a passphrase. */
  readonly passphrase: boolean;
  /** Whether npm's lock file is there, which `npm ci` needs. */
  readonly locked: boolean;
}

/** @throws UserError `no-repository`, `no-stack`, and what is wrong with a stack's file */
export function readFacts(context: CliContext): CiFacts {
  const repository = findRepository(context.cwd);
  const backend = backendOf(repository.backendUrl ?? context.env.PULUMI_BACKEND_URL);
  const stacks = repository.stacks.map((stack) => {
    const { config } = readSettings(repository, stack, context);
    const cloud = platforms.find((platform) => platform === (config["handoff:cloud"] ?? "local"));
    const provider = secretsProviderOf(repository, stack) ?? (backend === "pulumi-cloud" ? "" : "passphrase");
    return { stack, cloud, passphrase: provider === "passphrase" };
  });
  const remote = stacks.filter(({ cloud }) => cloud !== undefined && cloud !== "local");
  if (remote.length === 0) {
    throw new UserError("there is no stack that CI could deploy: none is on a cloud", {
      code: "no-stack",
      hint: "make one: handoff stack new client-a --set cloud=aws --set aws:region=eu-west-1",
    });
  }
  const gitRoot =
    [...upward(repository.root)].find((dir) => existsSync(join(dir, ".git"))) ?? repository.root;
  const clouds = (["aws", "gcp", "azure"] as const).filter((cloud) =>
    remote.some((stack) => stack.cloud === cloud),
  );
  return {
    folder: relative(gitRoot, repository.root).replaceAll("\\", "/") || ".",
    gitRoot,
    clouds,
    stacks: remote.map(({ stack }) => stack),
    localStacks: stacks.filter(({ cloud }) => cloud === "local").map(({ stack }) => stack),
    backend,
    passphrase: remote.some(({ passphrase }) => passphrase),
    locked: existsSync(join(repository.root, "package-lock.json")),
  };
}

function backendOf(url: string | undefined): StateBackend {
  if (url === undefined || url.startsWith("file:")) return "files";
  if (url.startsWith("s3:")) return "s3";
  if (url.startsWith("gs:")) return "gcs";
  if (url.startsWith("azblob:")) return "azure";
  return "pulumi-cloud";
}
