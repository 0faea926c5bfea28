/** Builds a project's runner image with the user's Docker: by BuildKit where there is one, else by the classic builder. */
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { contentHash } from "../model/content.js";
import { ExitCode, UserError } from "../model/diagnostic.js";
import type { DeployPlan } from "../model/plan-types.js";
import { type DockerCall, type DockerEngine, docker, type Env, findDocker, lastLine } from "./docker.js";
import { imageArgs, isGenericImage, listFiles, writeImageContext } from "./image-context.js";

export interface ImageBuildOptions {
  /** Docker's, and `HANDOFF_IMAGE_BASE`, `HANDOFF_IMAGE_NODE`, `HANDOFF_IMAGE_NETWORK` (docs/image.md). */
  readonly env: Env;
  /** Docker's progress, line by line; nothing when there is nothing to build. */
  readonly log?: ((line: string) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** A further name, such as `registry/team/fx:1`. */
  readonly tag?: string | undefined;
  /** Only by `tag`, not by the project's own name as well. Default false. */
  readonly tagOnly?: boolean | undefined;
  /** Builds it even when an image of this content is there, every layer anew. Default false. */
  readonly noCache?: boolean | undefined;
}

export interface BuiltImage {
  /** `handoff-<project>:<hash>` (`handoff-generic:<hash>` with `deploy.source: git`), or the one that was asked for. */
  readonly tag: string;
  /** `sha256:…` of the image's configuration: names it on this machine whatever becomes of the tag. */
  readonly id: string;
  /** False: an image of this content was there. */
  readonly built: boolean;
  /** SHA-256 (hex) over all that the image is made from: project, runner, Dockerfile, build arguments. */
  readonly hash: string;
  readonly sizeBytes: number;
  /** Such as `linux/amd64`. */
  readonly platform: string;
}

const hashLabel = "handoff.image-hash";

/**
 * Makes sure that there is an image of the plan's project. Unchanged content builds nothing; `up` of a cloud has its
 * own way, which pushes (providers/image.ts). Several may run at once.
 * @throws UserError `no-docker`, `image-build` with Docker's last words
 */
export async function buildImage(plan: DeployPlan, options: ImageBuildOptions): Promise<BuiltImage> {
  const { env, signal } = options;
  const call = { env, signal };
  const engine = await findDocker(call);
  const context = mkdtempSync(join(tmpdir(), "handoff-image-"));
  try {
    writeImageContext(plan, { dir: context });
    const platform = platformOf(plan, engine);
    const told = { ...namedArgs(env), ...imageArgs(plan) };
    const hash = imageHash(context, { platform, ...told });
    const name = isGenericImage(plan) ? "generic" : repositoryName(plan.spec.project.name);
    const named = `handoff-${name}:${hash.slice(0, 32)}`;
    const tag = options.tag ?? named;
    const own = options.tagOnly ? tag : named;
    const there = options.noCache
      ? undefined
      : ((await tagged(named, hash, call)) ?? (await findByHash(hash, call)));
    if (there === undefined) {
      const buildArgs = { ...told, IMAGE_HASH: hash };
      const args = buildCommand({ context, tag: own, platform, buildArgs, engine, options });
      // Debian's and other Dockers without buildx still have the builder that they began with.
      const builderEnv = engine.buildx ? env : { ...env, DOCKER_BUILDKIT: env.DOCKER_BUILDKIT ?? "0" };
      const end = await docker(args, { env: builderEnv, signal, log: options.log });
      if (end.exitCode !== 0) throw buildFailure(lastLine(end), engine);
    }
    for (const wanted of new Set([own, tag])) {
      const source = there ?? own;
      if (wanted !== source) await must(["tag", source, wanted], call);
    }
    return { tag, built: there === undefined, hash, platform, ...(await inspect(own, call)) };
  } finally {
    rmSync(context, { recursive: true, force: true });
  }
}

/** Hash of all that an image of the plan is made from, for whatever platform: needs no Docker. */
export function hashOfImage(plan: DeployPlan, env: Env): string {
  const context = mkdtempSync(join(tmpdir(), "handoff-image-"));
  try {
    writeImageContext(plan, { dir: context });
    return imageHash(context, { ...namedArgs(env), ...imageArgs(plan) });
  } finally {
    rmSync(context, { recursive: true, force: true });
  }
}

/** Uploads an image that is on this machine; the user is signed in. Gives its digest, `sha256:…`. @throws UserError `image-push` */
export async function pushImage(
  tag: string,
  options: Pick<ImageBuildOptions, "env" | "log" | "signal">,
): Promise<string> {
  const end = await docker(["push", tag], options);
  if (end.exitCode !== 0) {
    throw new UserError(`${tag} could not be pushed: ${lastLine(end)}`, {
      code: "image-push",
      exitCode: ExitCode.failed,
      hint: "sign in to the registry with `docker login`; in the cloud's own registry the repository must exist",
    });
  }
  const digest = /digest: (sha256:[0-9a-f]{64})/.exec(end.stdout)?.[1];
  if (digest !== undefined) return digest;
  throw new UserError(`${tag} was pushed, but Docker didn't say its digest: ${lastLine(end)}`, {
    code: "image-push",
    exitCode: ExitCode.failed,
  });
}

interface BuildCommand {
  readonly context: string;
  readonly tag: string;
  readonly platform: string;
  readonly buildArgs: Readonly<Record<string, string>>;
  readonly engine: DockerEngine;
  readonly options: ImageBuildOptions;
}

function buildCommand({ context, tag, platform, buildArgs, engine, options }: BuildCommand): string[] {
  const { env, noCache } = options;
  const network = env.HANDOFF_IMAGE_NETWORK;
  const values = Object.entries(buildArgs).flatMap(([key, value]) => ["--build-arg", `${key}=${value}`]);
  return [
    // The classic builder leaves the container of a step that failed behind.
    ...(engine.buildx ? ["buildx", "build", "--load", "--progress", "plain"] : ["build", "--force-rm"]),
    ...["--tag", tag],
    // The classic builder may know nothing of platforms.
    ...(engine.buildx || !isNative(platform, engine) ? ["--platform", platform] : []),
    ...(network ? ["--network", network] : []),
    ...(noCache ? ["--no-cache"] : []),
    ...values,
    context,
  ];
}

function namedArgs(env: Env): Record<string, string> {
  const { HANDOFF_IMAGE_BASE: base, HANDOFF_IMAGE_NODE: node } = env;
  return { ...(base ? { BASE: base } : {}), ...(node ? { NODE: node } : {}) };
}

/** Of the stack's cloud; the local platform's is the machine's own. */
function platformOf({ settings }: DeployPlan, engine: DockerEngine): string {
  if (settings.cloud === "local") return `linux/${engine.architecture}`;
  return settings.architecture === "arm64" ? "linux/arm64" : "linux/amd64";
}

function isNative(platform: string, { architecture }: DockerEngine): boolean {
  return platform === `linux/${architecture}`;
}

function imageHash(context: string, args: Readonly<Record<string, string>>): string {
  const sorted = Object.entries(args).sort(([a], [b]) => (a < b ? -1 : 1));
  const hash = createHash("sha256").update(JSON.stringify(sorted));
  return hash.update(contentHash(context, listFiles(context).sort())).digest("hex");
}

/** What Docker allows in a repository's name. */
function repositoryName(project: string): string {
  const name = project
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "");
  return name === "" ? "project" : name;
}

