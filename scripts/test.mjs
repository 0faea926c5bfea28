// `npm test [-- mocha's arguments]`: builds, makes sure of the Pulumi engine, runs the tests.
// With HANDOFF_TEST_REPORT=FILE, the counts are written there as JSON.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { ensureDocker } from "./ensure-docker.mjs";
import { ensureEngine, root, run, step } from "./steps.mjs";

const given = process.argv.slice(2);
// Files aren't in .mocharc.json: mocha adds those named there to those on its command line.
const all = !given.some((arg) => arg.includes(".test."));
console.log(`handoff's tests:
  1. build dist/ (seconds)
  2. find the Pulumi engine; where it can't be downloaded, build it with Go: about 4 minutes, once
  3. find Docker, or, as root on Debian, install and start it; make the base images of the tests: about 2 minutes, once
  4. mocha${given.length > 0 ? ` ${given.join(" ")}` : ": every test, with virtual environments and real engines, in two halves at a time: some 25 minutes"}
`);

await step("build", () => run(process.execPath, ["build.mjs"]));
await step("Pulumi engine", ensureEngine);
const docker = needsDocker() ? await step("Docker", ensureDocker) : { stop: async () => {} };
if (docker.reason !== undefined) console.log(`   tests on a Docker engine can't run: ${docker.reason}\n`);
// The terminal's SIGINT ends mocha; the engine that was started here is still to be stopped.
process.on("SIGINT", () => {});
process.on("SIGTERM", () => void docker.stop().finally(() => process.exit(143)));
try {
  process.exitCode = all ? await halves() : await mocha(given, { stdio: "inherit" });
} finally {
  await docker.stop();
}

function mocha(args, options) {
  const program = `${root}/node_modules/mocha/bin/mocha.js`;
  return run(process.execPath, [program, "--reporter", "scripts/reporter.cjs", ...args], {
    check: false,
    ...options,
  });
}

/** All tests in two processes: most of them wait for something else most of the time. The second one's lines come at its end. */
async function halves() {
  const first = /^(agent|cli|deploy|engine|fleet)[/\\]/;
  const files = readdirSync(join(root, "test"), { recursive: true }).filter((file) =>
    file.endsWith(".test.ts"),
  );
  const folder = mkdtempSync(join(tmpdir(), "handoff-tests-"));
  const half = (index, mine, options) =>
    mocha(
      [
        ...files
          .filter(mine)
          .map((file) => join("test", file))
          .sort(),
        ...given,
      ],
      {
        env: { ...process.env, HANDOFF_TEST_REPORT: join(folder, String(index)) },
        ...options,
      },
    );
  try {
    const later = [];
    const other = half(1, (file) => !first.test(file), {
      stdio: ["ignore", "pipe", "inherit"],
      onStart: ({ stdout }) =>
        createInterface({ input: stdout }).on("line", (line) => {
          later.push(line);
          const progress = /^ *-- (.*) --$/.exec(line)?.[1];
          if (progress) console.log(`\n  -- the other half: ${progress} --\n`);
        }),
    });
    const codes = await Promise.all([half(0, (file) => first.test(file), { stdio: "inherit" }), other]);
    console.log(`\n== the other half\n${later.join("\n")}`);
    const counts = [0, 1].map((index) => JSON.parse(readFileSync(join(folder, String(index)), "utf8")));
    const sum = (key) => counts.reduce((total, count) => total + count[key], 0);
    const report = { passed: sum("passed"), failed: sum("failed"), pending: sum("pending") };
    console.log(
      `\n  both halves: ${report.passed} passing, ${report.failed} failing, ${report.pending} pending`,
    );
    if (process.env.HANDOFF_TEST_REPORT)
      writeFileSync(process.env.HANDOFF_TEST_REPORT, JSON.stringify(report));
    return codes.find((code) => code !== 0) ?? 0;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
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
