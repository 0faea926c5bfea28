import { type CommandSpec, type Commands, loadCommands } from "./command.js";

/** Every command, loaded when it is asked for: start-up pays for one command alone. The order is that of `--help`. */
export const commands: Commands = {
  init: async () => (await import("./commands/init.js")).init,
  validate: async () => (await import("./commands/validate.js")).validate,
  install: async () => (await import("./commands/install.js")).install,
  run: async () => (await import("./commands/run.js")).run,
  plan: async () => (await import("./commands/plan.js")).plan,
  cost: async () => (await import("./commands/cost.js")).cost,
  image: async () => (await import("./commands/image.js")).image,
  preview: async () => (await import("./commands/preview.js")).preview,
  up: async () => (await import("./commands/up.js")).up,
  refresh: async () => (await import("./commands/refresh.js")).refresh,
  drift: async () => (await import("./commands/drift.js")).drift,
  cancel: async () => (await import("./commands/cancel.js")).cancel,
  destroy: async () => (await import("./commands/destroy.js")).destroy,
  stack: async () => (await import("./commands/stack.js")).stack,
  secrets: async () => (await import("./commands/secrets.js")).secrets,
  trigger: async () => (await import("./commands/trigger.js")).trigger,
  backfill: async () => (await import("./commands/backfill.js")).backfill,
  status: async () => (await import("./commands/status.js")).status,
  runs: async () => (await import("./commands/runs.js")).runs,
  logs: async () => (await import("./commands/logs.js")).logs,
  schedules: async () => (await import("./commands/schedules.js")).schedules,
  artifacts: async () => (await import("./commands/artifacts.js")).artifacts,
  agent: async () => (await import("./commands/agent.js")).agent,
  ci: async () => (await import("./commands/ci.js")).ci,
  doctor: async () => (await import("./commands/doctor.js")).doctor,
  schema: async () => (await import("./commands/schema.js")).schema,
  completion: async () => (await import("./commands/completion.js")).completionOf(loadAll),
};

/** All commands, for the list in `--help`, suggestions and completion. */
export async function loadAll(): Promise<readonly CommandSpec[]> {
  return await loadCommands(commands);
}
