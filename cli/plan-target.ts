/** Which project is planned for which stack of which platform: what plan and cost are asked. */
import { findRepository, readSettings } from "../deploy/repository.js";
import { type Diagnostic, UserError } from "../model/diagnostic.js";
import { type Platform, type StackSettings, stackSettings } from "../model/plan-types.js";
import { type CheckedPlan, invalidProject, prepare } from "../providers/prepare.js";
import { parseSettings } from "../providers/settings.js";
import type { CliContext } from "./context.js";
import { findProjectDir, findStackRoot, listStackFiles } from "./project-lookup.js";

export interface TargetOptions {
  readonly project?: string;
  readonly cloud?: Platform;
  readonly stack?: string;
}

/** A project and the settings of a stack, which may not exist. */
export interface Target {
  readonly settings: StackSettings;
  /** Name in Pulumi.yaml; undefined outside of a repository. */
  readonly pulumiProject: string | undefined;
  /** Whether the stack has a Pulumi.<stack>.yaml that the settings are from. */
  readonly stackExists: boolean;
  /** What was supposed, and what is odd in the stack's settings. */
  readonly diagnostics: readonly Diagnostic[];
}

/** Where a project is planned for when nobody has said; the first region that each cloud's prices are known of. */
const suppositions: Readonly<
  Record<Platform, { readonly key: string; readonly region: string } | undefined>
> = {
  local: undefined,
  aws: { key: "aws:region", region: "us-east-1" },
  gcp: { key: "gcp:region", region: "us-central1" },
  azure: { key: "azure-native:location", region: "eastus" },
};
const supposedProject = "my-project";

/**
 * With `-s`, that stack's settings (`--cloud` then asks "what if"); else a stack `dev` on `--cloud` with nothing set, the same
 * on every machine; with neither, the only stack that there is.
 * @throws UserError `no-cloud`; and what reading the stack's file and finding the project throw
 */
export function findTarget(options: TargetOptions, context: CliContext): Target {
  const root = findStackRoot(context.cwd);
  const repository = root === undefined ? undefined : findRepository(context.cwd);
  const pulumiProject = repository?.name;
  const stack = options.stack ?? (options.cloud === undefined ? onlyStack(root) : undefined);
  if (stack === undefined) {
    const cloud = options.cloud ?? noCloud();
    const projectDir = findProjectDir(context.cwd, options.project);
    const supposed = supposing(stackSettings({ stack: "dev", cloud, projectDir }), "there is no stack");
    return { ...supposed, pulumiProject, stackExists: false };
  }
  const found = repository ?? findRepository(context.cwd);
  const raw = readSettings(found, stack, { cwd: context.cwd, env: context.env });
  const own = raw.config["handoff:cloud"] ?? "local";
  const config = options.cloud === undefined ? raw.config : { ...raw.config, "handoff:cloud": options.cloud };
  const { settings, diagnostics } = parseSettings({ ...raw, config });
  if (!settings) throw invalidProject(diagnostics);
  const projectDir =
    options.project === undefined ? settings.projectDir : findProjectDir(context.cwd, options.project);
  // Only another cloud than the stack's own may be without a region: its own needs what `up` needs.
  const chosen =
    settings.cloud === own
      ? { settings, diagnostics: [] }
      : supposing(settings, `stack ${stack} is on ${String(own)}`);
  return {
    settings: { ...chosen.settings, projectDir },
    diagnostics: [...diagnostics, ...chosen.diagnostics],
    pulumiProject,
    stackExists: true,
  };
}

export interface TargetPlan extends CheckedPlan {
  /** Name in Pulumi.yaml; outside of a repository the project's. */
  readonly pulumiProject: string;
}

/** Loads, plans and checks. @throws UserError `invalid-project` with every diagnostic */
export function planTarget(target: Target, context: CliContext): TargetPlan {
  const { settings, pulumiProject, stackExists } = target;
  const { plan, diagnostics } = prepare(settings, context.cwd, { withAllSecrets: !stackExists });
  return {
    plan,
    diagnostics: [...target.diagnostics, ...diagnostics],
    pulumiProject: pulumiProject ?? plan.spec.project.name,
  };
}

function onlyStack(root: string | undefined): string | undefined {
  if (root === undefined) return undefined;
  const [only, ...others] = listStackFiles(root);
  return others.length === 0 ? only : undefined;
}

function noCloud(): never {
  throw new UserError("plan for which platform?", {
    code: "no-cloud",
    hint: "name one, such as --cloud aws, or a stack with -s",
  });
}

function supposing(settings: StackSettings, why: string): Pick<Target, "settings" | "diagnostics"> {
  const place = suppositions[settings.cloud];
  if (!place) return { settings, diagnostics: [] };
  const region = settings.region ?? place.region;
  const gcpProject = settings.cloud === "gcp" ? (settings.gcpProject ?? supposedProject) : undefined;
  const parts = [
    ...(settings.region === undefined ? [`region ${region}`] : []),
    ...(gcpProject !== undefined && settings.gcpProject === undefined ? [`project ${gcpProject}`] : []),
  ];
  const keys = [place.key, ...(gcpProject === undefined ? [] : ["gcp:project"])];
  return {
    settings: { ...settings, region, ...(gcpProject === undefined ? {} : { gcpProject }) },
    diagnostics:
      parts.length === 0
        ? []
        : [
            {
              severity: "info",
              code: "supposed-settings",
              message: `${why}, so this is for stack ${settings.stack} in ${parts.join(", ")}`,
              hint: `set ${keys.join(" and ")} in Pulumi.<stack>.yaml and name the stack with -s`,
            },
          ],
  };
}
