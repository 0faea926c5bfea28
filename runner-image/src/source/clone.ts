/** A shallow clone of one ref, and what its failures mean to a user. */
import { mkdir } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { ExitCode, UserError } from "../../../model/diagnostic.js";
import type { GitSource } from "../../../model/project.js";
import { type GitOptions, type GitOutcome, git } from "./git.js";

export interface CloneOptions {
  /** A folder that isn't there yet. */
  readonly dir: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Value of the secret that `source.token` names. */
  readonly token?: string;
  readonly signal?: AbortSignal;
  /** Told of each further attempt. */
  readonly warn: (message: string) => void;
  /** Milliseconds before each further attempt at a server that can't be reached. Default: 2 s, then 10 s. */
  readonly retryDelays?: readonly number[];
}

/**
 * Clones `source.url` at `source.ref` into `dir`, without history, tags and submodules; gives the commit. The folder's
 * `.git` knows neither the token nor a remote.
 * @throws UserError `source-unreachable` (exit code 1: another attempt may do), `source-denied`, `source-not-found`,
 *   `source-ref`, `source-failed`, `git-missing`, `source-interrupted`
 */
export async function clone(source: GitSource, options: CloneOptions): Promise<string> {
  const { dir, env, signal, token } = options;
  await mkdir(dir, { recursive: true });
  const local: GitOptions = { cwd: dir, env, ...(signal === undefined ? {} : { signal }) };
  const remote: GitOptions = {
    ...local,
    ...(token === undefined || isFile(source) ? {} : { access: { url: source.url, token } }),
  };
  const must = async (args: readonly string[], how: GitOptions): Promise<string> => {
    const outcome = await run(args, how);
    if (!outcome.ok) throw failure(source, outcome, token);
    return outcome.stdout.trim();
  };
  await must(["init", "--quiet", "--template="], local);
  const fetch = [
    "fetch",
    "--quiet",
    "--depth=1",
    "--no-tags",
    "--no-recurse-submodules",
    source.url,
    source.ref,
  ];
  for (const delay of [...(options.retryDelays ?? [2000, 10_000]), null]) {
    try {
      await must(fetch, remote);
      break;
    } catch (error) {
      const again = error instanceof UserError && error.code === "source-unreachable" && delay !== null;
      if (!again) throw error;
      options.warn(`${error.message}; trying again`);
      await sleep(delay, undefined, signal === undefined ? {} : { signal }).catch(() => {
        throw interrupted(signal);
      });
    }
  }
  await must(["checkout", "--quiet", "--detach", "FETCH_HEAD"], local);
  return must(["rev-parse", "HEAD"], local);
}

/** Which asks for no token. */
function isFile({ url }: GitSource): boolean {
  return new URL(url).protocol === "file:";
}

async function run(args: readonly string[], options: GitOptions): Promise<GitOutcome> {
  const outcome = await git(args, options).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
    throw new UserError("there is no git: deploy.source.git needs it", {
      code: "git-missing",
      hint: "in a container: use the image that `handoff image build` makes for a project with deploy.source.git; else install git",
      exitCode: ExitCode.failed,
    });
  });
  if (options.signal?.aborted) throw interrupted(options.signal);
  return outcome;
}

/** A run that is stopped while its project is brought. */
export function interrupted(signal: AbortSignal | undefined): UserError {
  return new UserError("the run was stopped before its project was there", {
    code: "source-interrupted",
    exitCode: signal?.reason === "SIGINT" ? ExitCode.interrupted : ExitCode.terminated,
  });
}

interface Failure {
  readonly code: string;
  /** In what git says, in English. */
  readonly says: RegExp;
  readonly message: (source: GitSource) => string;
  readonly hint: (source: GitSource, token: string | undefined) => string;
  readonly exitCode?: number;
}

/** The first that fits counts. */
const failures: readonly Failure[] = [
  {
    code: "source-ref",
    says: /couldn't find remote ref|not our ref|unadvertised object|no such ref|remote error: .*not.*ref/i,
    message: ({ url, ref }) => `${url} has no branch, tag or commit \`${ref}\``,
    hint: ({ ref }) =>
      /^[0-9a-f]{4,39}$/.test(ref)
        ? "a commit needs its whole id, of 40 digits; else correct deploy.source.git.ref, and run `handoff up`"
        : "correct deploy.source.git.ref, and run `handoff up`",
  },
  {
    code: "source-unreachable",
    says: /could not resolve|couldn't connect|failed to connect|timed out|too slow|connection (was )?(reset|refused|closed)|SSL|certificate|(recv|send) failure|empty reply|early EOF|unexpected disconnect|RPC failed|hung up|returned error: (429|5\d\d)/i,
    message: ({ url }) => `${url} can't be reached`,
    hint: () =>
      "check deploy.source.git.url, and that the job's network leads there (handoff:network, a proxy, the server's certificate)",
    exitCode: ExitCode.failed,
  },
  {
    code: "source-denied",
    says: /authentication failed|could not read (username|password)|terminal prompts disabled|returned error: (401|403)|access denied|permission denied|invalid (username|credentials)/i,
    message: ({ url }) => `${url} may not be read`,
    hint: ({ token: key }, token) =>
      key === undefined
        ? "for a private repository put an access token into a secret, and its name into deploy.source.git.token"
        : token === undefined
          ? setToken(key)
          : `the token in secret \`${key}\` is refused: it may have expired, or lack the right to read this repository`,
  },
  {
    code: "source-not-found",
    says: /not found|does not exist|does not appear to be a git repository|returned error: 404|no such file/i,
    message: ({ url }) => `there is no repository at ${url}`,
    hint: ({ token: key }) =>
      key === undefined
        ? "correct deploy.source.git.url; a private repository looks like this without deploy.source.git.token"
        : `correct deploy.source.git.url, and check that the token in secret \`${key}\` may read it`,
  },
];

/** How a token that the deployment doesn't have gets there. */
export function setToken(key: string): string {
  return `set it with \`handoff secrets set ${key}\` in the stack, and run \`handoff up\``;
}

function failure(source: GitSource, { problem }: GitOutcome, token: string | undefined): UserError {
  // Words of the address say nothing.
  const words = problem.replaceAll(source.url, "");
  const known = failures.find(({ says }) => says.test(words));
  const told = problem.replace(/\s*\n\s*/g, "; ").replace(/^(fatal|error): /, "");
  if (known === undefined) {
    return new UserError(`${source.url} can't be cloned: ${told}`, {
      code: "source-failed",
      exitCode: ExitCode.failed,
    });
  }
  return new UserError(`${known.message(source)}: git says: ${told}`, {
    code: known.code,
    hint: known.hint(source, token),
    ...(known.exitCode === undefined ? {} : { exitCode: known.exitCode }),
  });
}
