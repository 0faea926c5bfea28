/** Sizes of Container Apps jobs on the Consumption profile. */
import type { Resources } from "../../model/project.js";

/**
 * vCPUs from 0.25 to 4 by quarters, and 2 GiB of memory with each (docs/cloud-facts.md, 2026-11-21: the documentation names 2 vCPU for
 * environments without profiles and 4 with the Consumption profile, which is what we make).
 */
export const steps = { cpu: 0.25, maxCpu: 4, gibPerCpu: 2 } as const;

/** GiB of disk that come with up to so many vCPUs. Source: "Use storage mounts in Azure Container Apps", read 2026-11-21. */
export const disks = [
  { maxCpu: 0.25, diskGiB: 1 },
  { maxCpu: 0.5, diskGiB: 2 },
  { maxCpu: 1, diskGiB: 4 },
  { maxCpu: 4, diskGiB: 8 },
] as const;

/** Where nothing is asked for: the runner, a tap and a target have room. */
export const defaultSize = { cpu: 0.5, memoryMiB: 1024, diskGiB: 2 } as const;

export interface Size {
  readonly cpu: number;
  readonly memoryMiB: number;
  readonly diskGiB: number;
}

export type RoundedSize =
  | { readonly size: Size; readonly notes: readonly string[] }
  | { readonly problem: string };

/** The smallest size that holds what is asked for, never less. `notes` say what is more than that. */
export function roundSize(resources: Resources): RoundedSize {
  const { cpu, memoryMiB, diskGiB } = resources;
  const asked = cpu !== undefined || memoryMiB !== undefined || diskGiB !== undefined;
  if (!asked) return { size: defaultSize, notes: [] };
  const size = smallest(cpu ?? steps.cpu, memoryMiB ?? 0, diskGiB ?? 0);
  if (!size) return { problem: tooBig(resources) };
  const notes = [
    ...(cpu !== undefined && size.cpu !== cpu ? [`${cpu} vCPU is rounded up to ${size.cpu}`] : []),
    ...(memoryMiB !== undefined && size.memoryMiB !== memoryMiB
      ? [`${memoryMiB} MiB of memory is rounded up to ${size.memoryMiB}`]
      : []),
    ...(diskGiB !== undefined && size.diskGiB !== diskGiB
      ? [`${diskGiB} GiB of disk is rounded up to ${size.diskGiB}`]
      : []),
  ];
  return { size, notes };
}

/** The size of a job that `check` found no problem in. */
export function sizeOf(resources: Resources): Size {
  const rounded = roundSize(resources);
  if ("problem" in rounded) throw new Error(rounded.problem);
  return rounded.size;
}

/** Every size that there is, smallest first. */
export function* allSizes(): Generator<Size> {
  for (let quarters = 1; quarters * steps.cpu <= steps.maxCpu; quarters++) {
    const cpu = quarters * steps.cpu;
    const disk = disks.find(({ maxCpu }) => cpu <= maxCpu);
    if (disk) yield { cpu, memoryMiB: cpu * steps.gibPerCpu * 1024, diskGiB: disk.diskGiB };
  }
}

function smallest(cpu: number, memoryMiB: number, diskGiB: number): Size | undefined {
  for (const size of allSizes()) {
    if (size.cpu >= cpu && size.memoryMiB >= memoryMiB && size.diskGiB >= diskGiB) return size;
  }
  return undefined;
}

function tooBig({ cpu, memoryMiB, diskGiB }: Resources): string {
  const asked = [
    ...(cpu === undefined ? [] : [`${cpu} vCPU`]),
    ...(memoryMiB === undefined ? [] : [`${memoryMiB} MiB of memory`]),
    ...(diskGiB === undefined ? [] : [`${diskGiB} GiB of disk`]),
  ].join(", ");
  const maxMiB = steps.maxCpu * steps.gibPerCpu * 1024;
  const maxGiB = disks[disks.length - 1]?.diskGiB;
  return `${asked} is more than a Container Apps job can have: at most ${steps.maxCpu} vCPU, ${maxMiB} MiB of memory and ${maxGiB} GiB of disk`;
}
