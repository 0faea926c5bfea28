import { defineCommand, jsonOption, stackOption } from "../command.js";
import type { RotateOptions } from "../secrets.js";

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

const bring = defineCommand<[string], { stack?: string }>({
  name: "import",
  summary: "Set the secrets of a folder or file: .secrets/, secrets.yml or .env",
  description:
    "A folder has a file a secret, named as its key, or the Python tool's secrets.yml. A .yml file is such a secrets.yml; any " +
    "other file has KEY=value lines. All of them are set, or none. The files are left where they are.",
  arguments: [{ name: "<path>", description: "folder or file" }],
  options: [stackOption],
  examples: [
    {
      command: "handoff secrets import .secrets -s prod",
      note: "a project of the Python tool, or of handoff run",
    },
    { command: "handoff secrets import client-a.env -s client-a", note: "KEY=value lines" },
  ],
  run: async ([path], options, context) => {
    const { importSecrets } = await import("../secrets.js");
    return await importSecrets(path, options, context);
  },
});

const rotate = defineCommand<[], RotateOptions>({
  name: "rotate",
  summary: "Encrypt a stack's secrets anew, with another passphrase or key",
  description:
    "Changes what encrypts the secrets in the stack's file and state, not the secrets: a secret's own value is changed with " +
    "`handoff secrets set` and `handoff up`. A new passphrase is read from --passphrase-file, stdin, or typed without being " +
    "shown. With the key of a key service that is used already, its data key is made anew. With --all, stacks that have the " +
    "new passphrase already are left alone, so that it can be run again.",
  options: [
    stackOption,
    { flags: "--all", description: "every stack of the repository" },
    {
      flags: "--secrets-provider <url>",
      description: "awskms://…, gcpkms://…, azurekeyvault://…, hashivault://…, or passphrase",
    },
    { flags: "--passphrase-file <file>", description: "file that holds the new passphrase alone" },
  ],
  examples: [
    { command: "handoff secrets rotate --all --passphrase-file new.txt", note: "another passphrase" },
    {
      command: 'handoff secrets rotate -s prod --secrets-provider "awskms://alias/acme?region=eu-west-1"',
      note: "a key of AWS KMS",
    },
  ],
  run: async (_args, options, context) => {
    const { rotateSecrets } = await import("../secrets.js");
    return await rotateSecrets(options, context);
  },
});

export const secrets = {
  name: "secrets",
  summary: "Set, list, remove, import and rotate the secrets of a stack",
  description:
    "They are encrypted in Pulumi.<stack>.yaml. For `handoff run`, put a value in <project>/.secrets/<KEY> (mode 0600) instead.",
  subcommands: [set, list, remove, bring, rotate],
  examples: [{ command: "handoff secrets list -s dev", note: "what is set, and what is missing" }],
};
