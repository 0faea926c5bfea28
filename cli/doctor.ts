import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { ExitCode } from "../model/diagnostic.js";
import type { CliContext } from "./context.js";
import { print, printJson, say } from "./context.js";
import { colours } from "./output/colour.js";
import { formatTable } from "./output/table.js";

const PROBE_TIMEOUT_MS = 10_000;
const OLDEST_NODE = 20;

interface Check {
  readonly name: string;
  /** What cannot be done without it. */
  readonly purpose: string;
  readonly required: boolean;
  readonly ok: boolean;
  /** Version, or what was found. */
  readonly found: string;
  /** How to get it; shown when it is missing. */
  readonly remedy: string;
}

interface Probe extends Omit<Check, "ok" | "found"> {
  readonly command: readonly [string, ...string[]];
}

const probes: readonly Probe[] = [
  {
    name: "git",
    purpose: "projects that are cloned at their start (deploy.source: git)",
    required: false,
    command: ["git", "--version"],
    remedy: "install the package git",
  },
  {
    name: "python3",
    purpose: "`installs` of a project (virtual environments)",
    required: false,
    command: ["python3", "--version"],
    remedy: "install Python 3.9 or later",
  },
  {
    name: "python3 venv",
    purpose: "`installs`, where uv is not there",
    required: false,
    command: ["python3", "-c", "import ensurepip, venv; print('there')"],
    remedy: "install the package python3-venv, or uv",
  },
  {
    name: "uv",
    purpose: "`installs` several times faster",
    required: false,
    command: ["uv", "--version"],
    remedy: "pip install uv",
  },
  {
    name: "go",
    purpose: "building the Pulumi engine where its download is blocked",
    required: false,
    command: ["go", "version"],
    remedy: "install Go, unless the Pulumi CLI is there",
  },
  {
    name: "pulumi-language-nodejs",
    purpose: "a literal `pulumi up`; `handoff up` does without it",
    required: false,
    command: ["sh", "-c", "command -v pulumi-language-nodejs"],
    remedy: "install the full Pulumi CLI, which brings its Node language host",
  },
  {
    name: "docker",
    purpose: "the runner's image: for the clouds, and for runs in containers here (handoff:engine: docker)",
    required: false,
    command: ["docker", "version", "--format", "{{.Server.Version}}"],
    remedy: "install Docker, start its engine, and see that this user may use it (`docker version`)",
  },
];

/** Checks the machine and prints one line a tool. Exits 1 when something required is missing. */
export async function diagnoseMachine(
  options: { readonly json?: boolean },
  context: CliContext,
): Promise<number> {
  const checks = await Promise.all([
    checkNode(),
    checkEngine(context),
    ...probes.map((p) => probe(p, context)),
    checkAgent(context),
  ]);
  const ok = checks.every((check) => check.ok || !check.required);
  if (options.json) {
    printJson(context, { schemaVersion: 1, ok, checks });
    return ok ? ExitCode.ok : ExitCode.failed;
  }
  const paint = colours(context.stdout, context.env);
  const mark = (c: Check) =>
    c.ok ? paint.green("ok") : c.required ? paint.red("missing") : paint.yellow("absent");
  print(
    context,
    formatTable(
      ["", "TOOL", "FOUND", "FOR"],
      checks.map((c) => [mark(c), c.name, c.found, c.purpose]),
    ),
  );
  for (const check of checks.filter((c) => !c.ok)) say(context, `${check.name}: ${check.remedy}`);
  return ok ? ExitCode.ok : ExitCode.failed;
}

async function probe({ command, ...about }: Probe, context: CliContext): Promise<Check> {
  const found = await firstLine(command, context);
  return { ...about, ok: found !== undefined, found: found ?? "-" };
}

/** First line of a command's output; undefined when it is not there, fails or hangs. */
async function firstLine(
  [file, ...args]: readonly [string, ...string[]],
  context: CliContext,
): Promise<string | undefined> {
  try {
    const { stdout } = await promisify(execFile)(file, args, {
      timeout: PROBE_TIMEOUT_MS,
      env: { ...context.env },
      cwd: context.cwd,
    });
    return stdout.trim().split("\n")[0] ?? "";
  } catch {
    return undefined;
  }
}

async function checkNode(): Promise<Check> {
  const { versions } = await import("node:process");
  return {
    name: "node",
    purpose: "handoff itself",
    required: true,
    ok: Number.parseInt(versions.node, 10) >= OLDEST_NODE,
    found: versions.node,
    remedy: `install Node ${OLDEST_NODE} or later`,
  };
}

async function checkEngine(context: CliContext): Promise<Check> {
  const { lookForPulumi } = await import("../deploy/engine.js");
  const found = await lookForPulumi(context.env);
  return {
    name: "pulumi",
    purpose: "up, preview, destroy, refresh, secrets",
    required: false,
    ok: found !== undefined,
    found: found ? `${found.version} at ${found.command}` : "-",
    remedy: "nothing to do: the first `handoff up` gets the engine, by download or by a build with Go",
  };
}

async function checkAgent(context: CliContext): Promise<Check> {
  const { localAgentStatus } = await import("./agent.js");
  const { running, pid } = await localAgentStatus(context);
  return {
    name: "agent",
    purpose: "schedules of local stacks",
    required: false,
    ok: running,
    found: running ? `pid ${pid}` : "not running",
    remedy: "handoff agent start",
  };
}
