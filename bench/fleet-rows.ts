/** Many stacks at a time, against the same one by one. */
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { type BenchCommand, compare } from "./measure.js";
import { handoff } from "./paths.js";
import type { Row } from "./rows.js";

const project = `version: 1
name: fx
stores:
- {name: raw, kind: bucket}
tasks:
- name: fetch
  commands:
  - {command: echo hello}
schedules:
- {name: daily, cron: "0 6 * * *", tasks: [fetch]}
`;

/** A repository of deployed stacks. */
function deployed(
  dir: string,
  count: number,
): { readonly command: Omit<BenchCommand, "argv">; names: string[] } {
  const names = Array.from({ length: count }, (_, i) => `client-${i + 1}`);
  mkdirSync(dir, { recursive: true });
  writeFileSync(join(dir, "Pulumi.yaml"), "name: bench\nruntime: nodejs\n");
  writeFileSync(join(dir, "project.yml"), project);
  for (const name of names)
    writeFileSync(join(dir, `Pulumi.${name}.yaml`), "config:\n  handoff:cloud: local\n");
  const env = { HANDOFF_HOME: join(dir, "home") };
  execFileSync(process.execPath, [handoff, "up", "--all"], {
    cwd: dir,
    env: { ...process.env, ...env },
    stdio: ["ignore", 2, "ignore"],
  });
  return { command: { cwd: dir, env, wholeTree: true }, names };
}

/** As quick as 0.8 times the number of cores would make it. */
export const fleetTarget = (cores: number): number => Number((1 / (0.8 * cores)).toFixed(3));

export function fleetRows(dir: string, quick: boolean): Row[] {
  const count = quick ? 6 : 50;
  const cores = availableParallelism();
  const fleet = () => deployed(join(dir, `fleet-${count}`), count);
  const parallel = [process.execPath, handoff, "preview", "--all", "--parallel", String(cores)] as const;
  const name = `${count} stacks, preview --parallel ${cores}`;
  let made: ReturnType<typeof fleet> | undefined;
  const stacks = () => {
    made ??= fleet();
    return made;
  };
  return [
    {
      name,
      against: "handoff preview STACK, one after the other",
      target: fleetTarget(cores),
      run: () => {
        const { command, names } = stacks();
        const loop = `set -e; for s in ${names.join(" ")}; do "$0" "$1" preview "$s"; done`;
        return compare(
          { ...command, argv: parallel },
          { ...command, argv: ["bash", "-c", loop, process.execPath, handoff] },
          1,
        );
      },
    },
    {
      name,
      against: "handoff preview --all --parallel 1",
      // An engine, its plugin and its program together keep about 1.3 cores busy, so that there is less to gain than in a loop of commands.
      target: 0.8,
      run: () => {
        const { command } = stacks();
        return compare(
          { ...command, argv: parallel },
          { ...command, argv: [process.execPath, handoff, "preview", "--all", "--parallel", "1"] },
          1,
        );
      },
    },
  ];
}
