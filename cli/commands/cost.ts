import { platforms } from "../../model/plan-types.js";
import { defineCommand, jsonOption, projectOption } from "../command.js";
import type { CostOptions } from "../cost.js";

export const cost = defineCommand<[], CostOptions>({
  name: "cost",
  summary: "Estimate what a month costs, line by line",
  description:
    "Counts how often the schedules fire, times how long a run takes, times the size that it needs. A run's length is what " +
    "--duration says, else the median of the project's successful runs on this machine, else 5 minutes. List prices, of " +
    "dated tables; nothing is contacted.",
  options: [
    projectOption,
    { flags: "--cloud <cloud>", description: "platform (default: the stack's)", choices: platforms },
    { flags: "--compare", description: "every platform, side by side" },
    {
      flags: "-s, --stack <stack>",
      description: "stack whose settings count (default: a stack `dev` with nothing set)",
    },
    {
      flags: "--duration <job=time>",
      description: "how long a run of a job takes, such as load=90s; without a job: each",
      repeat: true,
    },
    jsonOption,
  ],
  examples: [
    { command: "handoff cost --cloud aws", note: "the project here, on AWS" },
    { command: "handoff cost --compare --duration 90s", note: "where it is cheapest" },
    { command: "handoff cost -s client-a --json", note: "as a stack's settings have it, as data" },
  ],
  run: async (_args, options, context) => {
    const { showCost } = await import("../cost.js");
    return await showCost(options, context);
  },
});
