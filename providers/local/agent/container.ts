/** A run in a container of the deployment's image, by the user's Docker. */
import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { Run } from "../../../history/history.js";
import { docker, type Env, lastLine } from "../../docker.js";
import { labelsOf } from "../container-labels.js";
import { makeDir } from "../home.js";
import type { ContainerRecord } from "../records.js";
import { type EngineFacts, engineFacts, userOf } from "./docker-engine.js";
import type { Attempt, LaunchOptions } from "./launch.js";
import { outputTail } from "./output.js";
import { give } from "./owner.js";
import { type RunnerPlaces, runnerArguments } from "./runner-arguments.js";

/** Where things are in the container; beside what the image itself holds (runner-image/Dockerfile). */
const inside = {
  run: "/handoff/run",
  code: "/handoff/project",
  venvs: "/handoff/venvs",
  artifacts: "/handoff/artifacts",
  secrets: "/handoff/secrets",
  stores: "/handoff/stores",
  cache: "/handoff/cache",
} as const satisfies RunnerPlaces;

/** Beyond the grace of the runner's children, before Docker kills what it was told to stop. */
const stopMarginSeconds = 10;
/** Between two tries to reach an engine that doesn't answer. */
const retryMs = 2000;

/** Docker lets one container have a name, so that no attempt runs twice. */
export function containerName({ runId, attempt }: Pick<Run, "runId" | "attempt">): string {
  return `handoff-${runId}-${attempt}`;
}

/**
 * Command line of Docker's client. It stays as long as its container does, hands on the signals that it gets, and what
 * the container prints. No value of a secret is in it, nor in what Docker keeps of a container: they are files that only
 * the container's user can read.
 * @throws UserError `no-docker` when the engine doesn't answer
 */
export async function containerCommand(
  attempt: Attempt,
  container: ContainerRecord,
  options: Pick<LaunchOptions, "env" | "dockerNetwork" | "graceSeconds">,
): Promise<string[]> {
  const { deployment, job, paths, run } = attempt;
  const engine = await engineFacts(options.env);
  const user = userOf(engine);
  const secrets = existsSync(deployment.secrets);
  const clones = job.spec.project.deploy.source.kind === "git";
  // One for all deployments would let a client's container change what another's finds.
  const kept = [deployment.artifacts, deployment.stores, ...(clones ? [deployment.cache] : [])];
  for (const dir of kept) makeDir(dir);
  if (user.gives) {
    const written = [...kept, paths.root];
    give(user, ...written, paths.request, paths.spec);
    // Containers only read it, so it can be looked into whoever owns it.
    if (secrets) give(user, ...job.secretKeys.map((key) => deployment.secret(key)), deployment.secrets);
  }
  const { cache, ...always } = inside;
  const seen = { ...always, secrets: secrets ? inside.secrets : undefined, ...(clones ? { cache } : {}) };
  const limits = limitsOf(container, engine);
  return [
    ["docker", "run", "--pull", "never", "--name", containerName(run)],
    labelsOf({ folder: deployment.root, job: run.job, run: run.runId }),
    // Outputs are in the run's folder, masked; Docker need not keep them as well.
    ["--log-driver", "none"],
    ["--stop-timeout", String(options.graceSeconds + stopMarginSeconds)],
    ["--user", `${user.uid}:${user.gid}`, "--cap-drop", "ALL", "--security-opt", "no-new-privileges"],
    engine.selinux ? ["--security-opt", "label=disable"] : [],
    engine.remapsUsers ? ["--userns", "host"] : [],
    // The temporary folder is a volume on disk that goes with the container: memory is for the project.
    ["--read-only", "--volume", "/tmp"],
    mount(paths.root, inside.run),
    mount(deployment.artifacts, inside.artifacts),
    mount(deployment.stores, inside.stores),
    secrets ? mount(deployment.secrets, inside.secrets, "readonly") : [],
    clones ? mount(deployment.cache, inside.cache) : [],
    limits,
    options.dockerNetwork === undefined ? [] : ["--network", options.dockerNetwork],
    // Told by arguments and files, as a process is, not by a container's environment.
    ["--env", "HANDOFF_ROOT=", "--env", "HOME=/tmp"],
    container.image,
    runnerArguments(attempt, seen, options.graceSeconds),
  ].flat();
}

