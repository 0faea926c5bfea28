/** A Python environment with moto (its server, on loopback) and the AWS SDK that checks calls against the API's models. */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../../../", import.meta.url));
const version = "5.2.5";
const packages = [
  `moto[stepfunctions,dynamodb,s3,ec2,sns,sqs,ecs,iam]==${version}`,
  "boto3",
  "flask",
  "flask-cors",
];

/** Path of its Python; the first call installs it below .cache, which takes some minutes. */
export function motoPython(): string {
  const home = join(root, ".cache", "test-tools", `moto-${version}`);
  const python = join(home, "bin", "python");
  if (existsSync(join(home, "complete"))) return python;
  mkdirSync(join(root, ".cache", "test-tools"), { recursive: true });
  // A lock by its name: another test run that installs at the same time uses a folder of its own, and one of them wins.
  const fresh = `${home}-${process.pid}`;
  rmSync(fresh, { recursive: true, force: true });
  execFileSync("python3", ["-m", "venv", fresh], { stdio: "pipe" });
  execFileSync(join(fresh, "bin", "python"), ["-m", "pip", "install", "-q", ...packages], { stdio: "pipe" });
  execFileSync("touch", [join(fresh, "complete")]);
  rmSync(home, { recursive: true, force: true });
  renameSync(fresh, home);
  return python;
}

/** Creates the rendering on a fresh server; gives what create.py prints. @throws Error with the call that failed */
export function createOnMoto(rendering: unknown): Record<string, unknown> {
  return runScript("create.py", rendering) as Record<string, unknown>;
}

export interface Notice {
  readonly status: string;
  readonly error: string | null;
  readonly mails: readonly { readonly subject: string; readonly text: string }[];
  /** What each webhook is sent, by the event target's name in Pulumi. */
  readonly posts: readonly { readonly target: string; readonly detail: Readonly<Record<string, unknown>> }[];
}

/**
 * Creates the rendering on a fresh server, and gives events to rules of it by their names in Pulumi; see notify.py.
 * @param endings texts of objects in the artifact bucket, by their keys
 */
export function notifyOnMoto(
  rendering: unknown,
  endings: Readonly<Record<string, string>>,
  events: readonly { readonly rule: string; readonly event: object }[],
): Notice[] {
  return runScript("notify.py", { rendering, endings, events }) as Notice[];
}

/** What a script beside this file prints in its last line. */
function runScript(name: string, input: unknown): unknown {
  const script = fileURLToPath(new URL(`./${name}`, import.meta.url));
  const { status, stdout, stderr } = spawnSync(motoPython(), [script], {
    input: JSON.stringify(input),
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
    env: { PATH: process.env.PATH ?? "", AWS_EC2_METADATA_DISABLED: "true" },
  });
  if (status !== 0) throw new Error(stderr.split("\n").slice(-20).join("\n"));
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "");
}
