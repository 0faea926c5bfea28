import { checkCron } from "../cron.js";
import { gitRefProblem, gitUrlProblem } from "../git-source.js";
import type {
  Deploy,
  Notification,
  NotificationEvent,
  Resources,
  Schedule,
  Source,
  Trigger,
} from "../project.js";
import {
  asFlag,
  asList,
  asMap,
  asText,
  type Context,
  checkInside,
  checkName,
  defined,
  isRawMap,
  mapsOf,
  Names,
  type RawMap,
} from "./context.js";
import { readValued } from "./entries.js";
import { legacyDeployKeys } from "./schema.js";
import { emailPattern } from "./schema-rules.js";
import { readResources, readRetries, readTimeout } from "./tasks.js";
import type { DocumentPath } from "./yaml.js";

export function readDeploy(raw: unknown, context: Context): Deploy {
  const map = asMap(raw);
  const path = ["deploy"];
  return defined({
    granularity: map.granularity === "task" ? ("task" as const) : ("project" as const),
    source: readSource(map.source, [...path, "source"], context),
    resources: {
      ...(context.dialect === "0.x" ? fargateResources(map, path, context) : {}),
      ...readResources(map.resources, [...path, "resources"], context),
    },
    timeoutSeconds: readTimeout(map.timeout, [...path, "timeout"], context),
    retries: isRawMap(map.retries) ? readRetries(map.retries, [...path, "retries"], context) : undefined,
    legacy: context.dialect === "0.x" ? legacyOf(map, path, context) : {},
  });
}

function readSource(raw: unknown, path: DocumentPath, context: Context): Source {
  const git = asMap(asMap(raw).git);
  const { url } = git;
  if (typeof url !== "string") return { kind: "image" };
  const at = (key: string): DocumentPath => [...path, "git", key];
  const addressProblem = gitUrlProblem(url);
  if (addressProblem) context.report.error(at("url"), addressProblem);
  const ref = asText(git.ref, at("ref"), context) ?? "main";
  const refProblem = gitRefProblem(ref);
  if (refProblem) context.report.error(at("ref"), refProblem);
  const folder = typeof git.path === "string" ? git.path : ".";
  checkInside(folder, at("path"), context, "repository");
  const token = asText(git.token, at("token"), context);
  if (token !== undefined) {
    context.usedSecrets.push({ path: at("token"), name: token });
    if (/^(http|file):/i.test(url)) {
      context.report.warning(at("url"), {
        code: "insecure-source",
        message: `the token would go to \`${url}\` unencrypted`,
        hint: "Use `https://`.",
      });
    }
  }
  return defined({ kind: "git" as const, url, ref, path: folder, token });
}

/** 0.x: `cpu` in Fargate's units (1024 are a vCPU), `memory` in MiB. */
function fargateResources(map: RawMap, path: DocumentPath, context: Context): Resources {
  const read = (key: "cpu" | "memory"): number | undefined => {
    const value = map[key];
    if (value === undefined || value === null) return undefined;
    const number = typeof value === "string" ? Number(value) : value;
    if (typeof number === "number" && Number.isFinite(number) && number > 0) return number;
    context.report.error([...path, key], {
      code: "invalid-size",
      message: `\`${key}\` is ${JSON.stringify(value)}; it must be a number more than 0`,
      hint: key === "cpu" ? "Use Fargate's units: 1024 are one vCPU." : "Give MiB, such as 2048.",
    });
    return undefined;
  };
  const cpu = read("cpu");
  return defined({ cpu: cpu === undefined ? undefined : cpu / 1024, memoryMiB: read("memory") });
}

function legacyOf(map: RawMap, path: DocumentPath, context: Context): Record<string, string> {
  const legacy: Record<string, string> = {};
  for (const key of legacyDeployKeys) {
    const value = map[key];
    if (value === undefined || value === null) continue;
    legacy[key] = asText(value, [...path, key], context) ?? JSON.stringify(value);
  }
  return legacy;
}

export function readSchedules(raw: unknown, context: Context): Schedule[] {
  const names = new Names("schedules", context);
  return mapsOf(raw, ["schedules"]).map(({ item, path }) => {
    const key = context.dialect === "0.x" && item.target_id != null ? "target_id" : "name";
    const name = asText(item[key], [...path, key], context);
    if (name === undefined && context.dialect === "0.x") {
      context.report.error(path, {
        code: "missing-key",
        message: "`target_id` is missing",
        hint: "Add `target_id:` with a number or a name of its own.",
      });
    }
    if (name !== undefined) {
      checkName(name, [...path, key], context);
      names.add(name, [...path, key]);
    }
    if (context.dialect === "0.x" && item.extras_obj != null) {
      context.report.warning([...path, "extras_obj"], {
        code: "ignored-key",
        message: "`extras_obj` is not used: it holds arguments of one cloud's own call",
        hint: "Remove it.",
        key: true,
      });
    }
    const timezone = asText(item.timezone, [...path, "timezone"], context) ?? "UTC";
    const cron = asText(item.cron, [...path, "cron"], context);
    if (cron !== undefined) checkTimes(cron, timezone, path, context);
    else if (context.dialect === "0.x") {
      context.report.error(path, {
        code: "missing-key",
        message: "`cron` is missing",
        hint: 'Add when it runs: `cron: "0 6 * * *"`.',
      });
    }
    return defined({
      name: name ?? "",
      description: asText(item.description, [...path, "description"], context),
      cron: cron ?? "",
      timezone,
      tasks: readTaskNames(item.tasks, [...path, "tasks"], context),
      envs: readValued(item.envs, [...path, "envs"], context),
      vars: readValued(item.vars, [...path, "vars"], context),
      enabled: asFlag(item.enabled, true),
      overlap: item.overlap === "allow" ? ("allow" as const) : ("skip" as const),
      catchUp: asFlag(item.catch_up, false),
    });
  });
}

