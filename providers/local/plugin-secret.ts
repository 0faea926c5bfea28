/** A secret's value: a file for the owner alone. It is in no record, and encrypted in the state. */
import { chmodSync, existsSync, readFileSync, rmSync, statSync } from "node:fs";
import { deploymentPaths, writeFileAtomic } from "./home.js";
import { pruneEmpty } from "./plugin-files.js";
import { type ResourceKind, requireText, text } from "./plugin-kind.js";

export const secret: ResourceKind = {
  replaceOn: ["deployment", "key"],
  secrets: ["value"],
  check(inputs) {
    const failures = requireText(inputs, "deployment", "key");
    if ("value" in inputs && typeof inputs.value !== "string") {
      failures.push({ property: "value", reason: "must be text" });
    }
    return failures;
  },
  path: (inputs, context) =>
    deploymentPaths(context.home, text(inputs, "deployment")).secret(text(inputs, "key")),
  write(inputs, path) {
    writeFileAtomic(path, text(inputs, "value"), 0o600);
    return {};
  },
  read(state, path) {
    if (!existsSync(path)) return undefined;
    // Somebody opened it to others: close it at once, whatever else the refresh finds.
    if ((statSync(path).mode & 0o077) !== 0) chmodSync(path, 0o600);
    return { deployment: state.deployment, key: state.key, value: readFileSync(path, "utf8") };
  },
  remove(state, path, context) {
    rmSync(path, { force: true });
    const deployment = deploymentPaths(context.home, text(state, "deployment"));
    pruneEmpty(deployment.secrets, deployment.root);
  },
};
