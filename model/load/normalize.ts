import path from "node:path";
import type { Project } from "../project.js";
import { asFlag, asText, type Context, checkName, defined, makeContext, type RawMap } from "./context.js";
import { readDeploy, readNotifications, readSchedules, readTriggers } from "./deploy.js";
import { type Entry, readEntries, toRecord } from "./entries.js";
import { checkCycles, checkReferences } from "./references.js";
import type { Report } from "./report.js";
import { readArtifacts, readInstalls, readSecrets, readStores } from "./settings.js";
import { readTasks } from "./tasks.js";
import { checkTemplates } from "./templates.js";

/**
 * Reads a document into the model, reporting what is wrong with its meaning. The result is usable only when the
 * report has no error.
 */
export function normalize(raw: RawMap, dir: string, show: (file: string) => string, report: Report): Project {
  const context = makeContext(report);
  const vars = readEntries(raw.vars, ["vars"], context);
  for (const entry of vars) keepTemplate(entry, context);
  checkValues(vars, context);
  const envs = readEntries(raw.envs, ["envs"], context);
  for (const entry of envs) {
    keepTemplate(entry, context);
    if (entry.value === undefined) context.envSecrets.push({ path: entry.path, name: entry.key });
  }
  const declared = readSecrets(raw.secrets, dir, context);
  const secretEnvs = [
    ...new Set(envs.filter((entry) => entry.value === undefined).map((entry) => entry.key)),
  ];
  const tasks = readTasks(raw.tasks, ["tasks"], context, {
    top: true,
    extra: [],
    killDownstreamOnFail: asFlag(raw.kill_downstream_on_fail, true),
    killLoopOnFail: asFlag(raw.kill_loop_on_fail, true),
  });
  if (context.dialect === "0.x" && raw.tasks == null) {
    report.error([], {
      code: "missing-key",
      message: "`tasks` is missing",
      hint: "Add `tasks:` with what to run.",
    });
  }
  const installs = readInstalls(raw.installs, context);
  checkCycles(tasks, context);
  const known = new Set(declared.map((secret) => secret.key));
  const project: Project = {
    ...defined({
      dialect: context.dialect,
      name: readName(raw.name, dir, context),
      description: asText(raw.description, ["description"], context),
      installs,
      vars: toRecord(vars),
      envs: toRecord(envs),
      secretEnvs,
      // 0.x: a variable without a value is a secret, declared or not.
      secrets: [...declared, ...secretEnvs.filter((key) => !known.has(key)).map((key) => ({ key }))],
      artifacts: readArtifacts(raw.artifacts, raw.deploy, context),
      stores: readStores(raw.stores, context),
      tasks,
      deploy: readDeploy(raw.deploy, context),
      schedules: readSchedules(raw.schedules, context),
      triggers: readTriggers(raw.triggers, context),
      notifications: readNotifications(raw.notifications, context),
    }),
  };
  // After all else: schedules and triggers refer to tasks as well.
  checkReferences({ tasks, installs, secrets: declared }, context);
  checkTemplates(project, dir, show, context);
  return project;
}

function readName(raw: unknown, dir: string, context: Context): string {
  const name = asText(raw, ["name"], context);
  if (name === undefined || name === "") return path.basename(dir) || "project";
  checkName(name, ["name"], context);
  return name;
}

function keepTemplate(entry: Entry, context: Context): void {
  if (entry.value !== undefined) context.templates.push({ path: entry.path, text: entry.value, extra: [] });
}

function checkValues(vars: readonly Entry[], context: Context): void {
  for (const { key, value, path: at } of vars) {
    if (value !== undefined) continue;
    context.report.strict(at, {
      code: "missing-value",
      message: `variable \`${key}\` has no value`,
      hint: 'Give it one, or `""` for an empty text. A secret goes under `secrets:`.',
      key: true,
    });
  }
}
