/** A stack's settings: the `handoff:*` keys of `Pulumi.<stack>.yaml`, checked. */
import { isAbsolute, resolve } from "node:path";
import type { Diagnostic, Location } from "../model/diagnostic.js";
import { type Platform, platforms, type StackSettings } from "../model/plan-types.js";

/** Every key after `handoff:`, with what it is for (docs/stack-settings.md). */
export const settingKeys = ["cloud", "project", "client", "secrets", "deleteData", "network"] as const;
type SettingKey = (typeof settingKeys)[number];

export interface RawSettings {
  readonly stack: string;
  /** Folder of Pulumi.yaml, absolute; `handoff:project` is relative to it. */
  readonly root: string;
  /** Values by key without the `handoff:` prefix. Of `secrets`, the names alone. */
  readonly values: Readonly<Record<string, unknown>>;
  readonly secretKeys: readonly string[];
  /** Where a key stands, when that is known. */
  readonly locate?: (key: string) => Location | undefined;
}

export interface ParsedSettings {
  /** Null when `diagnostics` holds an error. */
  readonly settings: StackSettings | null;
  /** Delete declared stores and artifacts with the deployment; default false. */
  readonly deleteData: boolean;
  readonly diagnostics: readonly Diagnostic[];
}

export function parseSettings(raw: RawSettings): ParsedSettings {
  const diagnostics: Diagnostic[] = [];
  const error = (key: string, code: string, message: string, hint: string) => {
    const location = raw.locate?.(key);
    diagnostics.push({ severity: "error", code, message, hint, ...(location ? { location } : {}) });
  };

  for (const key of Object.keys(raw.values)) {
    if ((settingKeys as readonly string[]).includes(key)) continue;
    const near = nearest(key, settingKeys);
    error(
      key,
      "unknown-setting",
      `unknown setting \`handoff:${key}\` of stack ${raw.stack}${near ? `: did you mean \`handoff:${near}\`?` : ""}`,
      near
        ? `rename it to handoff:${near}`
        : `use one of ${settingKeys.map((k) => `handoff:${k}`).join(", ")}`,
    );
  }

  const text = (key: SettingKey, fallback: string): string => {
    const value = raw.values[key];
    if (value === undefined || value === null) return fallback;
    if (typeof value === "string" && value.trim() !== "") return value;
    error(
      key,
      "invalid-setting",
      `\`handoff:${key}\` must be non-empty text`,
      `write handoff:${key}: ${fallback}`,
    );
    return fallback;
  };

  const cloud = text("cloud", "local");
  if (!isPlatform(cloud)) {
    const near = nearest(cloud, platforms);
    error(
      "cloud",
      "unknown-cloud",
      `\`handoff:cloud\` is \`${cloud}\`, which is none of ${platforms.join(", ")}`,
      near ? `did you mean ${near}?` : `set it to one of ${platforms.join(", ")}`,
    );
  }
  const project = text("project", ".");
  const client = text("client", raw.stack);
  const deleteData = parseBoolean(raw.values.deleteData);
  if (deleteData === undefined) {
    error(
      "deleteData",
      "invalid-setting",
      "`handoff:deleteData` must be true or false",
      "write true or false",
    );
  }

  const failed = diagnostics.length > 0 || !isPlatform(cloud);
  return {
    settings: failed
      ? null
      : {
          stack: raw.stack,
          cloud,
          client,
          projectDir: isAbsolute(project) ? project : resolve(raw.root, project),
          secretKeys: [...raw.secretKeys].sort(),
        },
    deleteData: deleteData ?? false,
    diagnostics,
  };
}

function isPlatform(value: string): value is Platform {
  return (platforms as readonly string[]).includes(value);
}

/** Pulumi hands config values over as text. */
function parseBoolean(value: unknown): boolean | undefined {
  if (value === undefined || value === null || value === false || value === "false") return false;
  return value === true || value === "true" ? true : undefined;
}

/** The candidate with the fewest edits, when they are few enough to be a slip of the pen. */
export function nearest<T extends string>(word: string, candidates: readonly T[]): T | undefined {
  let best: T | undefined;
  let bestDistance = Math.max(2, Math.floor(word.length / 3)) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