function checkTimes(cron: string, timezone: string, path: DocumentPath, context: Context): void {
  if (context.report.full) return;
  for (const { code, message, hint } of checkCron(cron, timezone)) {
    const at = code === "unknown-timezone" ? "timezone" : "cron";
    context.report.error([...path, at], {
      code,
      message,
      hint: hint
        ? hint.charAt(0).toUpperCase() + hint.slice(1)
        : "Write 5 fields: minute, hour, day of month, month, day of week.",
    });
  }
}

function readTaskNames(raw: unknown, path: DocumentPath, context: Context): string[] {
  const seen = new Set<string>();
  return asList(raw).flatMap((name, index) => {
    if (typeof name !== "string") return [];
    context.taskReferences.push({ path: [...path, index], name });
    return seen.size < seen.add(name).size ? [name] : [];
  });
}

export function readTriggers(raw: unknown, context: Context): Trigger[] {
  const names = new Names("triggers", context);
  return mapsOf(raw, ["triggers"]).map(({ item, path }) => {
    const name = asText(item.name, [...path, "name"], context) ?? "";
    checkName(name, [...path, "name"], context);
    if (name) names.add(name, [...path, "name"]);
    const most = item.max_concurrency;
    if (typeof most === "number" && (most < 1 || most > 1000)) {
      context.report.error([...path, "max_concurrency"], {
        code: "out-of-range",
        message: `\`max_concurrency\` is ${most}; it must be from 1 to 1000`,
        hint: "Use 1 for one run at a time.",
      });
    }
    return {
      name,
      tasks: readTaskNames(item.tasks, [...path, "tasks"], context),
      maxConcurrency: typeof most === "number" ? most : 1,
    };
  });
}

export function readNotifications(raw: unknown, context: Context): Notification[] {
  return mapsOf(raw, ["notifications"]).flatMap(({ item, path }) => {
    const on = asList(item.on).filter((event): event is NotificationEvent => typeof event === "string");
    if (Array.isArray(item.on) && item.on.length === 0) {
      context.report.error([...path, "on"], {
        code: "empty",
        message: "`on` is empty",
        hint: "Name events: `[failure, timeout, missed]`.",
      });
    }
    const target = readTarget(item, path, context);
    return target ? [{ on: [...new Set(on)], target }] : [];
  });
}

function readTarget(item: RawMap, path: DocumentPath, context: Context): Notification["target"] | undefined {
  const kinds = (["email", "webhook", "command"] as const).filter((kind) => item[kind] != null);
  const [kind, second] = kinds;
  if (!kind || second) {
    context.report.error(second ? [...path, second] : path, {
      code: kind ? "several-kinds" : "missing-key",
      message: kind
        ? `a notification can't have both \`${kind}\` and \`${second}\``
        : "the notification says nobody to tell",
      hint: kind ? "Make a notification of each." : "Add `email:`, `webhook:` or `command:`.",
      ...(second ? { key: true } : {}),
    });
  }
  if (kind === "email") return readEmail(item.email, [...path, "email"], context);
  if (kind === "webhook") return readWebhook(item.webhook, [...path, "webhook"], context);
  if (kind === "command") {
    return typeof item.command === "string" ? { kind, command: item.command } : undefined;
  }
  return undefined;
}

function readEmail(raw: unknown, path: DocumentPath, context: Context): Notification["target"] | undefined {
  if (typeof raw !== "string") return undefined;
  if (!emailPattern.test(raw)) {
    context.report.error(path, {
      code: "invalid-value",
      message: `\`${raw}\` is not an email address`,
      hint: "Give one address, such as `data@example.com`.",
    });
  }
  return { kind: "email", address: raw };
}

function readWebhook(raw: unknown, path: DocumentPath, context: Context): Notification["target"] | undefined {
  if (!isRawMap(raw)) return undefined;
  const secret = asText(raw.secret, [...path, "secret"], context);
  const url = asText(raw.url, [...path, "url"], context);
  if ((secret === undefined) === (url === undefined)) {
    context.report.error(path, {
      code: secret === undefined ? "missing-key" : "several-kinds",
      message: secret === undefined ? "the webhook has no address" : "the webhook has two addresses",
      hint: "Give it either `secret: NAME`, the secret that holds the URL, or `url:`.",
    });
  }
  if (secret !== undefined) context.usedSecrets.push({ path: [...path, "secret"], name: secret });
  if (url !== undefined && !/^https?:\/\/[^\s/]+/i.test(url)) {
    context.report.error([...path, "url"], {
      code: "invalid-value",
      message: `\`${url}\` is not a web address`,
      hint: "Start it with `https://`.",
    });
  }
  return defined({ kind: "webhook" as const, secret, url });
}
