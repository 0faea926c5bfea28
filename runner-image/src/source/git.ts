/** Runs git, with a token that is seen nowhere: not in an argument, an address, a file or the log. */
import { spawn } from "node:child_process";
import { createMasker } from "../mask.js";

export interface GitOptions {
  /** The repository's folder. */
  readonly cwd: string;
  /** What git inherits, without the variables that would point it to another repository or make it tell more. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Ends git and its helpers. */
  readonly signal?: AbortSignal;
  readonly access?: GitAccess;
}

/** Who asks a server for a repository. */
export interface GitAccess {
  readonly url: string;
  readonly token: string;
}

export interface GitOutcome {
  readonly ok: boolean;
  readonly stdout: string;
  /** What git complained of, without its progress; the token is masked. */
  readonly problem: string;
}

/** Variable of the git process alone that the credential helper reads. */
const tokenVariable = "HANDOFF_GIT_TOKEN";

/** What goes with a token where the address names no user: GitHub wants this one, others take any. */
const defaultUser = "x-access-token";

/**
 * A shell function as git's credential helper. `printf` is the shell's own: no process has the token as an argument. It answers
 * `get` alone, so that nothing is stored.
 */
function helper({ url }: GitAccess): string {
  const user = new URL(url).username === "" ? `username=${defaultUser}\\n` : "";
  return `!f() { test "$1" = get && printf '${user}password=%s\\n' "$${tokenVariable}"; }; f`;
}

/** Seconds with less than 1,000 bytes each, after which a transfer counts as dead. */
const stalledSeconds = 60;
const keptOutput = 64 * 1024;

/** Resolves for a git that failed too; rejects where there is no git (`ENOENT`). */
export function git(args: readonly string[], options: GitOptions): Promise<GitOutcome> {
  const { cwd, signal, access } = options;
  const { mask } = createMasker(access === undefined ? [] : [access.token]);
  return new Promise((resolve, reject) => {
    const child = spawn("git", [...configuration(access), ...args], {
      cwd,
      env: environment(options),
      stdio: ["ignore", "pipe", "pipe"],
      // A group of its own, so that a stop reaches the helper that talks to the server.
      detached: true,
    });
    const output = { stdout: "", stderr: "" };
    const collect = (name: keyof typeof output) => (text: string) => {
      output[name] = (output[name] + text).slice(-keptOutput);
    };
    child.stdout.setEncoding("utf8");
    child.stdout.on("data", collect("stdout"));
    child.stderr.setEncoding("utf8");
    child.stderr.on("data", collect("stderr"));
    const kill = () => killGroup(child.pid);
    // A process that ends without waiting for us takes git with it.
    process.once("exit", kill);
    signal?.addEventListener("abort", kill, { once: true });
    if (signal?.aborted) kill();
    const over = () => {
      process.removeListener("exit", kill);
      signal?.removeEventListener("abort", kill);
    };
    child.once("error", (error) => {
      over();
      reject(error);
    });
    child.once("close", (code) => {
      over();
      resolve({ ok: code === 0, stdout: mask(output.stdout), problem: mask(output.stderr.trim()) });
    });
  });
}

function killGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, "SIGKILL");
  } catch {
    // It has ended meanwhile.
  }
}

function configuration(access: GitAccess | undefined): string[] {
  const settings = [
    "advice.detachedHead=false",
    "core.autocrlf=false",
    "gc.auto=0",
    "http.lowSpeedLimit=1000",
    `http.lowSpeedTime=${stalledSeconds}`,
    ...(access === undefined
      ? []
      : // None of the machine's helpers, which could keep the token; and ours for this server alone, also after a redirect.
        ["credential.helper=", `credential.${new URL(access.url).origin}.helper=${helper(access)}`]),
  ];
  return settings.flatMap((setting) => ["-c", setting]);
}

/** Of git's own variables those stay that say how to reach a server. */
const keptVariables = /^GIT_(SSL_|PROXY_|HTTP_|EXEC_PATH$|CONFIG_NOSYSTEM$|CONFIG_GLOBAL$|CONFIG_SYSTEM$)/;

function environment({ env, access, cwd }: GitOptions): Record<string, string | undefined> {
  const kept = Object.entries(env).filter(([name]) => !name.startsWith("GIT_") || keptVariables.test(name));
  return {
    // Where a user has no home, such as in an image that any user may run.
    HOME: cwd,
    ...Object.fromEntries(kept),
    LC_ALL: "C",
    GIT_TERMINAL_PROMPT: "0",
    GIT_ASKPASS: "",
    SSH_ASKPASS: "",
    GIT_ALLOW_PROTOCOL: "https:http:file",
    ...(access === undefined ? {} : { [tokenVariable]: access.token }),
  };
}
