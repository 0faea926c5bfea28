/**
 * `npm run bench`: every row against its peer, side by side on this machine. Prints a table (Markdown) and writes
 * bench/results.json; `--quick` only shows that the rows work; `--only TEXT` takes the rows whose name contains it;
 * `--write` puts the table into docs/benchmarks.md.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { root } from "./paths.js";
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

const rows: Row[] = [...runnerRows(scratch, values.quick), ...platformRows(scratch, values.quick)].filter(
  (row) => values.only === undefined || `${row.name} ${row.against}`.includes(values.only),
);
process.stderr.write(
  `bench: ${rows.length} rows, each alternating with its peer; about ${values.quick ? 1 : 5} minutes\n`,
);

const machine = `${cpus().length} x ${cpus()[0]?.model ?? "unknown CPU"}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${process.platform} ${process.arch}, Node ${process.version}`;
const date = new Date().toISOString().slice(0, 10);
const seconds = (s: number) => (s < 1 ? `${Math.round(s * 1000)} ms` : `${s.toFixed(2)} s`);
const results: object[] = [];
const table = [
  "| measure | against | ours | theirs | ratio | target | our process: CPU, peak memory | |",
  "|---|---|---|---|---|---|---|---|",
];
let missed = 0;
for (const row of rows) {
  process.stderr.write(`bench: ${row.name} against ${row.against} … `);
  const result = await row.run();
  const reached =
    result.ratio <= row.target &&
    (row.maxCpuSeconds === undefined || result.cpuSeconds === null || result.cpuSeconds < row.maxCpuSeconds);
  if (!reached) missed++;
  process.stderr.write(`${result.ratio.toFixed(2)}x\n`);
  results.push({ name: row.name, against: row.against, target: row.target, reached, ...result });
  const own =
    result.cpuSeconds === null ? "" : `${result.cpuSeconds.toFixed(2)} s, ${result.peakMiB?.toFixed(0)} MiB`;
  table.push(
    `| ${row.name} | \`${row.against}\` | ${seconds(result.ours)} | ${seconds(result.peer)} | ${result.ratio.toFixed(2)} | ${row.target} | ${own} | ${reached ? "reached" : "**missed**"} |`,
  );
}
writeFileSync(
  join(root, "bench", "results.json"),
  `${JSON.stringify({ machine, date, results }, null, 2)}\n`,
);
const text = `${table.join("\n")}\n\n${machine}; ${date}. Medians of alternating runs.\n`;
process.stdout.write(text);
if (values.write) {
  writeFileSync(
    join(root, "docs", "benchmarks.md"),
    `# Benchmarks\n\n\`npm run bench -- --write\` makes this table: each row is our command and its peer, run by turns on one machine. Ratios below 1 mean that handoff is faster.\n\n${text}`,
  );
}
process.stderr.write(`bench: ${rows.length - missed} of ${rows.length} targets reached\n`);
