import { defineCommand, projectOption } from "../command.js";

export const install = defineCommand<[], { project?: string; workspace?: string }>({
  name: "install",
  summary: "Build the virtual environments of the project's installs",
  description:
    "One environment for each venv name, made with uv when it is there, else with python3 -m venv and pip. " +
    "What is built already and unchanged is kept.",
  options: [
    projectOption,
    {
      flags: "-w, --workspace <dir>",
      description: "build them in <dir>/.venvs (default: <project>/.handoff/venvs)",
    },
  ],
  examples: [{ command: "handoff install -p projects/fx", note: "then: handoff run -p projects/fx" }],
  run: async (_args, options, context) => {
    const { installProject } = await import("../install.js");
    return await installProject(options, context);
  },
});
