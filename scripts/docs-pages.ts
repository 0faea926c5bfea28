/** Pages of docs/ that are made from the code, so that they can't say something else than it does. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import type { CommandSpec } from "../cli/command.js";
import type { CliContext } from "../cli/context.js";
import { runCli } from "../cli/program.js";
import { commands, loadAll } from "../cli/registry.js";
import { type Platform, platforms } from "../model/plan-types.js";
import { type CapabilityName, capabilityNames } from "../providers/contract.js";
import { providerOf } from "../providers/registry.js";

/** File name in docs/ to the text that belongs in it. */
export async function generatedPages(packageDir: string): Promise<Readonly<Record<string, string>>> {
  return {
    "platforms.md": platformsPage(),
    "cli.md": await cliPage(packageDir),
    "plan.md": await withOutputs("plan.md", packageDir),
    "cost.md": await withOutputs("cost.md", packageDir),
  };
}

/** What each row of the table is called, and what it means, for who writes a project.yml. */
const rows: Readonly<Record<CapabilityName, readonly [title: string, meaning: string]>> = {
  job: ["Job", "what runs the tasks"],
  resources: ["Size", "`resources`: cpu, memory, disk; rounded up to what there is"],
  schedule: ["Schedule", "`schedules`: what starts the job"],
  timezone: ["Time zone", "`timezone` of a schedule, with its changes to and from summer time"],
  "cron-or-days": ["Day of month or of week", "a cron with both, such as `0 6 1 * MON`: either of them"],
  "schedule-overrides": ["Schedule's own values", "`tasks`, `vars`, `envs` of a schedule"],
  "scheduled-at": ["Scheduled instant", "`scheduled_at` in templates: the instant that a run stands for"],
  overlap: ["Overlap", "`overlap: skip` of a schedule: no run begins while its previous one goes on"],
  pause: ["Pause", "`enabled: false`, without deleting the schedule"],
  dag: ["Order", "`granularity: task` with `depends_on`: a job for each task"],
  retries: ["Retries", "`retries`: who starts what failed again"],
  timeout: ["Time-out", "`timeout`: who stops what takes too long"],
  trigger: ["Trigger", "`triggers`: a run for each message of a queue"],
  "trigger-concurrency": ["Runs at a time", "`max_concurrency` of a trigger"],
  "dead-letter": ["Failed messages", "where a message goes that could not be worked off"],
  artifacts: ["Artifacts", "`artifacts.keep`: files from run to run"],
  bucket: ["Bucket", "`stores` of kind `bucket`"],
  table: ["Table", "`stores` of kind `table`"],
  secrets: ["Secrets", "`secrets`: where the values are"],
  logs: ["Logs", "what runs print, and how long it is kept"],
  "alert-success": ["Alert: success", "`on: [success]`"],
  "alert-failure": ["Alert: failure", "`on: [failure]`, once after the last retry"],
  "alert-timeout": ["Alert: time-out", "`on: [timeout]`"],
  "alert-missed": ["Alert: missed", "`on: [missed]`: a schedule could not start its run"],
  email: ["E-mail", "`email` of a notification"],
  webhook: ["Webhook", "`webhook` of a notification"],
  command: ["Command", "`command` of a notification"],
  "network-nat": ["Network: nat", "`handoff:network: {mode: nat}`: one fixed address to the outside"],
  "network-existing": ["Network: existing", "`handoff:network: {mode: existing}`: one that is there"],
  image: ["Image", "how the project gets to where it runs"],
  identity: ["Identity", "who a job is, and what it may do"],
  spot: ["Spot", "`handoff:spot`: cheaper capacity that may be taken away"],
  arm64: ["ARM", "`handoff:architecture: arm64`"],
  "git-source": ["Source from git", "`deploy.source.git`: cloned when a run starts"],
};

const titles: Readonly<Record<Platform, string>> = {
  local: "Local",
  aws: "AWS",
  gcp: "GCP",
  azure: "Azure",
};

