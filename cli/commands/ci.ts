import { defineCommand, type OptionSpec } from "../command.js";

export interface CiOptions {
  readonly branch: string;
  readonly drift: string;
  readonly print?: boolean;
  readonly force?: boolean;
}

const options: readonly OptionSpec[] = [
  { flags: "--branch <name>", description: "what is merged there is deployed", default: "main" },
  { flags: "--drift <cron>", description: "when drift is looked for, in UTC", default: "17 3 * * *" },
  { flags: "--print", description: "print the file, write nothing" },
  { flags: "--force", description: "write over a file that is there" },
];

const github = defineCommand<[], CiOptions>({
  name: "github",
  summary: "Write .github/workflows/handoff.yml, a workflow of GitHub Actions",
  options,
  examples: [{ command: "handoff ci github", note: "and what is to be set in the repository, on stderr" }],
  run: async (_args, given, context) => {
    const { writePipeline } = await import("../ci/write.js");
    return await writePipeline("github", given, context);
  },
});

const gitlab = defineCommand<[], CiOptions>({
  name: "gitlab",
  summary: "Write .gitlab-ci.yml, a pipeline of GitLab CI",
  options,
  examples: [{ command: "handoff ci gitlab --print", note: "to be merged by hand into one that is there" }],
  run: async (_args, given, context) => {
    const { writePipeline } = await import("../ci/write.js");
    return await writePipeline("gitlab", given, context);
  },
});

export const ci = {
  name: "ci",
  summary: "Write a CI pipeline: preview on a pull request, up on merge, drift each night",
  description:
    "It is made for what the stacks' files say now: the clouds that they are on, where their state is and how their secrets are " +
    "encrypted. No key of a cloud is stored anywhere: CI signs in by OIDC. docs/ci.md says what to set up in each cloud.",
  subcommands: [github, gitlab],
  examples: [{ command: "handoff ci github", note: "then commit it" }],
};
