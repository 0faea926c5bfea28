// `npm run demo`: a pipeline deployed to this machine by a real Pulumi engine, run by hand and by its schedule, looked at and
// removed again. Everything it makes is under .cache/demo.
import { spawn, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ensureEngine, root, run, step } from "./steps.mjs";

const POLL_MS = 1000;
// The schedule fires every minute; the rest is for a busy machine.
const SCHEDULED_RUN_LIMIT_MS = 120_000;

const home = join(root, ".cache/demo");
const project = join(home, "word-count");
const cli = join(root, "bin/handoff");
const env = {
  ...process.env,
  HANDOFF_HOME: join(home, "handoff-home"),
  PULUMI_BACKEND_URL: `file://${join(home, "state")}`,
  PULUMI_CONFIG_PASSPHRASE: "demo",
};
const options = { env, cwd: project };

console.log(`handoff's demo, about 2 minutes (and 4 more, once, where the Pulumi engine must be built with Go):
  1. build handoff            5. look at the log
  2. get the Pulumi engine    6. wait for the schedule to fire (each minute)
  3. deploy a word count      7. see what it would be on the clouds, and cost
  4. run it                   8. remove everything
It touches nothing outside ${home} but the engine's cache.
`);

let current;
let stopping = false;
for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, () => {
    stopping = true;
    current?.kill(signal);
  });
}

/** Shows the command as a user would type it, and runs it. */
async function handoff(...args) {
  if (stopping) throw new Error("stopped");
  console.log(`$ handoff ${args.join(" ")}`);
  await new Promise((resolve, reject) => {
    current = spawn(process.execPath, [cli, ...args], { ...options, stdio: "inherit" });
    current.on("error", reject);
    current.on("exit", (code) =>
      code === 0 ? resolve() : reject(new Error(`handoff ${args.join(" ")}: exit ${code}`)),
    );
  });
  console.log("");
}

/** What a reading command prints with --json. */
function read(...args) {
  const { stdout, status, stderr } = spawnSync(process.execPath, [cli, ...args, "--json"], {
    ...options,
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`handoff ${args.join(" ")} --json: exit ${status}\n${stderr}`);
  return JSON.parse(stdout);
}

function makeProject() {
  rmSync(home, { recursive: true, force: true });
  mkdirSync(join(home, "state"), { recursive: true });
  const example = join(root, "examples/word-count");
  cpSync(existsSync(example) ? example : join(root, "templates/hello"), project, {
    recursive: true,
    filter: (path) => !/[/\\](\.handoff|node_modules)$/.test(path),
  });
  const file = join(project, "project.yml");
  const text = readFileSync(file, "utf8").replaceAll("__NAME__", "word-count");
  // The example's own schedules are for once a day: a demo can't wait so long.
  const withoutSchedules = text.replace(/^schedules:\n(?:[ #-].*\n|\n)*/m, "");
  writeFileSync(
    file,
    `${withoutSchedules.trimEnd()}\n\nschedules:\n  - name: every-minute\n    cron: "* * * * *"\n    timezone: Europe/Paris\n`,
  );
  writeFileSync(join(project, "Pulumi.yaml"), "name: demo\nruntime: nodejs\n");
  writeFileSync(join(project, "Pulumi.dev.yaml"), "config:\n  handoff:cloud: local\n  handoff:project: .\n");
}

/** The plan for a cloud in three lines: `handoff plan --cloud aws` shows each resource. */
function showPlan(cloud) {
  console.log(`$ handoff plan --cloud ${cloud} --json`);
  const { resources } = read("plan", "--cloud", cloud);
  const counts = new Map();
  for (const { type, parent } of resources) {
    if (parent !== null) counts.set(type, (counts.get(type) ?? 0) + 1);
  }
  const names = [...counts].map(
    ([type, count]) => `${type.split(":").at(-1)}${count > 1 ? ` x ${count}` : ""}`,
  );
  console.log(`${resources.length - 1} resources, nothing contacted: ${names.join(", ")}\n`);
}

async function waitForScheduledRun() {
  const end = Date.now() + SCHEDULED_RUN_LIMIT_MS;
  process.stdout.write("waiting for the schedule ");
  while (Date.now() < end && !stopping) {
    const found = read("runs", "-s", "dev").runs.find(
      (r) => r.schedule === "every-minute" && r.status === "success",
    );
    if (found) {
      console.log(` run ${found.runId}`);
      return;
    }
    process.stdout.write(".");
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  throw new Error(stopping ? "stopped" : `no scheduled run in ${SCHEDULED_RUN_LIMIT_MS / 1000} s`);
}

let failure;
let deployed = false;
try {
  await step("build", () => run(process.execPath, ["build.mjs", "--no-types"]));
  await step("Pulumi engine", ensureEngine);
  makeProject();
  console.log(readFileSync(join(project, "project.yml"), "utf8"));
  deployed = true;
  await handoff("up", "dev");
  await handoff("agent", "start");
  await handoff("schedules", "list", "-s", "dev");
  await handoff("trigger", "-s", "dev", "--wait");
  await handoff("logs", "-s", "dev");
  await waitForScheduledRun();
  await handoff("runs", "-s", "dev");
  for (const cloud of ["aws", "gcp", "azure"]) showPlan(cloud);
  await handoff("cost", "--compare");
} catch (error) {
  failure = error;
}
stopping = false;
if (deployed) {
  console.log("== clean up");
  for (const args of [
    ["agent", "stop"],
    ["destroy", "dev"],
  ]) {
    await handoff(...args).catch((error) => {
      failure ??= error;
    });
  }
}
rmSync(home, { recursive: true, force: true });
if (failure) {
  console.error(`demo: ${failure.message}`);
  process.exit(1);
}
