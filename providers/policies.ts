/** What an operator demands of every deployment, checked on the plan before anything is made (docs/policies.md). Pure. */
import type { Diagnostic } from "../model/diagnostic.js";
import type { DeployPlan, PolicyLevel } from "../model/plan-types.js";
import type { Task } from "../model/project.js";
import type { Provider } from "./contract.js";
import { totalOf, usageOf } from "./cost.js";

/** Violations of the stack's policies; one whose level is `off` isn't looked for. */
export function checkPolicies(plan: DeployPlan, provider: Pick<Provider, "cost" | "title">): Diagnostic[] {
  const { publicNetwork, missingAlerts, plainSecrets, budget } = plan.settings.policies;
  return [
    ...at(publicNetwork, () => publicNetworkOf(plan)),
    ...at(missingAlerts, () => missingAlertsOf(plan)),
    ...at(plainSecrets, () => plainSecretsOf(plan)),
    ...(budget ? at(budget.level, () => overBudget(plan, provider, budget.monthlyUsd)) : []),
  ];
}

type Violation = Omit<Diagnostic, "severity">;

function at(level: PolicyLevel, check: () => Violation[]): Diagnostic[] {
  return level === "off" ? [] : check().map((violation) => ({ severity: level, ...violation }));
}

function publicNetworkOf({ settings }: DeployPlan): Violation[] {
  if (settings.cloud === "local" || settings.network.mode !== "public") return [];
  return [
    {
      code: "policy-public-network",
      message: `jobs of ${settings.client} get public addresses, which its policy forbids`,
      hint: "set handoff:network to {mode: nat}, or to {mode: existing, …}",
    },
  ];
}

/** A failed run that nobody hears of, of what starts by itself. */
function missingAlertsOf({ schedules, triggers, notifications }: DeployPlan): Violation[] {
  const told = new Set(notifications.flatMap(({ on }) => on));
  const enabled = schedules.filter((schedule) => schedule.enabled);
  const starts = [...enabled, ...triggers].map(({ name }) => name);
  if (starts.length === 0) return [];
  const missing = [
    ...(["failure", "timeout"] as const).filter((event) => !told.has(event)),
    ...(enabled.length > 0 && !told.has("missed") ? (["missed"] as const) : []),
  ];
  if (missing.length === 0) return [];
  return [
    {
      code: "policy-missing-alerts",
      message: `nobody is told of ${missing.join(", ")} of what starts by itself: ${starts.join(", ")}`,
      hint: `add to project.yml: notifications: [{on: [${missing.join(", ")}], email: you@example.com}]`,
    },
  ];
}

/** Names that say what they hold; `TOKEN_URL` and `KEYBOARD` don't. */
const secretName =
  /(^|_)(password|passwd|passphrase|secret|token|credentials?|api_?key|access_?key|private_?key|client_?secret)$/i;
/** Values that are credentials whatever they are called. */
const secretValue =
  /^(AKIA[0-9A-Z]{16}|gh[pousr]_\w{30,}|github_pat_\w{30,}|glpat-[\w-]{20,}|xox[abprs]-[\w-]{10,}|sk_(live|test)_\w{16,}|AIza[\w-]{35}|eyJ[\w-]{10,}\.eyJ[\w-]{10,}\..+)$|-----BEGIN [A-Z ]*PRIVATE KEY-----|:\/\/[^/\s:@]+:[^/\s:@{}$]+@/;

function plainSecretsOf({ spec, schedules }: DeployPlan): Violation[] {
  const { envs, vars, tasks } = spec.project;
  const places: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
    ["envs", envs],
    ["vars", vars],
    ...allTasks(tasks).map((task) => [`task ${task.name}`, task.envs] as const),
    ...schedules.flatMap(
      ({ name, envs: own, vars: theirs }) =>
        [
          [`schedule ${name}`, own],
          [`schedule ${name}`, theirs],
        ] as const,
    ),
  ];
  return places.flatMap(([where, values]) =>
    Object.entries(values)
      .filter(([key, value]) => looksSecret(key, value))
      .map(([key]) => ({
        code: "policy-plain-secret",
        message: `${where}: the value of ${key} looks like a secret, and stands in project.yml`,
        hint: `remove the value, add {key: ${key}} to \`secrets\` and set it: handoff secrets set ${key} -s STACK`,
      })),
  );
}

function looksSecret(key: string, value: string): boolean {
  if (value === "" || /^\s*\{\{[^}]*\}\}\s*$/.test(value)) return false;
  // A path or a number is where it is, or how long it lasts.
  if (secretName.test(key)) return !/^([/.~]|files\/|\d{1,6}$|true$|false$)/i.test(value);
  return secretValue.test(value);
}

function allTasks(tasks: readonly Task[]): Task[] {
  return tasks.flatMap((task) => [task, ...(task.body.kind === "tasks" ? allTasks(task.body.tasks) : [])]);
}

function overBudget(
  plan: DeployPlan,
  provider: Pick<Provider, "cost" | "title">,
  monthlyUsd: number,
): Violation[] {
  const lines = provider.cost(plan, usageOf(plan));
  const total = totalOf(lines);
  if (total <= monthlyUsd) return [];
  const [largest] = [...lines].sort((a, b) => b.amount - a.amount);
  const most = largest ? `; the most is for ${largest.item}, US$${largest.amount.toFixed(2)}` : "";
  return [
    {
      code: "policy-budget",
      message: `a month on ${provider.title} is estimated at US$${total.toFixed(2)}, over the budget of US$${monthlyUsd.toFixed(2)}${most}`,
      hint: `handoff cost -s ${plan.settings.stack} has each line, and what it supposes`,
    },
  ];
}
