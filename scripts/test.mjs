// `npm test [-- mocha's arguments]`: builds, makes sure of the Pulumi engine, runs the tests.
// With HANDOFF_TEST_REPORT=FILE, mocha's counts are written there as JSON.
import { ensureEngine, root, run, step } from "./steps.mjs";

const given = process.argv.slice(2);
// Not in .mocharc.json: mocha adds files named there to those on its command line.
const args = given.some((arg) => arg.includes(".test.")) ? given : ["test/**/*.test.ts", ...given];
console.log(`handoff's tests:
  1. build dist/ (seconds)
  2. find the Pulumi engine; where it can't be downloaded, build it with Go: about 4 minutes, once
  3. mocha${given.length > 0 ? ` ${given.join(" ")}` : ": every test, with virtual environments and a real engine: some minutes"}
`);

await step("build", () => run(process.execPath, ["build.mjs"]));
await step("Pulumi engine", ensureEngine);
process.exitCode = await run(
  process.execPath,
  [`${root}/node_modules/mocha/bin/mocha.js`, "--reporter", "scripts/reporter.cjs", ...args],
  { check: false },
);
