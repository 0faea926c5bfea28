import { defineCommand } from "../command.js";
import { print } from "../context.js";

export const schema = defineCommand<[], object>({
  name: "schema",
  summary: "Print the JSON Schema of project.yml, for editors",
  description:
    "Editors with a YAML language server then complete keys and show their meaning while you type.",
  examples: [
    {
      command: "handoff schema > .handoff/project.schema.json",
      note: "and name it in the editor's settings",
    },
  ],
  run: async (_args, _options, context) => {
    const { projectJsonSchema } = await import("../../model/schema.js");
    print(context, JSON.stringify(projectJsonSchema(), null, 2));
    return undefined;
  },
});
