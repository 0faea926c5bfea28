/** What is measured: each row is our command, what a user would use instead, and the ratio to reach (DESIGN, "Measures"). */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type BenchCommand, type Comparison, compare } from "./measure.js";
import { handoff } from "./paths.js";
import { pythonHandoff } from "./peers.js";

export interface Row {
  readonly name: string;
  readonly against: string;
  /** Default: the ratio of wall-clock medians, ours over the peer's. Else ours less the peer's, in the unit. */
  readonly measure?: { readonly kind: "difference"; readonly unit: "s" | "MB" };
  readonly target: number;
  /** Also to hold: CPU seconds of our own process, and its memory. */
  readonly maxCpuSeconds?: number;
  readonly run: () => Promise<Comparison>;
}

function project(dir: string, name: string, yaml: string): string {
  const path = join(dir, name);
  mkdirSync(join(path, "files"), { recursive: true });
  writeFileSync(join(path, "project.yml"), yaml);
  return path;
}

function handoffRun(dir: string, ...more: string[]): BenchCommand {
  return { argv: [process.execPath, handoff, "run", "-p", dir, "-w", join(dir, "work"), ...more] };
}

const sh = (script: string): BenchCommand => ({ argv: ["bash", "-o", "pipefail", "-c", script] });
const nodeNothing: BenchCommand = { argv: [process.execPath, "-e", "0"] };

const noop = 'version: 1\nname: noop\ntasks:\n- name: noop\n  pipeline:\n  - command: "true"\n';
const noop04 =
  'version: 0.4\ndescription: no-op\ntasks:\n- name: noop\n  pipeline:\n  - command: "true"\ndeploy:\n' +
  "  cloud_provider: aws\n  cloud_platform: fargate\n  resource_group: bench\n  container_image: bench\n  task: noop\n";

function manyTasks(count: number): string {
  const tasks = Array.from(
    { length: count },
    (_, i) =>
      `- name: task-${i}\n  pipeline:\n  - {command: "tap-${i} --date {{ _today }}"}\n  - {command: "target --table {{ table }}_${i}"}\n`,
  );
  return `version: 1\nname: many\nvars: {table: rates}\ntasks:\n${tasks.join("")}`;
}

function foreachProject(lines: string, maxParallel: number): string {
  return (
    `version: 1\nname: loop\ntasks:\n- name: loop\n  pipeline:\n  - command: cat ${lines}\n` +
    `  - foreach:\n    - {name: one, commands: [{command: "true {{ _line }}"}]}\n    max_parallel: ${maxParallel}\n`
  );
}

/** `dir` is a scratch folder; `quick` takes fewer samples and less data, to see that the rows work. */
export function runnerRows(dir: string, quick: boolean): Row[] {
  const bytes = quick ? "64M" : "1G";
  const samples = quick ? 1 : 9;
  const many = quick ? 2 : 21;
  const lines = join(dir, "lines.txt");
  writeFileSync(lines, Array.from({ length: 1000 }, (_, i) => `line-${i}\n`).join(""));
  const source = `head -c ${bytes} /dev/zero`;
  const pipeline = project(
    dir,
    "pipeline",
    `version: 1\nname: pipeline\ntasks:\n- name: stream\n  pipeline:\n  - command: ${source}\n  - command: cat\n  - command: wc -c\n`,
  );
  const branch = (name: string) => `    - {name: ${name}, pipeline: [{command: wc -c}]}\n`;
  const fork = project(
    dir,
    "fork",
    `version: 1\nname: fork\ntasks:\n- name: stream\n  pipeline:\n  - command: ${source}\n  - fork:\n${["a", "b", "c"].map(branch).join("")}`,
  );
  const loop = project(dir, "loop", foreachProject(lines, 1));
  const loop2 = project(dir, "loop2", foreachProject(lines, 2));
  const nothing = project(dir, "noop", noop);
  const nothing04 = project(dir, "noop04", noop04);
  const validated = project(dir, "many", manyTasks(200));
  return [
    {
      name: `${bytes} through a 3-command pipeline`,
      against: "bash -o pipefail",
      target: 1.0,
      maxCpuSeconds: 0.3,
      run: () => compare(handoffRun(pipeline), sh(`${source} | cat | wc -c`), samples),
    },
    {
      name: `${bytes} forked to 3 branches`,
      against: "tee >(…) >(…) in bash",
      target: 1.0,
      maxCpuSeconds: 0.3,
      run: () => compare(handoffRun(fork), sh(`${source} | tee >(wc -c) >(wc -c) | wc -c; wait`), samples),
    },
    {
      name: "foreach, 1,000 lines of a no-op",
      against: "xargs -n1",
      target: 1.5,
      run: () => compare(handoffRun(loop), sh(`xargs -n1 true < ${lines}`), samples),
    },
    {
      name: "the same with max_parallel: 2",
      against: "xargs -n1 (serial)",
      target: 1.0,
      run: () => compare(handoffRun(loop2), sh(`xargs -n1 true < ${lines}`), samples),
    },
    {
      name: "run of a no-op project, whole process",
      against: "node -e 0",
      target: 3,
      run: () => compare(handoffRun(nothing), nodeNothing, many),
    },
    {
      name: "run of a no-op project, whole process",
      against: "Python handoff 0.4.4",
      target: 0.4,
      run: () =>
        compare(
          handoffRun(nothing04),
          { argv: [pythonHandoff(), "-p", nothing04, "-w", join(nothing04, "work-py"), "run", "local"] },
          samples,
        ),
    },
    {
      name: "validate, 200 tasks",
      against: "node -e 0",
      target: 5,
      run: () =>
        compare({ argv: [process.execPath, handoff, "validate", "-p", validated] }, nodeNothing, many),
    },
  ];
}
