import { defineCommand } from "../command.js";

const templates = ["hello", "singer", "dbt"] as const;

export const init = defineCommand<[string | undefined], { template: (typeof templates)[number] }>({
  name: "init",
  summary: "Make a project that runs",
  description:
    "Writes project.yml and its files, and what Pulumi needs to deploy it. Never overwrites a file: what is there stays, " +
    "and is named. A project.yml that is there gets only what it lacks to be deployed.",
  arguments: [
    { name: "[dir]", description: "folder to write to, made if it is not there (default: this one)" },
  ],
  options: [
    {
      flags: "-t, --template <name>",
      description: "hello: shell alone; singer: a tap and two targets; dbt: a model on DuckDB",
      choices: templates,
      default: "hello",
    },
  ],
  examples: [
    { command: "handoff init my-pipeline", note: "then: cd my-pipeline; handoff run" },
    { command: "handoff init --template singer", note: "a Singer pipeline, in this folder" },
  ],
  run: async ([dir], options, context) => {
    const { initProject } = await import("../init.js");
    initProject(dir ?? ".", options.template, context);
    return undefined;
  },
});
