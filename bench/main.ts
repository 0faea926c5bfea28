/**
 * `npm run bench`: every row against its peer, side by side on this machine. Prints a table (Markdown) and writes
 * bench/results.json; `--quick` only shows that the rows work; `--only TEXT` takes the rows whose name contains it;
 * `--write` puts the table into docs/benchmarks.md.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { fleetRows } from "./fleet-rows.js";
import { imageRows } from "./image-rows.js";
import type { Comparison } from "./measure.js";
import { root } from "./paths.js";
import { peerVersions } from "./peers.js";
import { planRows } from "./plan-rows.js";
import { platformRows } from "./platform-rows.js";
import { type Row, runnerRows } from "./rows.js";

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    only: { type: "string" },
    write: { type: "boolean", default: false },
  },
});

const scratch = mkdtempSync(join(tmpdir(), "handoff-bench-"));
process.on("exit", () => rmSync(scratch, { recursive: true, force: true }));

const rows: Row[] = [
  ...runnerRows(scratch, values.quick),
  ...platformRows(scratch, values.quick),
  ...planRows(scratch, values.quick),
  ...fleetRows(scratch, values.quick),
  ...imageRows(scratch, values.quick),
].filter((row) => values.only === undefined || `${row.name} ${row.against}`.includes(values.only));
process.stderr.write(
  `bench: ${rows.length} rows, each alternating with its peer; about ${values.quick ? 2 : 14} minutes, and 3 more when the peers have to be installed\n`,
);

const machine = `${cpus().length} x ${cpus()[0]?.model ?? "unknown CPU"}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${process.platform} ${process.arch}, Node ${process.version}`;
const date = new Date().toISOString().slice(0, 10);
const peers = peerVersions();
const seconds = (s: number) => (s < 1 ? `${Math.round(s * 1000)} ms` : `${s.toFixed(2)} s`);
const inUnit = ({ measure }: Row, value: number) =>
  measure?.unit === "MB" ? `${value.toFixed(1)} MB` : seconds(value);
/** What the row's target is about. */
const measured = ({ measure }: Row, { ratio, ours, peer }: Comparison) =>
  measure === undefined ? ratio : ours - peer;
const targetOf = (row: Row) => (row.measure === undefined ? row.target : `+${inUnit(row, row.target)}`);
const results: object[] = [];
const table = [
  "| measure | against | ours | theirs | ratio, or `+` difference | of single pairs | target | our process: CPU, peak memory | |",
  "|---|---|---|---|---|---|---|---|---|",
];
let missed = 0;
for (const row of rows) {
  process.stderr.write(`bench: ${row.name} against ${row.against} … `);
  let result: Comparison;
  try {
    result = await row.run();
  } catch (error) {
    // The other rows are worth having.
    missed++;
    const message = error instanceof Error ? error.message : String(error);
    process.stderr.write(`failed: ${message}\n`);
    process.exitCode = 1;
    results.push({
      name: row.name,
      against: row.against,
      target: row.target,
      reached: false,
      error: message,
    });
    table.push(`| ${row.name} | \`${row.against}\` | | | | | ${targetOf(row)} | | **failed** |`);
    continue;
  }
  const reached =
    measured(row, result) <= row.target &&
    (row.maxCpuSeconds === undefined || result.cpuSeconds === null || result.cpuSeconds < row.maxCpuSeconds);
  if (!reached) missed++;
  const shown =
    row.measure === undefined ? result.ratio.toFixed(2) : `+${inUnit(row, result.ours - result.peer)}`;
  process.stderr.write(`${shown}${row.measure === undefined ? "x" : ""}\n`);
  results.push({ name: row.name, against: row.against, target: row.target, reached, ...result });
  const own =
    result.cpuSeconds === null ? "" : `${result.cpuSeconds.toFixed(2)} s, ${result.peakMiB?.toFixed(0)} MiB`;
  table.push(
    `| ${row.name} | \`${row.against}\` | ${inUnit(row, result.ours)} | ${inUnit(row, result.peer)} | ${shown} | ${result.spread.map((ratio) => ratio.toFixed(2)).join("–")} | ${targetOf(row)} | ${own} | ${reached ? "reached" : "**missed**"} |`,
  );
}
writeFileSync(
  join(root, "bench", "results.json"),
  `${JSON.stringify({ machine, date, peers, results }, null, 2)}\n`,
);
const text = `${table.join("\n")}\n\nMachine: ${machine}; ${date}. Peers: ${peers}.\n`;
process.stdout.write(text);
if (values.write) {
  writeFileSync(
    join(root, "docs", "benchmarks.md"),
    `# Benchmarks\n\n\`npm run bench -- --write\` makes this table: each row is our command and its peer, run by turns on one machine, the first pair uncounted. Times are wall-clock medians, the ratio is that of the medians, and beside it are the smallest and the largest ratio of a pair. Below 1, handoff is faster.\n\n${text}`,
  );
}
process.stderr.write(`bench: ${rows.length - missed} of ${rows.length} targets reached\n`);
