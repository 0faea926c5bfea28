/** One stack through the real engine: up, preview, destroy, refresh, outputs. Everything is checked before the engine starts. */
import { LocalWorkspace, type OutputMap, type PulumiFn, Stack } from "@pulumi/pulumi/automation/index.js";
import { type Diagnostic, UserError } from "../model/diagnostic.js";
import type { Platform, StackSettings } from "../model/plan-types.js";
import { prepare } from "../providers/prepare.js";
import { deployPipeline } from "../providers/program.js";
import { providerOf } from "../providers/registry.js";
import { parseSettings } from "../providers/settings.js";
import { backendEnv, removeStaleLocks, restoreTornState, stackStateFile, stateFolder } from "./backend.js";
import { connectAnew } from "./connections.js";
import { type Difference, differenceOf } from "./difference.js";
import { findPulumi } from "./engine.js";
import { type Env, engineEnv } from "./env.js";
import { ChangeCounter, type Changes, type ProgressEvent, progressOf } from "./events.js";
import { stopped, toUserError } from "./failure.js";
import { engineSignal } from "./interrupt.js";
import { forgottenCreates, interruptedCreates, resumeInterrupted, takeOverHint } from "./pending.js";
import { quickCommand } from "./quick-command.js";
import { findRepository, type Repository, readSettings, secretsProviderOf } from "./repository.js";
import { withScratchState } from "./scratch.js";
import { isNewStack } from "./stack-states.js";
import { type DeployedResource, deployedResources, namesOf, platformOf, retained } from "./state.js";

export interface StackOptions {
  /** Anywhere in the user's repository. */
  readonly cwd: string;
  readonly stack: string;
  readonly env: Env;
  readonly onEvent?: (event: ProgressEvent) => void;
  /** Lines about what takes long before the engine starts, such as installing it. */
  readonly log?: (line: string) => void;
  /** Cancels: the engine finishes the steps that it is in, and what it has done is in the state. */
  readonly signal?: AbortSignal;
  /** Look at what is really there first. Default false. */
  readonly refresh?: boolean;
  /** Milliseconds; for `durationMs`. Default `performance.now`. */
  readonly now?: () => number;
}

export interface StackSummary {
  readonly stack: string;
  /** That the stack is on, by its settings. */
  readonly platform: Platform;
  readonly operation: "up" | "preview" | "destroy" | "refresh" | "drift";
  /** A failure is thrown, as a `UserError` with exit code 1. */
  readonly result: "succeeded";
  readonly changes: Changes;
  /** Secret ones are `"[secret]"`. */
  readonly outputs: Readonly<Record<string, unknown>>;
  /** Data that was left by a destroy, or by an up that moved to another cloud, as paths or links. An up on the same cloud adopts it. */
  readonly kept: readonly string[];
  /** What is no longer as the last `up` left it; of `drift` alone. */
  readonly differences?: readonly Difference[];
  /** Warnings and notes of the project and the plan. */
  readonly diagnostics: readonly Diagnostic[];
  readonly durationMs: number;
}

/** Creates and changes what the project says. */
export function up(options: StackOptions): Promise<StackSummary> {
  return operate("up", options, (stack, common) =>
    stack.up({ ...common, ...(options.refresh ? { refresh: true } : {}) }),
  );
}

/** Says what `up` would do; touches nothing, not even the state of a stack that doesn't exist yet. */
export function preview(options: StackOptions): Promise<StackSummary> {
  return operate("preview", options, (stack, common) =>
    stack.preview({ ...common, ...(options.refresh ? { refresh: true } : {}) }),
  );
}

/** Removes all that was made, except data (`kept`) unless `handoff:deleteData` is true. */
export function destroy(options: StackOptions): Promise<StackSummary> {
  return operate("destroy", options, (stack, common) => stack.destroy(common));
}

