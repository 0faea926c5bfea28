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
  3. find Docker, or, as root on Debian, install and start it; make the base images of the tests: about 2 minutes, once;
     beside it and the first tests, build Pulumi's image plugin and BuildKit with Go: about 6 minutes, once
  4. mocha${given.length > 0 ? ` ${given.join(" ")}` : ": every test, with virtual environments and real engines, in three parts side by side: some 25 minutes"}
`);

await step("build", () => run(process.execPath, ["build.mjs"]));
await step("Pulumi engine", ensureEngine);
// After the engine, whose compiler has every processor; Docker's base images wait for the network.
const builder = needsBuilder() ? ensureBuilder() : undefined;
const docker = needsDocker() ? await step("Docker", ensureDocker) : { stop: async () => {} };
if (docker.reason !== undefined) console.log(`   tests on a Docker engine can't run: ${docker.reason}\n`);
// The terminal's SIGINT ends mocha; the engine that was started here is still to be stopped.
process.on("SIGINT", () => {});
process.on("SIGTERM", () => void docker.stop().finally(() => process.exit(143)));
try {
  process.exitCode = all ? await parts() : await mocha(given, { stdio: "inherit" });
} finally {
  await builder;
  await docker.stop();
}

function mocha(args, options) {
  const program = `${root}/node_modules/mocha/bin/mocha.js`;
  return run(process.execPath, [program, "--reporter", "scripts/reporter.cjs", ...args], {
    check: false,
    ...options,
  });
}

/** All tests, in processes side by side: most of them wait for something else most of the time. The first one's lines are shown as they come. */
async function parts() {
  const files = readdirSync(join(root, "test"), { recursive: true })
    .map((file) => file.replaceAll("\\", "/"))
    .filter((file) => file.endsWith(".test.ts"))
    .sort();
  const folders = [/^(agent|cli|deploy|engine|fleet)\//, /^runner\/(exec|store)\//];
  const chosen = [
    ...folders.map((folder) => files.filter((file) => folder.test(file))),
    files.filter((file) => !folders.some((folder) => folder.test(file))),
  ];
  const reports = mkdtempSync(join(tmpdir(), "handoff-tests-"));
  const report = (part) => join(reports, String(part));
  try {
    const later = chosen.map(() => []);
    const codes = await Promise.all(
      chosen.map((mine, part) =>
        mocha([...mine.map((file) => `test/${file}`), ...given], {
          env: { ...process.env, HANDOFF_TEST_REPORT: report(part) },
          ...(part === 0
            ? { stdio: "inherit" }
            : {
                stdio: ["ignore", "pipe", "inherit"],
                onStart: ({ stdout }) => collect(stdout, part, later[part]),
              }),
        }),
      ),
    );
    for (const [part, lines] of later.entries())
      if (part > 0) console.log(`\n== part ${part + 1}\n${lines.join("\n")}`);
    const counts = chosen.map((_, part) => JSON.parse(readFileSync(report(part), "utf8")));
    const sum = (key) => counts.reduce((total, count) => total + count[key], 0);
    const total = { passed: sum("passed"), failed: sum("failed"), pending: sum("pending") };
    console.log(`\n  all parts: ${total.passed} passing, ${total.failed} failing, ${total.pending} pending`);
    if (process.env.HANDOFF_TEST_REPORT)
      writeFileSync(process.env.HANDOFF_TEST_REPORT, JSON.stringify(total));
    return codes.find((code) => code !== 0) ?? 0;
  } finally {
    rmSync(reports, { recursive: true, force: true });
  }
}

/** Keeps a part's lines for its end, and shows how far it is. */
function collect(stdout, part, lines) {
  createInterface({ input: stdout }).on("line", (line) => {
    lines.push(line);
    const progress = /^ *-- (.*) --$/.exec(line)?.[1];
    if (progress) console.log(`\n  -- part ${part + 1}: ${progress} --\n`);
  });
}

/** The test waits for it, and says what is wrong when it fails. */
function ensureBuilder() {
  const program = join(root, "test/image/builder/programs.ts");
  const options = { check: false, stdio: "ignore" };
  return run(process.execPath, ["--import", "tsx", program], options).catch(() => undefined);
}

/** Whether one of the tests asks for an engine (test/support/docker.ts). */
function needsDocker() {
  return anyUses("support/docker.js");
}

/** Whether one of the tests builds as `up` does (test/image/builder/). */
function needsBuilder() {
  return anyUses("builder/programs.js");
}

function anyUses(module) {
  const named = given.filter((arg) => arg.endsWith(".test.ts"));
  return named.length === 0 || named.some((file) => file.includes("*") || uses(file, module));
}

function uses(file, module) {
  try {
    return readFileSync(join(root, file), "utf8").includes(module);
  } catch {
    return true; // mocha says what is wrong with the name
  }
}
