/** A stack's settings: the config of `Pulumi.<stack>.yaml` (`handoff:*`, and the region that a cloud's own SDK is given), checked. */
import { isAbsolute, resolve } from "node:path";
import type { Diagnostic, Location } from "../model/diagnostic.js";
import { nearest } from "../model/nearest.js";
import {
  defaultPolicies,
  engines,
  type NetworkSettings,
  type Platform,
  type PolicyLevel,
  type PolicySettings,
  platforms,
  policyLevels,
  type StackSettings,
  stackSettings,
} from "../model/plan-types.js";

/** Every key after `handoff:` (docs/stack-settings.md). */
export const settingKeys = [
  "cloud",
  "project",
  "client",
  "secrets",
  "deleteData",
  "network",
  "image",
  "imageBase",
  "imageNode",
  "logRetentionDays",
  "artifactRetentionDays",
  "tags",
  "spot",
  "architecture",
  "engine",
  "policies",
] as const;
export type SettingKey = (typeof settingKeys)[number];

export interface RawSettings {
  readonly stack: string;
  /** Folder of Pulumi.yaml, absolute; `handoff:project` is relative to it. */
  readonly root: string;
  /** The stack's config by full key, such as `handoff:cloud` or `aws:region`; objects as they are or as JSON text. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Names of the secrets in `handoff:secrets`. */
  readonly secretKeys: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What was found while the files were read. */
  readonly diagnostics?: readonly Diagnostic[];
  /** Where a key stands, when that is known. */
  readonly locate?: (key: string) => Location | undefined;
}

export interface ParsedSettings {
  /** Null when `diagnostics` holds an error. */
  readonly settings: StackSettings | null;
  readonly diagnostics: readonly Diagnostic[];
}

/** Where the SDKs take the region and the project from, first found first: config keys, then variables. */
export const regionSources: Readonly<
  Record<Platform, { config: string; variables: readonly string[] } | null>
> = {
  local: null,
  aws: { config: "aws:region", variables: ["AWS_REGION", "AWS_DEFAULT_REGION"] },
  gcp: {
    config: "gcp:region",
    variables: ["GOOGLE_REGION", "GCLOUD_REGION", "CLOUDSDK_COMPUTE_REGION"],
  },
  azure: { config: "azure-native:location", variables: ["ARM_LOCATION", "AZURE_LOCATION"] },
};
export const gcpProjectVariables = [
  "GOOGLE_PROJECT",
  "GOOGLE_CLOUD_PROJECT",
  "GCLOUD_PROJECT",
  "CLOUDSDK_CORE_PROJECT",
];

/** Region and project as the cloud's own SDK would take them: from the stack's config, else from the environment. */
export function placeOf(
  cloud: Platform,
  { config, env }: Pick<RawSettings, "config" | "env">,
): Pick<StackSettings, "region" | "gcpProject"> {
  const first = (key: string, variables: readonly string[]) =>
    [config[key], ...variables.map((name) => env[name])].find(
      (value): value is string => typeof value === "string" && value.trim() !== "",
    );
  const source = regionSources[cloud];
  const region = source ? first(source.config, source.variables) : undefined;
  const gcpProject = cloud === "gcp" ? first("gcp:project", gcpProjectVariables) : undefined;
  return {
    ...(region === undefined ? {} : { region }),
    ...(gcpProject === undefined ? {} : { gcpProject }),
  };
}

export function parseSettings(raw: RawSettings): ParsedSettings {
  const reader = new Reader(raw);
  reader.unknownKeys();
  const cloud = reader.choice("cloud", platforms, "local", "unknown-cloud");
  const project = reader.text("project") ?? ".";
  const image = reader.image();
  const imageBase = reader.text("imageBase");
  const imageNode = reader.text("imageNode");
  const engine = reader.choice("engine", engines, "process");
  if (cloud !== "local" && engine !== "process") reader.unused("engine", "the local platform's");
  const settings = stackSettings({
    stack: raw.stack,
    cloud,
    client: reader.text("client") ?? raw.stack,
    root: raw.root,
    projectDir: isAbsolute(project) ? project : resolve(raw.root, project),
    secretKeys: [...raw.secretKeys].sort(),
    deleteData: reader.flag("deleteData"),
    network: reader.network(),
    logRetentionDays: reader.days("logRetentionDays", 90),
    artifactRetentionDays: reader.days("artifactRetentionDays", 90),
    tags: reader.tags(),
    spot: reader.flag("spot"),
    architecture: reader.choice("architecture", ["x86_64", "arm64"], "x86_64"),
    engine,
    policies: reader.policies(),
    ...placeOf(cloud, raw),
    ...(image === undefined ? {} : { image }),
    ...(imageBase === undefined ? {} : { imageBase }),
    ...(imageNode === undefined ? {} : { imageNode }),
  });
  const failed = reader.diagnostics.some(({ severity }) => severity === "error");
  return { settings: failed ? null : settings, diagnostics: reader.diagnostics };
}

