// Stands for the runner: notes that it ran, waits as the request's vars say, writes the record. argv as the real one's.
import { appendFileSync, readFileSync, renameSync, writeFileSync } from "node:fs";

const args = process.argv.slice(3);
const option = (name) => args[args.indexOf(`--${name}`) + 1];
const request = JSON.parse(readFileSync(option("request"), "utf8"));
const spec = JSON.parse(readFileSync(option("spec"), "utf8"));
const plan = JSON.parse(spec.project.vars.fake ?? "{}");
appendFileSync(spec.project.vars.journal, `${JSON.stringify({ ...request, pid: process.pid })}\n`);
process.on("SIGTERM", () => finish("stopped", 143));
setTimeout(() => {
  if (plan.die) process.kill(process.pid, "SIGKILL");
  if (plan.dieOnce && request.attempt === 1) process.kill(process.pid, "SIGKILL");
  finish(plan.status ?? "success", plan.status === "failure" ? 1 : 0);
}, plan.ms ?? 0);

function finish(status, exitCode) {
  const record = {
    schemaVersion: 1,
    runId: request.runId,
    status,
    exitCode,
    startedAt: new Date().toISOString(),
    durationMs: 1,
    tasks: [],
    metrics: { records: 1204 },
    ...(status === "failure" ? { error: "task load: step target exited with 1" } : {}),
  };
  writeFileSync(`${option("record")}.tmp`, JSON.stringify(record));
  renameSync(`${option("record")}.tmp`, option("record"));
  process.exit(exitCode);
}