/** Brings the state in line with what is really there; `changes` says what had been changed by hand. */
export function refresh(options: StackOptions): Promise<StackSummary> {
  return operate("refresh", options, async (stack, common) => {
    const text = forgottenCreates((await stack.exportStack()).deployment, stack.name);
    if (text) options.onEvent?.({ kind: "message", severity: "warning", text });
    return await stack.refresh({ ...common, clearPendingCreates: true });
  });
}

/** Says what is no longer as the last `up` left it, by resource and property; changes nothing, neither the state nor the cloud. */
export async function drift(options: StackOptions): Promise<StackSummary> {
  const differences: Difference[] = [];
  const summary = await operate("drift", options, (stack, { onEvent, ...common }) =>
    stack.refresh({
      ...common,
      previewOnly: true,
      onEvent(event) {
        onEvent(event);
        const difference = differenceOf(event);
        if (difference) differences.push(difference);
      },
    }),
  );
  const gone = differences.filter(({ kind }) => kind === "gone").length;
  const changed = differences.length - gone;
  const same = summary.changes.same - differences.length;
  differences.sort((a, b) => (a.urn < b.urn ? -1 : 1));
  return { ...summary, differences, changes: { create: 0, update: changed, replace: 0, delete: gone, same } };
}

/** The stack's outputs, secret ones masked; empty before the first `up`. */
export async function outputs(options: StackOptions): Promise<Readonly<Record<string, unknown>>> {
  return await withStack(options, async (stack) => plain(await stack.outputs()));
}

/**
 * Opens the stack for what the functions above don't do. The stack is created when only its file exists.
 * @param program what `up` and `preview` run.
 */
export async function withStack<T>(
  options: StackOptions,
  action: (stack: Stack, repository: Repository) => Promise<T>,
  program?: PulumiFn,
  extra: Env = {},
): Promise<T> {
  const { cwd, stack: name, env, log } = options;
  const repository = findRepository(cwd);
  const secretsProvider = secretsProviderOf(repository, name);
  connectAnew();
  const command = await findPulumi({
    env,
    ...(log ? { log } : {}),
    ...(options.signal ? { signal: options.signal } : {}),
  });
  const variables = engineEnv(env, { ...backendEnv(repository, { ...env, ...extra }), ...extra });
  const state = stateFolder(repository, variables);
  if (state) {
    const interrupted = removeStaleLocks(state, repository.name, name) > 0;
    const restored = restoreTornState(state, repository.name, name, interrupted);
    if (interrupted || restored)
      log?.(`the last update of ${name} was interrupted: going on from where it stopped`);
  }
  try {
    const workspace = await LocalWorkspace.create({
      workDir: repository.root,
      pulumiCommand: quickCommand(command, state && stackStateFile(state, repository.name, name)),
      envVars: variables,
      // A stack that is made now would else get the backend's own, whatever its file says.
      ...(secretsProvider ? { secretsProvider } : {}),
      ...(program ? { program } : {}),
    });
    return await action(await Stack.createOrSelect(name, workspace), repository);
  } catch (error) {
    throw toUserError(error, name);
  }
}

interface Common {
  readonly color: "never";
  readonly suppressOutputs: true;
  readonly onEvent: (event: Parameters<typeof progressOf>[0]) => void;
  readonly signal?: AbortSignal;
  readonly refresh?: true;
}

