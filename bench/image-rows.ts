/** Rows of the runner image, on a Docker engine: its size over its base, and how soon a container of it is done. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { contentHash } from "../model/content.js";
import { loadProject } from "../model/load.js";
import { planDeployment } from "../model/plan.js";
import { stackSettings } from "../model/plan-types.js";
import { docker, findDocker } from "../providers/docker.js";
import { type BuiltImage, buildImage } from "../providers/image-build.js";
import { type BenchCommand, type Comparison, compare } from "./measure.js";
import type { Row } from "./rows.js";

/** Made by scripts/ensure-docker.mjs. */
const base = "handoff-base:test";
const node = "handoff-node:test";

export function imageRows(dir: string, quick: boolean): Row[] {
  const samples = quick ? 1 : 15;
  let image: Promise<BuiltImage> | undefined;
  const built = () => {
    image ??= build(join(dir, "image"));
    return image;
  };
  return [
    {
      name: "the image's size",
      against: "its base and Node",
      measure: { kind: "difference", unit: "MB" },
      target: 60,
      run: async () => {
        const { sizeBytes } = await built();
        const [ours, theirs] = [sizeBytes / 1e6, ((await sizeOf(base)) + (await sizeOf(node))) / 1e6];
        return once(ours, theirs);
      },
    },
    {
      name: "docker run of a no-op project",
      against: "docker run BASE true",
      measure: { kind: "difference", unit: "s" },
      target: 0.15,
      run: async () => {
        const { tag } = await built();
        return await compare(container(tag, "run"), container(base, "true"), samples);
      },
    },
  ];
}

function container(...args: string[]): BenchCommand {
  return { argv: ["docker", "run", "--rm", "--network", "none", ...args] };
}

async function build(projectDir: string): Promise<BuiltImage> {
  const { env } = process;
  await findDocker({ env });
  mkdirSync(projectDir, { recursive: true });
  writeFileSync(
    join(projectDir, "project.yml"),
    'version: 1\nname: noop\ntasks:\n- {name: noop, commands: [{command: "true"}]}\n',
  );
  const { project } = loadProject(projectDir);
  if (!project) throw new Error(`${projectDir} holds no valid project`);
  const settings = stackSettings({ stack: "bench", cloud: "local", projectDir });
  return await buildImage(planDeployment(project, settings, contentHash(projectDir)), {
    env: { ...env, HANDOFF_IMAGE_BASE: base, HANDOFF_IMAGE_NODE: node, HANDOFF_IMAGE_NETWORK: "host" },
  });
}

async function sizeOf(tag: string): Promise<number> {
  const { exitCode, stdout } = await docker(["image", "inspect", "--format", "{{.Size}}", tag], {
    env: process.env,
  });
  if (exitCode === 0) return Number(stdout);
  throw new Error(`Docker has no image ${tag}: node scripts/ensure-docker.mjs makes it`);
}

/** What is the same each time. */
function once(ours: number, peer: number): Comparison {
  const ratio = ours / peer;
  return {
    ours,
    peer,
    ratio,
    spread: [ratio, ratio],
    samples: { ours: [ours], peer: [peer] },
    cpuSeconds: null,
    peakMiB: null,
  };
}
