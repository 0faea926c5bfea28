/** The user's Docker, by its own command line: his contexts, sign-ins and settings count. */
import { spawn } from "node:child_process";
import { UserError } from "../model/diagnostic.js";

export type Env = Readonly<Record<string, string | undefined>>;

export interface DockerCall {
  /** `DOCKER_HOST`, `DOCKER_CONFIG`, PATH, … */
  readonly env: Env;
  /** Each line that Docker says, on stdout or stderr, as it comes. */
  readonly log?: ((line: string) => void) | undefined;
  /** Aborted: Docker is told to stop, and the promise rejects. */
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds; default: as long as it takes. */
  readonly timeoutMs?: number;
}

export interface DockerEnd {
  /** 127 when there is no `docker`. */
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What is kept of the output, at its end, in characters. */
const keptOutput = 1024 * 1024;

/** Runs `docker …`; resolves for a failure too. @throws the reason of `signal` */
export function docker(args: readonly string[], call: DockerCall): Promise<DockerEnd> {
  return new Promise((resolve, reject) => {
    const child = spawn("docker", args, {
      env: { ...call.env },
      stdio: ["ignore", "pipe", "pipe"],
      ...(call.timeoutMs === undefined ? {} : { timeout: call.timeoutMs }),
    });
    const output = { stdout: "", stderr: "" };
    const onAbort = () => child.kill("SIGTERM");
    call.signal?.addEventListener("abort", onAbort, { once: true });
    if (call.signal?.aborted) onAbort();
    const listen = (name: "stdout" | "stderr"): void => {
      let rest = "";
      child[name].setEncoding("utf8");
      child[name].on("data", (text: string) => {
        output[name] = (output[name] + text).slice(-keptOutput);
        const lines = (rest + text).split(/\r?\n|\r/);
        rest = lines.pop() ?? "";
        for (const line of lines) call.log?.(line);
      });
      child[name].on("end", () => {
        if (rest !== "") call.log?.(rest);
      });
    };
    listen("stdout");
    listen("stderr");
    const finish = (exitCode: number): void => {
      call.signal?.removeEventListener("abort", onAbort);
      if (call.signal?.aborted) reject(call.signal.reason);
      else resolve({ exitCode, ...output });
    };
    child.on("error", (error) => {
      output.stderr += error.message;
      finish(127);
    });
    child.on("close", (code) => finish(code ?? 1));
  });
}

/** The engine that the user's Docker talks to. */
export interface DockerEngine {
  readonly version: string;
  /** As image platforms name it: `amd64`, `arm64`. */
  readonly architecture: string;
  /** Whether images can be built by BuildKit, with `docker buildx`. */
  readonly buildx: boolean;
}

const probeTimeoutMs = 30_000;

/** @throws UserError `no-docker` with what is missing: the program, or its engine */
export async function findDocker(call: Pick<DockerCall, "env" | "signal">): Promise<DockerEngine> {
  const probe = { ...call, timeoutMs: probeTimeoutMs };
  const [server, buildx] = await Promise.all([
    docker(["version", "--format", "{{json .Server}}"], probe),
    docker(["buildx", "version"], probe),
  ]);
  if (server.exitCode === 127) {
    throw new UserError("there is no `docker` on PATH", {
      code: "no-docker",
      hint: "install Docker, or name an image that exists: `handoff:image`",
    });
  }
  const engine = parseEngine(server.stdout);
  if (server.exitCode !== 0 || engine === null) {
    throw new UserError(`Docker's engine doesn't answer: ${lastLine(server)}`, {
      code: "no-docker",
      hint: "start it, or say with DOCKER_HOST or `docker context use` where it is",
    });
  }
  return { ...engine, buildx: buildx.exitCode === 0 };
}

function parseEngine(text: string): Pick<DockerEngine, "version" | "architecture"> | null {
  try {
    const { Version: version, Arch: architecture } = JSON.parse(text) as Record<string, unknown>;
    return typeof version === "string" && typeof architecture === "string" ? { version, architecture } : null;
  } catch {
    return null;
  }
}

/** The last thing that Docker said, which says what went wrong. */
export function lastLine({ stderr, stdout }: Pick<DockerEnd, "stdout" | "stderr">): string {
  const lines = `${stdout}\n${stderr}`.split("\n").map((line) => line.trim());
  return lines.findLast((line) => line !== "") ?? "it said nothing";
}
