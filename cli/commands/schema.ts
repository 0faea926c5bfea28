import { defineCommand } from "../command.js";
import { print } from "../context.js";

export const schema = defineCommand<[], { settings?: boolean }>({
  name: "schema",
  summary: "Print the JSON Schema of project.yml, for editors",
  description:
    "Editors with a YAML language server then complete keys and show their meaning while you type.",
  options: [{ flags: "--settings", description: "that of a stack's Pulumi.<stack>.yaml instead" }],
  examples: [
    {
      command: "handoff schema > .handoff/project.schema.json",
      note: "and name it in the editor's settings",
    },
    { command: "handoff schema --settings > .handoff/settings.schema.json", note: "for Pulumi.*.yaml" },
  ],
  run: async (_args, { settings }, context) => {
    const schemaOf = settings
      ? (await import("../../providers/settings-schema.js")).settingsJsonSchema
      : (await import("../../model/schema.js")).projectJsonSchema;
    print(context, JSON.stringify(schemaOf(), null, 2));
    return undefined;
  },
});
