import { platforms } from "../../model/plan-types.js";
import { defineCommand, jsonOption, projectOption } from "../command.js";
import type { PlanOptions } from "../plan.js";

export const plan = defineCommand<[], PlanOptions>({
  name: "plan",
  summary: "Show every resource that a deployment would have, offline",
  description:
    "Needs no account, no credentials, no Pulumi engine and no network, and creates nothing. What is known only at deployment " +
    // biome-ignore lint/suspicious/noTemplateCurlyInString: shown as it is
    "is shown as ${name.output}, a secret's value as [secret]. With -s, that stack's settings count; without it, a stack " +
    "`dev` with nothing set. What the platform can't do is said, and exits 2 when it is an error.",
  options: [
    projectOption,
    { flags: "--cloud <cloud>", description: "platform (default: the stack's)", choices: platforms },
    { flags: "-s, --stack <stack>", description: "stack whose settings count (default: none, see above)" },
    jsonOption,
    {
      flags: "--graph <format>",
      description: "jobs, schedules, triggers, stores, notifications",
      choices: ["mermaid"],
    },
  ],
  examples: [
    { command: "handoff plan --cloud aws", note: "the project here, on AWS" },
    { command: "handoff plan -s client-a --json", note: "as a stack's settings have it, as data" },
    { command: "handoff plan --cloud gcp --graph mermaid", note: "a picture, for a README" },
  ],
  run: async (_args, options, context) => {
    const { showPlan } = await import("../plan.js");
    return await showPlan(options, context);
  },
});
