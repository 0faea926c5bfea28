/** Jobs, schedules and triggers: each is one JSON file whose fields are the resource's inputs. */
import { existsSync, readdirSync, rmSync } from "node:fs";
import { removeContainers } from "./container-labels.js";
import { deploymentPaths, makeDir, readJson, writeJson } from "./home.js";
import { pruneEmpty, removeFinishedRuns } from "./plugin-files.js";
import { type Failure, type PluginContext, type ResourceKind, requireText, text } from "./plugin-kind.js";
import { type Props, sameValue } from "./plugin-values.js";

/** Not stored: the file's own field, and what the plugin adds to the outputs. */
const schemaVersion = 1;

function record(inputs: Props): Props {
  return { schemaVersion, ...inputs };
}

function readRecord(state: Props, path: string): Props | undefined {
  const found = readJson<Props>(path);
  if (!found) return undefined;
  const { schemaVersion: version, ...inputs } = found;
  // A file that somebody made unusable counts as changed, so that the next update writes it again.
  return version === schemaVersion ? inputs : { ...state, deployment: "" };
}

function paths(props: Props, context: PluginContext) {
  return deploymentPaths(context.home, text(props, "deployment"));
}

function checkList(inputs: Props, ...keys: string[]): Failure[] {
  return keys
    .filter((key) => key in inputs && !Array.isArray(inputs[key]))
    .map((property) => ({ property, reason: "must be a list" }));
}

/** Writes only what differs, so that a repeated create doesn't wake the agent for nothing. */
function writeRecord(inputs: Props, path: string): Props {
  const wanted = record(inputs);
  if (!existsSync(path) || !sameValue(readRecord(inputs, path), inputs)) writeJson(path, wanted);
  return {};
}

export const job: ResourceKind = {
  replaceOn: ["deployment", "name"],
  check: (inputs) => [
    ...requireText(inputs, "deployment", "stack", "client", "name"),
    ...checkList(inputs, "tasks", "notifications", "secretKeys"),
  ],
  path: (inputs, context) => paths(inputs, context).job(text(inputs, "name")),
  write: writeRecord,
  read: readRecord,
  async remove(state, path, context) {
    rmSync(path, { force: true });
    const deployment = paths(state, context);
    // They hold on to the image, which goes too; a process needs nothing of ours to go on.
    if (state.container != null)
      await removeContainers({ folder: deployment.root, job: text(state, "name") }, context);
    if (existsSync(deployment.jobs) && readdirSync(deployment.jobs).some((name) => name.endsWith(".json")))
      return;
    removeFinishedRuns(deployment.runs);
    rmSync(deployment.cache, { recursive: true, force: true });
    pruneEmpty(deployment.jobs, deployment.runs, deployment.root);
  },
};

export const schedule: ResourceKind = {
  replaceOn: ["deployment", "name"],
  check: (inputs) => requireText(inputs, "deployment", "name", "job"),
  path: (inputs, context) => paths(inputs, context).schedule(text(inputs, "name")),
  // The name is a property of its own for Pulumi; in the file it stands inside the schedule alone.
  write: ({ name: _, ...inputs }, path) => writeRecord(inputs, path),
  read(state, path) {
    const found = readRecord(state, path);
    return found && { ...found, name: state.name };
  },
  remove(state, path, context) {
    const deployment = paths(state, context);
    rmSync(path, { force: true });
    rmSync(deployment.paused(text(state, "name")), { force: true });
    pruneEmpty(deployment.schedules, deployment.root);
  },
};

export const trigger: ResourceKind = {
  replaceOn: ["deployment", "name"],
  check(inputs) {
    const failures = [...requireText(inputs, "deployment", "name", "job"), ...checkList(inputs, "tasks")];
    const max = inputs.maxConcurrency;
    if (typeof max !== "number" || !Number.isInteger(max) || max < 1) {
      failures.push({ property: "maxConcurrency", reason: "must be a whole number from 1" });
    }
    return failures;
  },
  path: (inputs, context) => paths(inputs, context).trigger(text(inputs, "name")),
  write(inputs, path, context) {
    const queue = paths(inputs, context).queue(text(inputs, "name"));
    makeDir(queue);
    writeRecord(inputs, path);
    return { queue };
  },
  read: readRecord,
  remove(state, path, context) {
    const deployment = paths(state, context);
    rmSync(path, { force: true });
    rmSync(deployment.queue(text(state, "name")), { recursive: true, force: true });
    pruneEmpty(deployment.triggers, deployment.queues, deployment.root);
  },
};