/** The tag's image, when it is of that content. It comes first: what a user built from ours has its labels, too. */
async function tagged(tag: string, hash: string, call: DockerCall): Promise<string | undefined> {
  const format = `{{.Id}} {{index .Config.Labels "${hashLabel}"}}`;
  const { exitCode, stdout } = await docker(["image", "inspect", "--format", format, tag], call);
  const [id, found] = stdout.trim().split(" ");
  return exitCode === 0 && found === hash ? id : undefined;
}

async function findByHash(hash: string, call: DockerCall): Promise<string | undefined> {
  const args = ["image", "ls", "--quiet", "--no-trunc", "--filter", `label=${hashLabel}=${hash}`];
  const { stdout } = await must(args, call);
  return stdout.split("\n").find((line) => line !== "");
}

async function inspect(tag: string, call: DockerCall): Promise<Pick<BuiltImage, "id" | "sizeBytes">> {
  const { stdout } = await must(["image", "inspect", "--format", "{{.Id}} {{.Size}}", tag], call);
  const [id = "", size] = stdout.trim().split(" ");
  return { id, sizeBytes: Number(size) };
}

async function must(args: readonly string[], call: DockerCall) {
  const end = await docker(args, call);
  if (end.exitCode === 0) return end;
  throw new UserError(`docker ${args.slice(0, 2).join(" ")}: ${lastLine(end)}`, {
    code: "image-build",
    exitCode: ExitCode.failed,
  });
}

function buildFailure(reason: string, engine: DockerEngine): UserError {
  return new UserError(`the image could not be built: ${reason}`, {
    code: "image-build",
    exitCode: ExitCode.failed,
    hint: engine.buildx
      ? "the builder's output above says which step failed"
      : "the builder's output above says which step failed; this Docker has no buildx, so its classic builder was used",
  });
}
