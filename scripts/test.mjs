// `npm test [-- mocha's arguments]`: builds, makes sure of the Pulumi engine, runs the tests.
// With HANDOFF_TEST_REPORT=FILE, mocha's counts are written there as JSON.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ensureDocker } from "./ensure-docker.mjs";
import { ensureEngine, root, run, step } from "./steps.mjs";

const given = process.argv.slice(2);
// Not in .mocharc.json: mocha adds files named there to those on its command line.
const args = given.some((arg) => arg.includes(".test.")) ? given : ["test/**/*.test.ts", ...given];
console.log(`handoff's tests:
  1. build dist/ (seconds)
  2. find the Pulumi engine; where it can't be downloaded, build it with Go: about 4 minutes, once
  3. find Docker, or, as root on Debian, install and start it; make the base images of the tests: about 2 minutes, once
  4. mocha${given.length > 0 ? ` ${given.join(" ")}` : ": every test, with virtual environments and a real engine: some minutes"}
`);

await step("build", () => run(process.execPath, ["build.mjs"]));
await step("Pulumi engine", ensureEngine);
const docker = needsDocker() ? await step("Docker", ensureDocker) : { stop: async () => {} };
if (docker.reason !== undefined) console.log(`   tests on a Docker engine can't run: ${docker.reason}\n`);
// The terminal's SIGINT ends mocha; the engine that was started here is still to be stopped.
process.on("SIGINT", () => {});
process.on("SIGTERM", () => void docker.stop().finally(() => process.exit(143)));
try {
  process.exitCode = await run(
    process.execPath,
    [`${root}/node_modules/mocha/bin/mocha.js`, "--reporter", "scripts/reporter.cjs", ...args],
    { check: false },
  );
} finally {
  await docker.stop();
}

/** Whether one of the tests asks for an engine (test/support/docker.ts). */
function needsDocker() {
  const named = given.filter((arg) => arg.endsWith(".test.ts"));
  return named.length === 0 || named.some((file) => file.includes("*") || usesDocker(file));
}

function usesDocker(file) {
  try {
    return readFileSync(join(root, file), "utf8").includes("support/docker.js");
  } catch {
    return true; // mocha says what is wrong with the name
  }
}
