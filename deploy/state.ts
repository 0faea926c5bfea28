/** What a stack's state says is there, before an operation. */
import { existsSync, readFileSync } from "node:fs";
import type { Stack } from "@pulumi/pulumi/automation/index.js";
import { type Platform, platforms } from "../model/plan-types.js";
import { stackStateFile, stateFolder } from "./backend.js";
import type { Env } from "./env.js";
import type { Repository } from "./repository.js";

export interface DeployedResource {
  readonly urn: string;
  readonly type: string;
  /** In the cloud, not only in the state. */
  readonly custom?: boolean;
  /** Left where it is when it is no longer wanted. */
  readonly retainOnDelete?: boolean;
  readonly outputs?: Readonly<Record<string, unknown>>;
}

/**
 * The resources of a stack. A state in files is read as it is; another one through the engine.
 * @param env the engine's: with the backend
 */
export async function deployedResources(
  stack: Stack,
  repository: Repository,
  env: Env,
): Promise<readonly DeployedResource[]> {
  const folder = stateFolder(repository, env);
  const file = folder && stackStateFile(folder, repository.name, stack.name);
  if (file && existsSync(file)) return resourcesIn(file);
  return (await stack.exportStack()).deployment?.resources ?? [];
}

function resourcesIn(stateFile: string): readonly DeployedResource[] {
  const { checkpoint } = JSON.parse(readFileSync(stateFile, "utf8")) as {
    checkpoint?: { latest?: { resources?: readonly DeployedResource[] } };
  };
  return checkpoint?.latest?.resources ?? [];
}

/** What marks an encrypted value in a state. */
const secretMark = "4dabf18193072939515e22adb298388d";

/**
 * The stack's outputs as a state in files has them, each secret value as `"[secret]"`: what `pulumi stack output --json` prints.
 * @param stateFile exists
 */
export function maskedOutputs(stateFile: string): Readonly<Record<string, unknown>> {
  const stack = resourcesIn(stateFile).find(({ type }) => type === "pulumi:pulumi:Stack");
  return mask(stack?.outputs ?? {}) as Record<string, unknown>;
}

/** A value of a state or an event, each secret in it as `"[secret]"`. */
export function mask(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(mask);
  if (typeof value !== "object" || value === null) return value;
  if (secretMark in value) return "[secret]";
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, mask(each)]));
}

/** Names of what is in a cloud. */
export function namesOf(resources: readonly DeployedResource[]): ReadonlySet<string> {
  return new Set(resources.filter(({ custom }) => custom).map(({ urn }) => urn.split("::").at(-1) ?? ""));
}

/** The platform that a stack is deployed to; undefined when nothing is deployed. */
export function platformOf(resources: readonly DeployedResource[]): Platform | undefined {
  const types = resources.map(({ type }) => type);
  return platforms.find((platform) => types.includes(`handoff:${platform}:Pipeline`));
}

/** What would be left behind when it is removed. */
export function retained(resources: readonly DeployedResource[]): DeployedResource[] {
  return resources.filter(({ retainOnDelete }) => retainOnDelete === true);
}