/** Without swap: a limit that slows everything down instead of saying so helps nobody. */
function limitsOf({ cpu, memoryMiB }: ContainerRecord, { cpus }: EngineFacts): string[] {
  return [
    // Docker refuses more than there are.
    cpu === undefined ? [] : ["--cpus", String(Math.min(cpu, cpus))],
    memoryMiB === undefined ? [] : ["--memory", `${memoryMiB}m`, "--memory-swap", `${memoryMiB}m`],
  ].flat();
}

/** A path with a comma or a quote is one field of CSV. */
function mount(source: string, target: string, ...more: readonly string[]): string[] {
  const from = `source=${source}`;
  const field = /[",\n]/.test(from) ? `"${from.replaceAll('"', '""')}"` : from;
  return ["--mount", ["type=bind", field, `target=${target}`, ...more].join(",")];
}

/** Sends a signal to a container's runner. One that isn't there (yet, or any more) gets none. */
export async function signalContainer(
  name: string,
  signal: "SIGTERM" | "SIGKILL",
  { env, log }: Pick<LaunchOptions, "env" | "log">,
): Promise<void> {
  const end = await docker(["kill", "--signal", signal, name], { env });
  if (end.exitCode !== 0 && !isGone(end.stderr) && !/is not running/.test(end.stderr))
    log(`${name} could not be sent ${signal}: ${lastLine(end)}`);
}

/**
 * Waits for a container's end; gives the reason of it where Docker knows one. An engine that doesn't answer is waited
 * for: nobody else knows what became of the run.
 * @param output file of what Docker's client printed
 */
export async function endOfContainer(
  name: string,
  output: string,
  { env, log }: Pick<LaunchOptions, "env" | "log">,
): Promise<string | undefined> {
  for (let told = false; ; told = true) {
    const end = await docker(["wait", name], { env });
    if (isGone(end.stderr)) return notStarted(output);
    if (end.exitCode === 0) break;
    if (!told) log(`waiting for Docker, to know what became of ${name}: ${lastLine(end)}`);
    await sleep(retryMs);
  }
  const state = await docker(["inspect", "--format", "{{.State.OOMKilled}} {{.HostConfig.Memory}}", name], {
    env,
  });
  const [killed, memory] = state.stdout.trim().split(" ");
  if (killed !== "true") return undefined;
  const limit = Number(memory) > 0 ? ` (${Math.round(Number(memory) / 2 ** 20)} MiB)` : "";
  return `out of memory: the run needed more than its container may have${limit}; give it more with resources.memory`;
}

export async function removeContainer(
  name: string,
  { env, log }: Pick<LaunchOptions, "env" | "log">,
): Promise<void> {
  const image = await docker(["inspect", "--format", "{{.Image}}", name], { env });
  const removed = await docker(["rm", "--force", "--volumes", name], { env });
  if (removed.exitCode !== 0 && !isGone(removed.stderr))
    log(`${name} could not be removed: ${lastLine(removed)}`);
  if (image.exitCode === 0) await removeImageWithoutName(image.stdout.trim(), env);
}

/** One that an update or a destroy has taken the name from while its container still ran. */
async function removeImageWithoutName(image: string, env: Env): Promise<void> {
  const format = "{{len .RepoTags}} {{len .RepoDigests}}";
  const names = await docker(["image", "inspect", "--format", format, image], { env });
  // Refused while another container has it, which then does the same.
  if (names.stdout.trim() === "0 0") await docker(["image", "rm", image], { env });
}

function notStarted(output: string): string {
  const said = outputTail(output);
  const hint = /no such image/i.test(said)
    ? ". `handoff refresh`, then `handoff up`, makes the image again"
    : "";
  return `the container was not started, or was removed${said}${hint}`;
}

function isGone(stderr: string): boolean {
  return /no such container/i.test(stderr);
}
