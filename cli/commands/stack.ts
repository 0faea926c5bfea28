import { defineCommand, jsonOption } from "../command.js";
import type { NewStackOptions } from "../stack-new.js";

const create = defineCommand<[string], NewStackOptions>({
  name: "new",
  summary: "Make a stack, for example for another client",
  description:
    "Writes Pulumi.<stack>.yaml, checks it, and makes the stack in the backend, so that its encryption key is in the file: that " +
    "file is all there is to commit. What all stacks share is in `config` of Pulumi.yaml. Nothing is deployed.",
  arguments: [{ name: "<name>", description: "letters, digits, hyphens, underscores and dots" }],
  options: [
    {
      flags: "--from <stack>",
      description: "copy the settings of another stack, all but its client and its secrets",
    },
    {
      flags: "--template <file>",
      description: "take the settings of a file shaped as a stack's; {{ stack }} in it is the name",
    },
    {
      flags: "--set <key=value>",
      description: "a setting, on top; `handoff:` may be left out (repeatable)",
      repeat: true,
    },
    {
      flags: "--secrets <path>",
      description: "set the secrets of a folder or file, as `handoff secrets import` takes it",
    },
    {
      flags: "--secrets-provider <url>",
      description: "key that encrypts its secrets, such as awskms://… (default: a passphrase)",
    },
    { flags: "--no-init", description: "write the file only; the first `up` makes the stack" },
    jsonOption,
  ],
  examples: [
    { command: "handoff stack new client-101 --set aws:region=eu-west-1", note: "the rest is shared" },
    { command: "handoff stack new client-101 --from client-100", note: "as another client has it" },
    { command: "handoff stack new prod --secrets .secrets", note: "with its secrets" },
  ],
  run: async ([name], options, context) => {
    const { newStack } = await import("../stack-new.js");
    return await newStack(name, options, context);
  },
});

const list = defineCommand<[], { json?: boolean; select?: string[] }>({
  name: "list",
  summary: "List the stacks: client, cloud, project, and when each was last updated",
  description:
    "Resources and the last update are what the backend knows; a state in files is read without the Pulumi engine.",
  options: [
    {
      flags: "--select <key=value,…>",
      description: "those with these: client, cloud, project, region, stack, tag.NAME (repeatable)",
      repeat: true,
    },
    jsonOption,
  ],
  examples: [
    { command: "handoff stack list", note: "all of them" },
    { command: "handoff stack list --select cloud=aws --json", note: "some of them, as data" },
  ],
  run: async (_args, options, context) => {
    const { listStacks } = await import("../stack.js");
    return await listStacks(options, context);
  },
});

const show = defineCommand<[string | undefined], { json?: boolean }>({
  name: "show",
  summary: "Show the effective settings of a stack, and where each came from",
  arguments: [
    { name: "[name]", description: "stack (default: the only one that Pulumi.<stack>.yaml files name)" },
  ],
  options: [jsonOption],
  examples: [{ command: "handoff stack show client-a", note: "its file's, shared and default settings" }],
  run: async ([name], options, context) => {
    const { showStack } = await import("../stack.js");
    return await showStack(name, options, context);
  },
});

const rm = defineCommand<[string], object>({
  name: "rm",
  summary: "Remove a stack that has no resources, with its file",
  description: "Refuses while anything is deployed: `handoff destroy` comes first.",
  arguments: [{ name: "<name>", description: "stack" }],
  options: [],
  examples: [
    { command: "handoff destroy client-a && handoff stack rm client-a", note: "a client that has left" },
  ],
  run: async ([name], _options, context) => {
    const { removeStack } = await import("../stack.js");
    return await removeStack(name, context);
  },
});

export const stack = {
  name: "stack",
  summary: "Make, list, show and remove stacks",
  description: "A stack is one deployment of one project for one client: a file Pulumi.<stack>.yaml.",
  subcommands: [create, list, show, rm],
  examples: [{ command: "handoff stack list", note: "every client, and when it was last updated" }],
};
