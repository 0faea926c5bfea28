import { findCycle } from "../graph.js";
import { nearest } from "../nearest.js";
import type { Install, Secret, Task } from "../project.js";
import type { Context, Reference } from "./context.js";

/** Names that are used must be defined: tasks, virtual environments, secrets. */
export function checkReferences(
  project: { tasks: readonly Task[]; installs: readonly Install[]; secrets: readonly Secret[] },
  context: Context,
): void {
  const { report } = context;
  const tasks = project.tasks.map((task) => task.name);
  each(context.taskReferences, tasks, context, (reference, hint) => {
    report.error(reference.path, {
      code: "unknown-task",
      message: `there is no top-level task called \`${reference.name}\`${hint.asks}`,
      hint: hint.text || "Add the task, or remove its name here.",
    });
  });
  const venvs = project.installs.map((install) => install.venv).filter(Boolean);
  each(context.venvs, venvs, context, (reference, hint) => {
    report.strict(reference.path, {
      code: "unknown-venv",
      message: `no install makes the virtual environment \`${reference.name}\`${hint.asks}`,
      hint: hint.text || `Add to \`installs\`: \`- {venv: ${reference.name}, command: pip install …}\`.`,
    });
  });
  const secrets = project.secrets.map((secret) => secret.key);
  each(context.usedSecrets, secrets, context, (reference, hint) => {
    report.error(reference.path, {
      code: "unknown-secret",
      message: `the secret \`${reference.name}\` is not declared${hint.asks}`,
      hint: hint.text || `Add to \`secrets\`: \`- {key: ${reference.name}}\`.`,
    });
  });
  each(context.envSecrets, secrets, context, (reference, hint) => {
    report.strict(reference.path, {
      code: "unknown-secret",
      message: `\`${reference.name}\` has no value, and there is no secret of that name${hint.asks}`,
      hint: hint.text || `Give it a value, or add to \`secrets\`: \`- {key: ${reference.name}}\`.`,
      key: true,
    });
  });
}

function each(
  references: readonly Reference[],
  known: readonly string[],
  context: Context,
  complain: (reference: Reference, hint: { asks: string; text: string }) => void,
): void {
  const names = new Set(known);
  for (const reference of references) {
    if (names.has(reference.name)) continue;
    const near = context.report.full ? undefined : nearest(reference.name, names);
    complain(reference, {
      asks: near ? `: did you mean \`${near}\`?` : "",
      text: near ? `Rename it to \`${near}\`, or define \`${reference.name}\`.` : "",
    });
  }
}

/** Tasks can't wait for each other in a circle. */
export function checkCycles(tasks: readonly Task[], context: Context): void {
  const cycle = findCycle(tasks);
  if (!cycle) return;
  const index = tasks.findIndex((task) => task.name === cycle[0]);
  context.report.error(["tasks", index, "depends_on"], {
    code: "dependency-cycle",
    message:
      cycle.length === 2
        ? `task \`${cycle[0]}\` depends on itself`
        : `tasks depend on each other in a circle: ${cycle.join(" -> ")}`,
    hint: "Remove one name from one of their `depends_on`.",
  });
}
