/** A container that clones its project: the run, the command and the answer of an image without one (docs/git-source.md). */
import { join } from "node:path";
import { isSecretVariable, secretVariable, storeVariable } from "../../model/container-env.js";
import { UserError } from "../../model/diagnostic.js";
import { gitRefProblem, gitUrlProblem } from "../../model/git-source.js";
import type { GitSource } from "../../model/project.js";
import type { RunSpec } from "../../model/run.js";
import { type ContainerCall, type Contents, containerJob, workRoot } from "./container.js";
import type { Job } from "./job.js";
import { emptySpec } from "./source/empty-spec.js";
import type { SourceOptions } from "./source/open.js";
import { openJob, openSource } from "./source/open-job.js";
import { openPinned } from "./source/pin.js";
import { openObjects } from "./store/objects.js";
import { openArtifacts } from "./store/open.js";

type Env = Readonly<Record<string, string | undefined>>;

/** What to clone: `HANDOFF_SOURCE_*`; undefined: the project is in the image. @throws UserError `invalid-environment` */
export function containerSource(env: Env): GitSource | undefined {
  const { HANDOFF_SOURCE_URL: url, HANDOFF_SOURCE_SECRET: token } = env;
  if (!url) return undefined;
  const ref = env.HANDOFF_SOURCE_REF || "main";
  for (const [name, problem] of [
    ["HANDOFF_SOURCE_URL", gitUrlProblem(url)],
    ["HANDOFF_SOURCE_REF", gitRefProblem(ref)],
  ] as const) {
    if (problem === undefined) continue;
    throw new UserError(`${name}: ${problem.message}`, { code: "invalid-environment", hint: problem.hint });
  }
  return { kind: "git", url, ref, path: env.HANDOFF_SOURCE_PATH || ".", ...(token ? { token } : {}) };
}

/** A run whose project is cloned first. What is known before is there for its record, should that fail. */
export function clonedJob(source: GitSource, env: Env, call: ContainerCall): Job {
  const before = containerJob({ spec: specBefore(source), codeDir: "", venvsDir: "" }, env, call);
  const { runId } = before.request;
  return {
    ...before,
    open: async ({ signal, say }) => {
      const open = (at: GitSource) =>
        openJob(at, options(env, { name: runId, log: say, signal }), (opened, more) =>
          containerJob(withoutOverrides(opened), { ...env, ...more }, { ...call, runId }),
        );
      const { HANDOFF_RUN_ID: shared, HANDOFF_ARTIFACTS: artifacts } = env;
      if (!shared || !artifacts) return open(source);
      const store = await openObjects(artifacts, env);
      return openPinned(source, { store, runId, open, warn: (message) => say("warn", message) });
    },
  };
}

/** Clones the project for `use` alone, which is given what was cloned. @param install with its virtual environments */
export async function withClone<T>(
  source: GitSource,
  env: Env,
  { install, signal }: { readonly install: boolean; readonly signal: AbortSignal },
  use: (contents: Contents, told: Env, commit: string) => T | Promise<T>,
): Promise<T> {
  const log = (_: string, message: string) => process.stderr.write(`${message}\n`);
  const opened = await openSource(source, options(env, { name: `exec-${process.pid}`, log, signal }));
  try {
    if (install) await opened.install();
    return await use(opened, { ...env, HANDOFF_COMMIT: opened.commit }, opened.commit);
  } finally {
    await opened.close();
  }
}

/** @param asked `name`: of the folder that the clone is in */
function options(
  env: Env,
  { name, ...asked }: Pick<SourceOptions, "log" | "signal"> & { readonly name: string },
): SourceOptions {
  const root = workRoot(env);
  const { HANDOFF_ARTIFACTS: artifacts } = env;
  return {
    dir: join(root, `${name}.source`),
    cacheDir: env.HANDOFF_SOURCE_CACHE || join(root, "cache"),
    ...(artifacts ? { venvStore: openArtifacts(`${artifacts.replace(/\/+$/, "")}/venvs`, env) } : {}),
    env: Object.fromEntries(Object.entries(env).filter(([variable]) => !isSecretVariable(variable))),
    secret: (key) => env[secretVariable(key)],
    hasStore: (store) => Boolean(env[storeVariable(store)]),
    ...asked,
  };
}

/** A schedule's vars and envs are arguments of its deployment's. */
function withoutOverrides({ spec, ...contents }: Contents): Contents {
  const schedules = spec.project.schedules.map((schedule) => ({ ...schedule, vars: {}, envs: {} }));
  return { ...contents, spec: { ...spec, project: { ...spec.project, schedules } } };
}

/** The token is a secret before the project says so. */
function specBefore(source: GitSource): RunSpec {
  return emptySpec(source, source.token === undefined ? [] : [{ key: source.token }]);
}