/** Reads one key after the other, and collects what is wrong with them. */
class Reader {
  readonly diagnostics: Diagnostic[];
  readonly #raw: RawSettings;

  constructor(raw: RawSettings) {
    this.#raw = raw;
    this.diagnostics = [...(raw.diagnostics ?? [])];
  }

  unknownKeys(): void {
    for (const full of Object.keys(this.#raw.config)) {
      if (!full.startsWith("handoff:")) continue;
      const key = full.slice("handoff:".length);
      if ((settingKeys as readonly string[]).includes(key)) continue;
      const map = settingKeys.find((known) => key.startsWith(`${known}.`) || key.startsWith(`${known}[`));
      if (map !== undefined) {
        this.#error(
          full,
          "unknown-setting",
          `\`${full}\` is a path, which a stack's file writes as a map`,
          `write handoff:${map}: {…}, as \`pulumi config set --path\` does`,
        );
        continue;
      }
      const near = nearest(key, settingKeys);
      this.#error(
        full,
        "unknown-setting",
        `unknown setting \`${full}\` of stack ${this.#raw.stack}${near ? `: did you mean \`handoff:${near}\`?` : ""}`,
        near
          ? `rename it to handoff:${near}`
          : `use one of ${settingKeys.map((other) => `handoff:${other}`).join(", ")}`,
      );
    }
  }

  text(key: SettingKey): string | undefined {
    const value = this.#value(key);
    if (value === undefined) return undefined;
    if (typeof value === "string" && value.trim() !== "") return value;
    if (typeof value === "number") return String(value);
    this.#invalid(key, "must be non-empty text", "write a text, or remove the key");
    return undefined;
  }

  choice<T extends string>(key: SettingKey, choices: readonly T[], fallback: T, code = "invalid-setting"): T {
    const value = this.text(key);
    if (value === undefined) return fallback;
    const found = choices.find((choice) => choice === value);
    if (found !== undefined) return found;
    const near = nearest(value, choices);
    this.#error(
      `handoff:${key}`,
      code,
      `\`handoff:${key}\` is \`${value}\`, which is none of ${choices.join(", ")}`,
      near ? `did you mean ${near}?` : `set it to one of ${choices.join(", ")}`,
    );
    return fallback;
  }

  flag(key: SettingKey): boolean {
    const value = this.#value(key);
    if (value === undefined || value === false || value === "false") return false;
    if (value === true || value === "true") return true;
    this.#invalid(key, "must be true or false", "write true or false");
    return false;
  }

  days(key: SettingKey, fallback: number): number {
    const value = this.#value(key);
    if (value === undefined) return fallback;
    const days = typeof value === "string" ? Number(value) : value;
    if (typeof days === "number" && Number.isInteger(days) && days >= 1 && days <= 3653) return days;
    this.#invalid(key, "must be a whole number of days from 1 to 3653", `write ${fallback}`);
    return fallback;
  }

  /** A tag of an image can be moved to another one: only a digest says what will run. */
  image(): string | undefined {
    const value = this.text("image");
    if (value === undefined || /@sha256:[0-9a-f]{64}$/.test(value)) return value;
    this.#invalid(
      "image",
      `is \`${value}\`, which doesn't end with a digest`,
      "write REGISTRY/NAME@sha256:…; `docker image inspect` and the registry show it",
    );
    return undefined;
  }

  tags(): Record<string, string> {
    const value = this.#object("tags", "{team: data}");
    const tags: Record<string, string> = {};
    for (const [name, tag] of Object.entries(value)) {
      if (typeof tag === "string" || typeof tag === "number" || typeof tag === "boolean")
        tags[name] = String(tag);
      else this.#invalid("tags", `has no text for \`${name}\``, `write ${name}: some-text`);
      if (!/^handoff-/.test(name)) continue;
      this.#invalid(
        "tags",
        `has \`${name}\`: names that start with handoff- are handoff's own`,
        "use another name",
      );
    }
    return tags;
  }

  network(): NetworkSettings {
    const value = this.#object("network", "{mode: public}");
    const { mode = "public", vpc, subnets, securityGroups = [], ...others } = value;
    for (const key of Object.keys(others)) {
      const near = nearest(key, ["mode", "vpc", "subnets", "securityGroups"]);
      this.#invalid(
        "network",
        `has an unknown key \`${key}\``,
        near ? `did you mean ${near}?` : "its keys are mode, vpc, subnets and securityGroups",
      );
    }
    if (mode === "public" || mode === "nat") {
      if (vpc === undefined && subnets === undefined) return { mode };
      this.#invalid(
        "network",
        `names a network, and its mode is ${mode}`,
        "write mode: existing, or remove vpc and subnets",
      );
      return { mode };
    }
    if (mode !== "existing") {
      this.#invalid(
        "network",
        `has mode \`${String(mode)}\`, which is none of public, nat, existing`,
        "write mode: public",
      );
      return { mode: "public" };
    }
    if (!isTexts(subnets) || subnets.length === 0) {
      this.#invalid("network", "needs `subnets`, a list of at least one", "write subnets: [subnet-1]");
      return { mode: "public" };
    }
    if (!isTexts(securityGroups)) {
      this.#invalid("network", "needs a list of texts as `securityGroups`", "write securityGroups: [sg-1]");
      return { mode: "public" };
    }
    if (vpc !== undefined && typeof vpc !== "string") {
      this.#invalid("network", "needs a text as `vpc`", "write vpc: vpc-1");
      return { mode: "public" };
    }
    return { mode, subnets, securityGroups, ...(vpc === undefined ? {} : { vpc }) };
  }

  policies(): PolicySettings {
    const { budget, ...levels } = this.#object("policies", "{publicNetwork: error}");
    const known = ["publicNetwork", "missingAlerts", "plainSecrets"] as const;
    const found: { -readonly [Key in (typeof known)[number]]: PolicyLevel } = { ...defaultPolicies };
    for (const [key, level] of Object.entries(levels)) {
      const policy = known.find((name) => name === key);
      if (policy === undefined) {
        const near = nearest(key, [...known, "budget"]);
        const hint = near ? `did you mean ${near}?` : `its keys are ${known.join(", ")} and budget`;
        this.#invalid("policies", `has an unknown key \`${key}\``, hint);
      } else found[policy] = this.#level(policy, level) ?? found[policy];
    }
    const limit = budget === undefined ? undefined : this.#budget(budget);
    return { ...found, ...(limit ? { budget: limit } : {}) };
  }

  #level(policy: string, value: unknown): PolicyLevel | undefined {
    // YAML 1.1 takes off for false.
    const level = value === false ? "off" : value;
    const found = policyLevels.find((name) => name === level);
    if (found === undefined) {
      const problem = `has ${policy}: ${String(value)}, which is none of ${policyLevels.join(", ")}`;
      this.#invalid("policies", problem, `write ${policy}: error`);
    }
    return found;
  }

  #budget(value: unknown): PolicySettings["budget"] | undefined {
    const given = typeof value === "object" && value !== null ? value : { monthlyUsd: value };
    const { monthlyUsd, level = "error", ...others } = given as Record<string, unknown>;
    if (typeof monthlyUsd === "number" && monthlyUsd >= 0 && Object.keys(others).length === 0) {
      const found = this.#level("budget", level);
      return found && { monthlyUsd, level: found };
    }
    const problem = "needs US dollars a month as `budget`";
    this.#invalid("policies", problem, "write budget: 100, or budget: {monthlyUsd: 100, level: warning}");
    return undefined;
  }

  /** A stack that moves from platform to platform may keep it. */
  unused(key: SettingKey, whose: string): void {
    const location = this.#raw.locate?.(`handoff:${key}`);
    const message = `\`handoff:${key}\` is ${whose}: it isn't used here`;
    this.diagnostics.push({
      severity: "info",
      code: "setting-unused",
      message,
      ...(location ? { location } : {}),
    });
  }

  #value(key: SettingKey): unknown {
    return this.#raw.config[`handoff:${key}`] ?? undefined;
  }

  /** Pulumi hands objects over as JSON text. */
  #object(key: SettingKey, example: string): Record<string, unknown> {
    const value = this.#value(key);
    if (value === undefined) return {};
    const parsed = typeof value === "string" ? parseJson(value) : value;
    if (typeof parsed === "object" && parsed !== null && !Array.isArray(parsed)) return { ...parsed };
    this.#invalid(key, "must be a map", `write handoff:${key}: ${example}`);
    return {};
  }

  #invalid(key: SettingKey, problem: string, hint: string): void {
    this.#error(`handoff:${key}`, "invalid-setting", `\`handoff:${key}\` ${problem}`, hint);
  }

  #error(key: string, code: string, message: string, hint: string): void {
    const location = this.#raw.locate?.(key);
    this.diagnostics.push({ severity: "error", code, message, hint, ...(location ? { location } : {}) });
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string" && item !== "");
}
