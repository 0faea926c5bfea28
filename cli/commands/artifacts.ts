import { defineCommand, jsonOption, stackOption } from "../command.js";

interface StackOptions {
  readonly stack?: string;
  readonly json?: boolean;
}
export type ListOptions = StackOptions;
export interface GetOptions extends StackOptions {
  readonly to?: string;
  readonly overwrite?: boolean;
}
export interface PutOptions extends StackOptions {
  readonly as?: string;
}
export type RollbackOptions = StackOptions;
export interface CopyOptions {
  readonly from: string;
  readonly to: string;
  readonly all?: boolean;
  readonly json?: boolean;
}

const runArgument = (what: string) => ({
  name: "[run]",
  description: `name of an archive, or \`last\` (${what})`,
});

const list = defineCommand<[string | undefined], ListOptions>({
  name: "list",
  summary: "List the archives of a stack's runs, or the files of one",
  arguments: [runArgument("default: list the archives")],
  options: [stackOption, jsonOption],
  examples: [
    {
      command: "handoff artifacts list -s prod",
      note: "the newest first, and which one the next run starts from",
    },
    { command: "handoff artifacts list last -s prod", note: "its files" },
  ],
  run: async ([run], options, context) => {
    const { listArtifacts } = await import("../artifacts.js");
    return await listArtifacts(run, options, context);
  },
});

const get = defineCommand<[string | undefined], GetOptions>({
  name: "get",
  summary: "Fetch the files of an archive into a folder",
  description:
    "A file that is there already, and another one, is never overwritten unless you say so. Prints the folder.",
  arguments: [runArgument("default: last")],
  options: [
    stackOption,
    {
      flags: "--to <dir>",
      description: "folder, made when it isn't there (default: one named after the archive)",
    },
    { flags: "--overwrite", description: "replace files that are there" },
    jsonOption,
  ],
  examples: [
    { command: "handoff artifacts get -s prod --to state", note: "what the next run would start from" },
  ],
  run: async ([run], options, context) => {
    const { getArtifacts } = await import("../artifacts.js");
    return await getArtifacts(run, options, context);
  },
});

const put = defineCommand<[string], PutOptions>({
  name: "put",
  summary: "Store a folder's files as what the next run starts from",
  description:
    "The folder stands for a run's workspace: `state.json` in it is the run's `state.json`. The state before it stays as an " +
    "archive. When a run stores its state meanwhile, that one stays the last. Prints the new archive's name.",
  arguments: [{ name: "<folder>", description: "all files in it and below" }],
  options: [
    stackOption,
    { flags: "--as <name>", description: "name of the archive (default: put- and the time)" },
    jsonOption,
  ],
  examples: [{ command: "handoff artifacts put state -s prod", note: "begin from a bookmark of your own" }],
  run: async ([folder], options, context) => {
    const { putArtifacts } = await import("../artifacts.js");
    return await putArtifacts(folder, options, context);
  },
});

const rollback = defineCommand<[string], RollbackOptions>({
  name: "rollback",
  summary: "Let the next run start from an earlier run's archive",
  description:
    "In one step, and only when all of the archive is there. The state before it stays as an archive.",
  arguments: [{ name: "<run>", description: "name of the archive, as `handoff artifacts list` says it" }],
  options: [stackOption, jsonOption],
  examples: [
    {
      command: "handoff artifacts rollback 20261120T060000Z-5f3a9c01b2 -s prod",
      note: "yesterday's state again",
    },
  ],
  run: async ([run], options, context) => {
    const { rollbackArtifacts } = await import("../artifacts.js");
    return await rollbackArtifacts(run, options, context);
  },
});

const copy = defineCommand<[], CopyOptions>({
  name: "copy",
  summary: "Copy a stack's state to another stack, on whichever cloud",
  description:
    "--from and --to take a stack, or the place of a store as `up` and `destroy` print it for data that they keep: a URL or a " +
    "folder. What the target has already doesn't travel. It goes through this machine, and needs room for one archive in " +
    "the temporary folder.",
  options: [
    { flags: "--from <stack>", description: "where the state is", required: true },
    { flags: "--to <stack>", description: "where the next run is to start from it", required: true },
    { flags: "--all", description: "all archives, not only the last one" },
    jsonOption,
  ],
  examples: [
    {
      command: "handoff artifacts copy --from client-aws --to client-gcp",
      note: "before the first run there",
    },
    {
      command: "handoff artifacts copy --from s3://old-bucket/etl --to prod --all",
      note: "a stack that moved",
    },
  ],
  run: async (_args, options, context) => {
    const { copyArtifacts } = await import("../artifact-copy.js");
    return await copyArtifacts(options, context);
  },
});

export const artifacts = {
  name: "artifacts",
  summary: "List, fetch, set and copy what a stack's runs keep for the next one",
  description: "The store is reached as you, with what each cloud's own tools find. See docs/artifacts.md.",
  subcommands: [list, get, put, rollback, copy],
  examples: [{ command: "handoff artifacts list -s prod", note: "the archives of runs" }],
};
