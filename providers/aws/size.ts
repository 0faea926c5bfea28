/** Sizes of Fargate tasks. */
import type { Resources } from "../../model/project.js";
import { formatMemory } from "../../model/size.js";
import { prices } from "./prices.js";

export interface Size {
  /** 1024 to a vCPU. */
  readonly cpuUnits: number;
  readonly memoryMiB: number;
  /** Ephemeral storage; 20 GiB are there anyway and are not asked for. */
  readonly diskGiB: number;
}

export type RoundedSize =
  | {
      readonly size: Size;
      /** What was asked for and what it became, where that is more: `memory 900Mi -> 1Gi`. */
      readonly notes: readonly string[];
    }
  /** What no size satisfies, with the largest that there is. */
  | { readonly problem: string };

const steps = (from: number, to: number, step: number): number[] =>
  Array.from({ length: (to - from) / step + 1 }, (_, i) => from + i * step);

/** CPU units to MiB (ECS API reference; docs/cloud-facts.md, read 2026-11-21). */
export const fargateSizes = [
  { cpuUnits: 256, memoryMiB: [512, 1024, 2048] },
  { cpuUnits: 512, memoryMiB: steps(1024, 4096, 1024) },
  { cpuUnits: 1024, memoryMiB: steps(2048, 8192, 1024) },
  { cpuUnits: 2048, memoryMiB: steps(4096, 16_384, 1024) },
  { cpuUnits: 4096, memoryMiB: steps(8192, 30_720, 1024) },
  { cpuUnits: 8192, memoryMiB: steps(16_384, 61_440, 4096) },
  { cpuUnits: 16_384, memoryMiB: steps(32_768, 122_880, 8192) },
] as const;

/** GiB that every task has, and the most it can be given (21 to 200 are asked for). */
export const disk = { included: 20, max: 200 } as const;

/** For a job that asks for nothing: half a vCPU and 1 GiB, enough for a tap, a target and Python. */
export const defaultSize: Size = { cpuUnits: 512, memoryMiB: 1024, diskGiB: disk.included };

/** The cheapest size that has at least what is asked for. */
export function roundSize({ cpu, memoryMiB, diskGiB = disk.included }: Resources): RoundedSize {
  if (diskGiB > disk.max) {
    return { problem: `a disk of ${diskGiB} GiB is more than Fargate's ${disk.max} GiB` };
  }
  const found = compute(cpu, memoryMiB);
  if (!found) {
    return {
      problem: `no Fargate size has ${asked(cpu, memoryMiB)}: the largest is 16 vCPU with 120 GiB`,
    };
  }
  const size: Size = { ...found, diskGiB: Math.max(disk.included, Math.ceil(diskGiB)) };
  const notes: string[] = [];
  if (cpu !== undefined && size.cpuUnits !== cpu * 1024) {
    notes.push(`cpu ${cpu} -> ${size.cpuUnits / 1024}`);
  }
  if (memoryMiB !== undefined && size.memoryMiB !== memoryMiB) {
    notes.push(`memory ${formatMemory(memoryMiB)} -> ${formatMemory(size.memoryMiB)}`);
  }
  return { size, notes };
}

function compute(cpu: number | undefined, memoryMiB: number | undefined) {
  if (cpu === undefined && memoryMiB === undefined) {
    return { cpuUnits: defaultSize.cpuUnits, memoryMiB: defaultSize.memoryMiB };
  }
  const pairs = fargateSizes.flatMap(({ cpuUnits, memoryMiB: all }) =>
    all.map((memory) => ({ cpuUnits, memoryMiB: memory })),
  );
  return pairs
    .filter((pair) => pair.cpuUnits >= (cpu ?? 0) * 1024 && pair.memoryMiB >= (memoryMiB ?? 0))
    .sort((a, b) => perSecond(a) - perSecond(b))[0];
}

function perSecond({ cpuUnits, memoryMiB }: Omit<Size, "diskGiB">): number {
  const { vcpu, memory } = prices.x86_64;
  return (cpuUnits / 1024) * vcpu.usd + (memoryMiB / 1024) * memory.usd;
}

function asked(cpu: number | undefined, memoryMiB: number | undefined): string {
  const parts = [];
  if (cpu !== undefined) parts.push(`${cpu} vCPU`);
  if (memoryMiB !== undefined) parts.push(formatMemory(memoryMiB));
  return parts.join(" and ");
}
