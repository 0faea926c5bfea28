/** The environment that the Pulumi CLI and our plugin are started with. */
import { delimiter, dirname, join } from "node:path";
import { packageDir } from "../providers/local/entries.js";

export type Env = Readonly<Record<string, string | undefined>>;

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
