/** Rows of `handoff plan`: against what nobody can save, the import of the SDK's modules for what is planned. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { contentHash } from "../model/content.js";
import { loadProject } from "../model/load.js";
import { planDeployment } from "../model/plan.js";
import { type Platform, stackSettings } from "../model/plan-types.js";
import { providerOf } from "../providers/registry.js";
import { sdkFile } from "../providers/sdk.js";
import { type BenchCommand, compare } from "./measure.js";
import { handoff, root } from "./paths.js";
import type { Row } from "./rows.js";

const clouds = ["aws", "gcp", "azure"] as const;
const places = { aws: { region: "us-east-1" }, gcp: { region: "us-central1" }, azure: { region: "eastus" } };

function project(dir: string, name: string, tasks: number, schedules: number): string {
  const path = join(dir, name);
  mkdirSync(path, { recursive: true });
  const body = [
    ...Array.from({ length: tasks }, (_, i) => `- {name: t${i}, commands: [{command: "echo ${i}"}]}`),
    "schedules:",
    ...Array.from(
      { length: schedules },
      (_, i) => `- {name: s${i}, cron: "${i % 60} ${i % 24} * * *", timezone: Asia/Tokyo}`,
    ),
  ];
  writeFileSync(join(path, "project.yml"), `version: 1\nname: ${name}\ntasks:\n${body.join("\n")}\n`);
  return path;
}

function planned(dir: string, cloud: Platform): BenchCommand {
  return { argv: [process.execPath, handoff, "plan", "-p", dir, "--cloud", cloud, "--json"] };
}

/** A process that imports Pulumi and the files of the SDK that the plan's resources are classes of, and does nothing. */
function importOf(dir: string, cloud: (typeof clouds)[number]): BenchCommand {
  const { project: loaded } = loadProject(dir);
  if (!loaded) throw new Error(`${dir} holds no valid project`);
  const settings = stackSettings({
    stack: "dev",
    cloud,
    projectDir: dir,
    gcpProject: "my-project",
    ...places[cloud],
  });
  const plan = planDeployment(loaded, settings, contentHash(dir));
  const rendering = providerOf(cloud).render(plan, { name: loaded.name, pulumiProject: loaded.name });
  const types = [...rendering.resources.filter(({ parent }) => parent !== null), ...rendering.lookups];
  const files = [...new Set(types.map(({ type }) => sdkFile(type).file))];
  const script = ["@pulumi/pulumi", ...files].map((file) => `require(${JSON.stringify(file)});`).join("");
  return { argv: [process.execPath, "-e", script], cwd: root };
}

/** `dir` is a scratch folder; `quick` takes one sample, to see that the rows work. */
export function planRows(dir: string, quick: boolean): Row[] {
  const samples = quick ? 1 : 5;
  const one = project(dir, "plan-one", 1, 1);
  const many = project(dir, "plan-many", 200, 50);
  return clouds.flatMap((cloud): Row[] => [
    {
      name: `plan for ${cloud}`,
      against: "node -e require(the SDK's modules for it)",
      target: 1.5,
      run: () => compare(planned(one, cloud), importOf(one, cloud), samples),
    },
    {
      name: `plan for ${cloud}, 200 tasks and 50 schedules`,
      against: "plan of 1 task and 1 schedule",
      target: 3,
      run: () => compare(planned(many, cloud), planned(one, cloud), samples),
    },
  ]);
}
