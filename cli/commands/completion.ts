import { type CommandSpec, defineCommand } from "../command.js";
import { print } from "../context.js";

const shells = ["bash", "zsh", "fish"] as const;

/** @param loadAll every command; passed in, since it is among them itself. */
export const completionOf = (loadAll: () => Promise<readonly CommandSpec[]>): CommandSpec =>
  defineCommand<[(typeof shells)[number]], object>({
    name: "completion",
    summary: "Print a completion script for a shell",
    arguments: [{ name: "<shell>", description: "whose script", choices: shells }],
    examples: [
      { command: 'eval "$(handoff completion bash)"', note: "in ~/.bashrc; zsh the same in ~/.zshrc" },
      { command: "handoff completion fish | source", note: "in ~/.config/fish/config.fish" },
    ],
    run: async ([shell], _options, context) => {
      const { completionScript } = await import("../completion.js");
      print(context, completionScript(shell, await loadAll()));
      return undefined;
    },
  });
