/** `handoff ci`: writes the pipeline, and says what it needs that is in no file. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { parseCron } from "../../model/cron.js";
import { ExitCode, UserError } from "../../model/diagnostic.js";
import type { CiOptions } from "../commands/ci.js";
import { type CliContext, print, say } from "../context.js";
import { type CiFacts, readFacts } from "./facts.js";
import { githubWorkflow } from "./github.js";
import { gitlabPipeline } from "./gitlab.js";
import { identityVariables } from "./pipeline.js";

const systems = {
  github: { file: ".github/workflows/handoff.yml", render: githubWorkflow },
  gitlab: { file: ".gitlab-ci.yml", render: gitlabPipeline },
} as const;

export async function writePipeline(
  system: keyof typeof systems,
  { branch, drift, print: onlyPrint, force }: CiOptions,
  context: CliContext,
): Promise<number> {
  checkBranch(branch);
  checkCron(drift);
  const facts = readFacts(context);
  const { file, render } = systems[system];
  const text = render(facts, { branch, drift });
  if (onlyPrint) print(context, text);
  else write(join(facts.gitRoot, file), text, force === true, context);
  for (const line of needs(system, facts, drift)) say(context, line);
  return ExitCode.ok;
}

function write(path: string, text: string, force: boolean, context: CliContext): void {
  const shown = relative(context.cwd, path) || path;
  const before = existsSync(path) ? readFileSync(path, "utf8") : undefined;
  if (before === text) {
    say(context, `${shown} is as it should be`);
    return;
  }
  if (before !== undefined && !force && !before.startsWith("# Written by `handoff ci")) {
    throw new UserError(`${shown} is there already, and isn't handoff's`, {
      code: "file-exists",
      hint: "print it with --print and merge the two, or write over it with --force",
    });
  }
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  say(context, `${shown} is written${before === undefined ? "" : " anew"}: commit it`);
}

/** What is to be done by hand, in order. */
function needs(system: keyof typeof systems, facts: CiFacts, drift: string): string[] {
  const { clouds, backend, passphrase, locked, localStacks } = facts;
  const where =
    system === "github"
      ? {
          variables: "Settings > Secrets and variables > Actions > Variables",
          secrets: "Secrets beside them",
        }
      : { variables: "Settings > CI/CD > Variables", secrets: "the same place, masked and protected" };
  const variables = clouds.flatMap((cloud) => {
    const { preview, deploy, others } = identityVariables[cloud];
    return [deploy, preview, ...others];
  });
  const secrets = [
    ...(passphrase ? ["PULUMI_CONFIG_PASSPHRASE"] : []),
    ...(backend === "pulumi-cloud" ? ["PULUMI_ACCESS_TOKEN"] : []),
  ];
  return [
    "",
    "Before its first run (docs/ci.md):",
    ...(backend === "files"
      ? [
          "- The state is kept in files, which CI's machines lose: set backend.url in Pulumi.yaml to a bucket that CI can reach (docs/backends.md)",
        ]
      : []),
    ...(locked ? [] : ["- There is no package-lock.json, which `npm ci` needs: npm install, and commit it"]),
    `- Let ${clouds.join(", ")} trust this repository's CI (OIDC), for previews with an identity that can only read`,
    `- Variables, in ${where.variables}: ${variables.join(", ")}`,
    ...(secrets.length > 0 ? [`- Secrets, in ${where.secrets}: ${secrets.join(", ")}`] : []),
    ...(system === "gitlab"
      ? [
          `- A schedule for drift, in Build > Pipeline schedules: ${drift} (UTC)`,
          "- For comments on merge requests a project access token with the scope api, as GITLAB_TOKEN",
        ]
      : []),
    ...(localStacks.length > 0
      ? [
          `- ${localStacks.join(", ")}: on a machine of yours, so CI leaves ${localStacks.length === 1 ? "it" : "them"} alone`,
        ]
      : []),
  ];
}

function checkBranch(branch: string): void {
  if (/^[\w./-]+$/.test(branch)) return;
  throw new UserError(`--branch ${branch} is no name of a branch`, {
    code: "bad-option",
    hint: "such as main",
  });
}

function checkCron(text: string): void {
  try {
    if (text.trim().split(/\s+/).length === 5) {
      parseCron(text);
      return;
    }
  } catch {
    // Told below.
  }
  throw new UserError(`--drift ${text} is no cron expression of 5 fields`, {
    code: "bad-option",
    hint: 'such as "17 3 * * *": each night at 3:17 UTC',
  });
}
