/** Data that outlives a deployment: declared stores, and the artifacts that runs leave for the next one. */
import { closeSync, existsSync, openSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { deploymentPaths, fileName, makeDir } from "./home.js";
import { pruneEmpty } from "./plugin-files.js";
import { type PluginContext, type ResourceKind, requireText, text } from "./plugin-kind.js";
import type { Props } from "./plugin-values.js";

const kinds = ["bucket", "table", "artifacts"];

function location(props: Props, context: PluginContext): string {
  const paths = deploymentPaths(context.home, text(props, "deployment"));
  const kind = text(props, "kind");
  if (kind === "artifacts") return paths.artifacts;
  const name = fileName(text(props, "name"));
  return join(paths.stores, kind === "table" ? `${name}.sqlite` : name);
}

/** Whether anything is stored there. */
function holdsData(path: string): boolean {
  if (!existsSync(path)) return false;
  return statSync(path).isDirectory() ? readdirSync(path).length > 0 : statSync(path).size > 0;
}

export const store: ResourceKind = {
  replaceOn: ["deployment", "name", "kind"],
  check(inputs) {
    const failures = requireText(inputs, "deployment", "name", "kind");
    if (typeof inputs.kind === "string" && !kinds.includes(inputs.kind)) {
      failures.push({ property: "kind", reason: `must be one of ${kinds.join(", ")}` });
    }
    return failures;
  },
  path: location,
  write(inputs, path, context) {
    const folder = deploymentPaths(context.home, text(inputs, "deployment")).root;
    if (holdsData(path)) {
      // Nothing to make. An earlier deployment kept it, or this is an update.
    } else if (inputs.kind === "table") {
      makeDir(deploymentPaths(context.home, text(inputs, "deployment")).stores);
      // An empty file is an empty SQLite database.
      closeSync(openSync(path, "a", 0o600));
    } else {
      makeDir(path);
    }
    return { folder };
  },
  read(state, path) {
    if (!existsSync(path)) return undefined;
    const { deployment, name, kind, deleteData } = state;
    return { deployment, name, kind, deleteData };
  },
  remove(state, path, context) {
    const deleteData = state.deleteData === true || context.env.HANDOFF_DELETE_DATA === "true";
    if (holdsData(path) && !deleteData) {
      context.log(`kept the data of ${text(state, "name")}: ${path}`);
      return;
    }
    for (const suffix of ["", "-wal", "-shm"]) rmSync(`${path}${suffix}`, { recursive: true, force: true });
    const deployment = deploymentPaths(context.home, text(state, "deployment"));
    pruneEmpty(deployment.stores, deployment.root);
  },
};
