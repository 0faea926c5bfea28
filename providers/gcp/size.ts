/** Sizes of Cloud Run jobs. */
import type { Resources } from "../../model/project.js";
import { formatMemory } from "../../model/size.js";

/**
 * vCPUs and the MiB that go with them. Whole vCPUs only: fractions are tied to a way of billing that jobs don't have.
 * Source: Cloud Run's pages on CPU and memory limits of jobs (docs/cloud-facts.md, 2026-11-21).
 */
export const sizes = [
  { cpu: 1, minMiB: 512, maxMiB: 4 * 1024 },
  { cpu: 2, minMiB: 512, maxMiB: 8 * 1024 },
  { cpu: 4, minMiB: 2 * 1024, maxMiB: 16 * 1024 },
  { cpu: 6, minMiB: 4 * 1024, maxMiB: 24 * 1024 },
  { cpu: 8, minMiB: 4 * 1024, maxMiB: 32 * 1024 },
] as const;

/** Where nothing is asked for: the runner, a tap and a target have room, files included. */
export const defaultSize = { cpu: 1, memoryMiB: 1024 } as const;

export interface Size {
  readonly cpu: number;
  readonly memoryMiB: number;
}

/** The smallest size that holds what is asked for, never less. `notes` say what is more than that. */
export type RoundedSize =
  | { readonly size: Size; readonly notes: readonly string[] }
  | { readonly problem: string };

export function roundSize({ cpu, memoryMiB }: Resources): RoundedSize {
  const wantedCpu = cpu ?? defaultSize.cpu;
  const wantedMiB = Math.ceil(memoryMiB ?? Math.min(defaultSize.memoryMiB, maxMiBFor(wantedCpu)));
  const found = sizes.find((size) => size.cpu >= wantedCpu && size.maxMiB >= wantedMiB);
  if (!found) {
    return { problem: `no Cloud Run size has ${asked(cpu, memoryMiB)}: the largest is 8 vCPU with 32 GiB` };
  }
  const size = { cpu: found.cpu, memoryMiB: Math.max(found.minMiB, wantedMiB) };
  const notes: string[] = [];
  if (cpu !== undefined && size.cpu !== cpu) notes.push(`cpu ${cpu} -> ${size.cpu}`);
  if (memoryMiB !== undefined && size.memoryMiB !== memoryMiB) {
    notes.push(`memory ${formatMemory(memoryMiB)} -> ${formatMemory(size.memoryMiB)}`);
  }
  return { size, notes };
}

function asked(cpu: number | undefined, memoryMiB: number | undefined): string {
  const parts = [
    ...(cpu === undefined ? [] : [`${cpu} vCPU`]),
    ...(memoryMiB === undefined ? [] : [formatMemory(memoryMiB)]),
  ];
  return parts.join(" and ");
}

function maxMiBFor(cpu: number): number {
  return sizes.find((size) => size.cpu >= cpu)?.maxMiB ?? defaultSize.memoryMiB;
}

/** The size of a job that `check` found no problem in. */
export function sizeOf(resources: Resources): Size {
  const rounded = roundSize(resources);
  if ("problem" in rounded) throw new Error(rounded.problem);
  return rounded.size;
}
