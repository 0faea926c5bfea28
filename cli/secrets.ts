import * as store from "../deploy/secrets.js";
import { loadProject } from "../model/load.js";
import { type CliContext, print, printJson, say } from "./context.js";
import { formatTable } from "./output/table.js";
import { findProjectDir, findStack } from "./project-lookup.js";
import { readSecretValue } from "./read-value.js";

/** `handoff secrets set`: the value comes from stdin, a file or the keyboard, and goes to the engine by stdin. */
export async function setSecret(
  key: string,
  options: { readonly stack?: string; readonly file?: string },
  context: CliContext,
): Promise<undefined> {
  const { stack } = findStack(context.cwd, options.stack);
  const value = await readSecretValue(key, options.file, context);
  await store.setSecret(stackOptions(stack, context), key, value);
  say(context, `${key} is set; it takes effect with: handoff up ${stack}`);
}

/** `handoff secrets list`: what is set, and what project.yml names and nobody has set. */
export async function listSecrets(
  options: { readonly stack?: string; readonly json?: boolean },
  context: CliContext,
): Promise<undefined> {
  const { stack } = findStack(context.cwd, options.stack);
  const set = store.listSecrets({ cwd: context.cwd, stack, env: context.env });
  const named = namedByProject(context);
  const keys = [...new Set([...set, ...named])].sort();
  const rows = keys.map((key) => ({ key, set: set.includes(key), used: named.includes(key) }));
  if (options.json) printJson(context, { schemaVersion: 1, stack, secrets: rows });
  else if (rows.length === 0) say(context, `${stack} has no secrets, and the project names none`);
  else
    print(
      context,
      formatTable(
        ["KEY", "STATUS"],
        rows.map((row) => [row.key, describe(row)]),
      ),
    );
}

function describe({ set, used }: { readonly set: boolean; readonly used: boolean }): string {
  if (!set) return "missing: project.yml names it";
  return used ? "set" : "set; project.yml does not name it";
}

/** `handoff secrets remove`. */
export async function removeSecret(
  key: string,
  options: { readonly stack?: string },
  context: CliContext,
): Promise<undefined> {
  const { stack } = findStack(context.cwd, options.stack);
  await store.removeSecret(stackOptions(stack, context), key);
  say(context, `${key} is removed; it is gone from the platform with: handoff up ${stack}`);
}

function stackOptions(stack: string, context: CliContext) {
  return {
    cwd: context.cwd,
    stack,
    env: context.env,
    log: (line: string) => say(context, line),
    signal: context.interrupted,
  };
}

/** Keys that project.yml names; none when there is no project to be found, which is no reason to hide what is set. */
function namedByProject(context: CliContext): readonly string[] {
  let dir: string;
  try {
    dir = findProjectDir(context.cwd, undefined);
  } catch {
    return [];
  }
  const { project } = loadProject(dir, { cwd: context.cwd });
  return project ? [...project.secrets.map((secret) => secret.key), ...project.secretEnvs] : [];
}
