/** Sizes that each cloud has, from the tables of docs/cloud-facts.md, written again by hand. */
import { printable, type RenderedResource, type Rendering } from "../../providers/rendering.js";

interface Size {
  readonly cpu: number;
  readonly memoryMiB: number;
}

/** vCPU to MiB: lowest, highest, step. */
const fargate: Readonly<Record<number, readonly [number, number, number]>> = {
  512: [1024, 4096, 1024],
  1024: [2048, 8192, 1024],
  2048: [4096, 16384, 1024],
  4096: [8192, 30720, 1024],
  8192: [16384, 61440, 4096],
  16384: [32768, 122880, 8192],
};
/** vCPU to GiB: lowest, highest. */
const cloudRun: Readonly<Record<number, readonly [number, number]>> = {
  1: [0.5, 4],
  2: [0.5, 8],
  4: [2, 16],
  6: [4, 24],
  8: [4, 32],
};

function onFargate({ cpu, memoryMiB }: Size): boolean {
  if (cpu === 0.25) return [512, 1024, 2048].includes(memoryMiB);
  const [low, high, step] = fargate[cpu * 1024] ?? [1, 0, 1];
  return memoryMiB >= low && memoryMiB <= high && (memoryMiB - low) % step === 0;
}

function onCloudRun({ cpu, memoryMiB }: Size): boolean {
  const [low, high] = cloudRun[cpu] ?? [1, 0];
  return memoryMiB >= low * 1024 && memoryMiB <= high * 1024;
}

function onContainerApps({ cpu, memoryMiB }: Size): boolean {
  return cpu >= 0.25 && cpu <= 4 && Number.isInteger(cpu * 4) && memoryMiB === cpu * 2048;
}

interface Sized {
  readonly size: Size;
  readonly legal: boolean;
}

function megabytes(text: unknown): number {
  const [, number = "", unit = ""] = /^([\d.]+)(Mi|Gi)$/.exec(String(text)) ?? [];
  return Number(number) * (unit === "Gi" ? 1024 : unit === "Mi" ? 1 : Number.NaN);
}

type Inputs = Record<string, unknown>;
const at = (value: unknown, ...path: (string | number)[]): unknown =>
  path.reduce<unknown>((inner, key) => (inner as Inputs | undefined)?.[key], value);

const localJob = "handoff:local:Job";
const readers: Readonly<Record<string, (inputs: unknown) => Sized>> = {
  "aws:ecs/taskDefinition:TaskDefinition": (inputs) => {
    const size = { cpu: Number(at(inputs, "cpu")) / 1024, memoryMiB: Number(at(inputs, "memory")) };
    return { size, legal: onFargate(size) };
  },
  "gcp:cloudrunv2/job:Job": (inputs) => {
    const limits = at(inputs, "template", "template", "containers", 0, "resources", "limits");
    const size = { cpu: Number(at(limits, "cpu")), memoryMiB: megabytes(at(limits, "memory")) };
    return { size, legal: onCloudRun(size) };
  },
  "azure-native:app:Job": (inputs) => {
    const resources = at(inputs, "template", "containers", 0, "resources");
    const size = { cpu: Number(at(resources, "cpu")), memoryMiB: megabytes(at(resources, "memory")) };
    return { size, legal: onContainerApps(size) };
  },
  [localJob]: (inputs) => {
    const { cpu = 0.01, memoryMiB = 128 } = at(inputs, "container") as Partial<Size>;
    return {
      size: { cpu, memoryMiB },
      legal: cpu >= 0.01 && Number.isInteger(memoryMiB) && memoryMiB >= 128,
    };
  },
};

export function isSized({ type, inputs }: RenderedResource): boolean {
  // Processes have none.
  return type in readers && (type !== localJob || "container" in inputs);
}

export function sizeOf({ type, inputs }: RenderedResource): Sized {
  const reader = readers[type];
  if (!reader) throw new Error(`${type} has no size`);
  return reader(printable(inputs));
}

/** Sizes that the cloud doesn't have. */
export function wrongSizes({ resources }: Rendering): string[] {
  return resources.filter(isSized).flatMap((resource) => {
    const { size, legal } = sizeOf(resource);
    return legal ? [] : [`${resource.name}: ${size.cpu} vCPU and ${size.memoryMiB} MiB`];
  });
}
