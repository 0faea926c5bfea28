/** The environment that the Pulumi CLI and our plugin are started with. */
import { existsSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export type Env = Readonly<Record<string, string | undefined>>;

/** Folder of the handoff package, from the sources as from dist/. */
export function packageDir(): string {
  let dir = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(dir, "package.json")) && dirname(dir) !== dir) dir = dirname(dir);
  return dir;
}

/** `env` with our provider plugin first on PATH; no update notices, no undefined values. */
export function engineEnv(env: Env, extra: Env = {}): Record<string, string> {
  const path = [join(packageDir(), "plugin"), dirname(process.execPath), env.PATH ?? ""].join(delimiter);
  const all = {
    ...env,
    PULUMI_SKIP_UPDATE_CHECK: "true",
    // Left alone, the engine takes the home that the user database names, which a service's user may not have.
    PULUMI_HOME: env.PULUMI_HOME ?? (env.HOME ? join(env.HOME, ".pulumi") : undefined),
    ...extra,
    PATH: path,
  };
  return Object.fromEntries(
    Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