function platformsPage(): string {
  const capabilities = platforms.map((platform) => providerOf(platform).capabilities);
  const matrix = capabilityNames.map((name) => {
    const cells = capabilities.map((of) => (of[name].supported ? "yes" : "no"));
    return `| [${rows[name][0]}](#${anchor(rows[name][0])}) | ${cells.join(" | ")} |`;
  });
  const details = capabilityNames.flatMap((name) => [
    `### ${rows[name][0]}`,
    "",
    `${sentence(rows[name][1])}`,
    "",
    ...platforms.map((platform) => {
      const { supported, how } = providerOf(platform).capabilities[name];
      return `- ${titles[platform]}: ${supported ? "" : "**no**; "}${how}`;
    }),
    "",
  ]);
  return [
    "# Platforms",
    "",
    "What each platform has, and how. `handoff validate` and `handoff plan` say when a project uses something that its",
    "platform doesn't have. This page is made from the code (`npm run docs`).",
    "",
    `|  | ${platforms.map((platform) => titles[platform]).join(" | ")} |`,
    `| --- |${platforms.map(() => " --- |").join("")}`,
    ...matrix,
    "",
    "## How",
    "",
    ...details,
  ]
    .join("\n")
    .replace(/\n+$/, "\n");
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

function anchor(title: string): string {
  return title
    .toLowerCase()
    .replace(/[^a-z0-9 -]/g, "")
    .replace(/ /g, "-");
}

async function cliPage(packageDir: string): Promise<string> {
  const sections: string[] = [];
  for (const path of paths(await loadAll(), [])) {
    sections.push(`## handoff ${path.join(" ")}\n\n\`\`\`text\n${await helpOf(path, packageDir)}\`\`\`\n`);
  }
  const intro =
    "What `handoff <command> --help` prints. stdout is data, stderr is talk; every reading command has `--json`. Exit codes: 0 done; 1 the pipeline or the deployment failed; 2 the input is wrong and nothing was touched; 124 timed out; 130 and 143 interrupted. This page is made from the code (`npm run docs`).";
  return `# Commands\n\n${intro}\n\n${sections.join("\n")}`;
}

function paths(specs: readonly CommandSpec[], prefix: readonly string[]): (readonly string[])[] {
  return specs.flatMap(({ name, subcommands = [] }) => [
    [...prefix, name],
    ...paths(subcommands, [...prefix, name]),
  ]);
}

async function helpOf(path: readonly string[], packageDir: string): Promise<string> {
  return await outputOf([...path, "--help"], packageDir, packageDir);
}

/** The page with what its commands (`<!-- output: plan --cloud aws -->`) print of its project (the first YAML block). */
async function withOutputs(page: string, packageDir: string): Promise<string> {
  const text = readFileSync(join(packageDir, "docs", page), "utf8");
  const yaml = /```yaml\n([\s\S]*?)```/.exec(text)?.[1];
  if (yaml === undefined) throw new Error(`docs/${page} shows no project`);
  const dir = mkdtempSync(join(tmpdir(), "handoff-docs-"));
  try {
    writeFileSync(join(dir, "project.yml"), yaml);
    const parts = text.split(/(<!-- output: .* -->\n```\w+\n)[\s\S]*?(?=```)/);
    let made = "";
    for (const part of parts) {
      const command = /^<!-- output: (.*) -->/.exec(part)?.[1];
      made += command === undefined ? part : part + (await outputOf(command.split(" "), dir, packageDir));
    }
    return made;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** What a command prints on stdout. */
async function outputOf(argv: readonly string[], cwd: string, packageDir: string): Promise<string> {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const context: CliContext = {
    cwd,
    // Nothing of this machine's.
    env: { HANDOFF_HOME: join(cwd, "no-home") },
    stdin: new PassThrough() as unknown as NodeJS.ReadStream,
    stdout: stdout as unknown as NodeJS.WriteStream,
    stderr: stderr as unknown as NodeJS.WriteStream,
    now: () => new Date(0),
    interrupted: new AbortController().signal,
    packageDir,
  };
  const code = await runCli(argv, context, commands);
  if (code !== 0) throw new Error(`handoff ${argv.join(" ")} exits ${code}: ${String(stderr.read() ?? "")}`);
  return String(stdout.read() ?? "");
}
