import { defineCommand, jsonOption, stackOption } from "../command.js";

const set = defineCommand<[string], { stack?: string; file?: string }>({
  name: "set",
  summary: "Set a secret of a stack, encrypted",
  description:
    "The value is read from stdin, from --file, or typed without being shown. It is never an argument: arguments are " +
    "visible to every process of the machine. A final newline is dropped. It takes effect with the next `handoff up`.",
  arguments: [{ name: "<key>", description: "name of the secret, as project.yml says it" }],
  options: [stackOption, { flags: "--file <file>", description: "read the value from a file" }],
  examples: [
    { command: "handoff secrets set API_KEY -s dev", note: "type it" },
    { command: "pass show api | handoff secrets set API_KEY -s dev", note: "from a password manager" },
  ],
  run: async ([key], options, context) => {
    const { setSecret } = await import("../secrets.js");
    return await setSecret(key, options, context);
  },
});

const list = defineCommand<[], { stack?: string; json?: boolean }>({
  name: "list",
  summary: "List the names of a stack's secrets, and those that project.yml names and nobody has set",
  options: [stackOption, jsonOption],
  examples: [{ command: "handoff secrets list -s dev", note: "names alone, never values" }],
  run: async (_args, options, context) => {
    const { listSecrets } = await import("../secrets.js");
    return await listSecrets(options, context);
  },
});

const remove = defineCommand<[string], { stack?: string }>({
  name: "remove",
  summary: "Remove a secret from a stack",
  arguments: [{ name: "<key>", description: "name of the secret" }],
  options: [stackOption],
  examples: [
    { command: "handoff secrets remove API_KEY -s dev", note: "gone from the platform with the next up" },
  ],
  run: async ([key], options, context) => {
    const { removeSecret } = await import("../secrets.js");
    return await removeSecret(key, options, context);
  },
});

export const secrets = {
  name: "secrets",
  summary: "Set, list and remove the secrets of a stack",
  description:
    "They are encrypted in Pulumi.<stack>.yaml. For `handoff run`, put a value in <project>/.secrets/<KEY> (mode 0600) instead.",
  subcommands: [set, list, remove],
  examples: [{ command: "handoff secrets list -s dev", note: "what is set, and what is missing" }],
};