async function operate(
  operation: StackSummary["operation"],
  options: StackOptions,
  run: (stack: Stack, common: Common) => Promise<object>,
): Promise<StackSummary> {
  const now = options.now ?? (() => performance.now());
  const started = now();
  const { cwd, stack: name, env } = options;
  const repository = findRepository(cwd);
  const { settings, diagnostics } = parseSettings(readSettings(repository, name, { cwd, env }));
  if (!settings) {
    throw new UserError(`the settings of stack ${name} are wrong`, { code: "invalid-settings", diagnostics });
  }
  const changesState = operation !== "preview" && operation !== "drift";
  const needsProgram = operation === "up" || operation === "preview";
  const checked = needsProgram ? prepare(settings, cwd, { needsSecrets: true }) : undefined;
  // Of the state that the operation finds.
  let deployed: readonly DeployedResource[] = [];
  const program = checked && (async () => deployPipeline(checked.plan, namesOf(deployed)));

  const signal = engineSignal(options.signal, process.stdin.isTTY);
  const counter = new ChangeCounter();
  const messages: string[] = [];
  const [begun, failed] = [new Set<string>(), new Set<string>()];
  const common: Common = {
    color: "never",
    suppressOutputs: true,
    onEvent(event) {
      for (const urn of interruptedCreates(event.diagnosticEvent?.message ?? "")) begun.add(urn);
      const progress = progressOf(event);
      if (!progress) return;
      if (progress.kind === "resource" && progress.status === "failed") failed.add(progress.urn);
      counter.add(progress);
      if (progress.kind === "message" && progress.severity === "error") messages.push(progress.text);
      options.onEvent?.(progress);
    },
    ...(signal ? { signal } : {}),
  };

  const act = (extra: Env) =>
    withStack(
      options,
      async (stack) => {
        const look = changesState && (await resumeInterrupted(repository, name, env, options.log));
        deployed = await deployedResources(stack, repository, {
          ...env,
          ...backendEnv(repository, env),
          ...extra,
        });
        const from = platformOf(deployed);
        const moves = operation === "up" && from !== undefined && from !== settings.cloud;
        const releases = operation === "destroy" && settings.deleteData && from === settings.cloud;
        const before = operation === "destroy" || moves ? plain(await stack.outputs()) : {};
        try {
          // The engine hears of an interruption only while it works.
          options.signal?.throwIfAborted();
          if (releases) await releaseData(stack, settings, cwd, deployed, common);
          const result = await run(stack, look ? { ...common, refresh: true } : common);
          return {
            kept:
              from && (moves || operation === "destroy") && !releases ? keptBy(from, before, deployed) : [],
            after: "outputs" in result ? plain(result.outputs as OutputMap) : {},
          };
        } catch (error) {
          if (options.signal?.aborted) throw stopped(name, options.signal.reason);
          const taken = [...failed].filter((urn) => begun.has(urn));
          throw toUserError(error, name, messages, taken.length > 0 ? takeOverHint(taken, name) : undefined);
        }
      },
      program,
      { ...extra, HANDOFF_DELETE_DATA: settings.deleteData ? "true" : undefined },
    );
  const isNew = !changesState && (await isNewStack(repository, options));
  const { kept, after } = isNew ? await withScratchState(repository, name, act) : await act({});

  return {
    stack: name,
    platform: settings.cloud,
    operation,
    result: "succeeded",
    changes: counter.changes(),
    outputs: after,
    kept,
    diagnostics: [...diagnostics, ...(checked?.diagnostics ?? [])],
    durationMs: Math.round(now() - started),
  };
}

/**
 * Data is kept by what the state says of each resource, which is as the last `up` left it. When the stack has been set to
 * delete it since, an update of just those resources says so, to the state and to the cloud's own protection.
 */
async function releaseData(
  stack: Stack,
  settings: StackSettings,
  cwd: string,
  deployed: readonly DeployedResource[],
  common: Common,
): Promise<void> {
  const target = retained(deployed).map(({ urn }) => urn);
  if (target.length === 0) return;
  const { plan } = prepare(settings, cwd);
  await stack.up({ ...common, target, program: async () => deployPipeline(plan, namesOf(deployed)) });
}

/** What a platform keeps of a deployment that goes away: nothing, where every resource is deleted. */
function keptBy(
  platform: Platform,
  outputs: Readonly<Record<string, unknown>>,
  deployed: readonly DeployedResource[],
): string[] {
  // The local platform's state doesn't say: it looks at the disk.
  if (platform !== "local" && retained(deployed).length === 0) return [];
  return providerOf(platform).keptData(outputs);
}

function plain(map: OutputMap): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(map).map(([key, { value, secret }]) => [key, secret ? "[secret]" : value]),
  );
}
