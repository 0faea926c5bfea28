/** `handoff image`: the image of a project, built with the user's Docker and pushed where it is wanted. */
import { UserError } from "../model/diagnostic.js";
import type { DeployPlan } from "../model/plan-types.js";
import { type BuiltImage, buildImage, pushImage } from "../providers/image-build.js";
import type { ImageOptions } from "./commands/image.js";
import { type CliContext, print, printJson, say } from "./context.js";
import { formatBytes } from "./output/size.js";
import { formatDuration } from "./output/time.js";
import { findTarget, planTarget, type Target } from "./plan-target.js";

/** `handoff image build`: prints the tag. */
export async function buildProjectImage(options: ImageOptions, context: CliContext): Promise<undefined> {
  const { plan } = planOf(options, context);
  const image = await build(plan, options.tag, options, context);
  if (options.json) printJson(context, { schemaVersion: 1, ...image });
  else print(context, image.tag);
}

/** `handoff image push`: prints the image with its digest. */
export async function pushProjectImage(options: ImageOptions, context: CliContext): Promise<undefined> {
  const { plan, target } = planOf(options, context);
  const tag = options.tag ?? `${await stackRepository(target, context)}:${plan.contentHash.slice(0, 32)}`;
  const image = await build(plan, tag, options, context);
  say(context, `pushing ${tag}`);
  const digest = await pushImage(tag, { env: context.env, ...progress(context) });
  const reference = `${repositoryOf(tag)}@${digest}`;
  if (options.json) printJson(context, { schemaVersion: 1, ...image, digest, reference });
  else print(context, reference);
}

/** Without a stack that is meant, it is for this machine. */
function planOf(
  options: ImageOptions,
  context: CliContext,
): { readonly plan: DeployPlan; readonly target: Target } {
  const target = stackOrMachine(options, context);
  // Warnings are about deploying it: `plan` and `up` have them.
  return { plan: planTarget(target, context).plan, target };
}

function stackOrMachine({ project, stack }: ImageOptions, context: CliContext): Target {
  const given = { ...(project === undefined ? {} : { project }), ...(stack === undefined ? {} : { stack }) };
  try {
    return findTarget(given, context);
  } catch (error) {
    if (!(error instanceof UserError) || error.code !== "no-cloud") throw error;
    return findTarget({ ...given, cloud: "local" }, context);
  }
}

async function build(
  plan: DeployPlan,
  tag: string | undefined,
  { cache }: ImageOptions,
  context: CliContext,
): Promise<BuiltImage> {
  const began = performance.now();
  const image = await buildImage(plan, {
    env: context.env,
    ...progress(context),
    tag,
    noCache: cache === false,
  });
  const size = `${image.tag}: ${formatBytes(image.sizeBytes)}, ${image.platform}`;
  say(
    context,
    image.built
      ? `built ${size}, in ${formatDuration(performance.now() - began)}`
      : `${size}: an image of this content is there already, nothing was built`,
  );
  return image;
}

const progress = (context: CliContext) => ({
  log: (line: string) => say(context, line),
  signal: context.interrupted,
});

/** Where `up` has pushed the stack's image to. @throws UserError `no-registry` */
async function stackRepository({ settings, stackExists }: Target, context: CliContext): Promise<string> {
  const hint = "name one: --tag REGISTRY/NAME:TAG";
  if (!stackExists || settings.cloud === "local") {
    const what = stackExists ? `stack ${settings.stack} is on this machine` : "no stack is meant";
    throw new UserError(`push to which registry? ${what}`, { code: "no-registry", hint });
  }
  const { outputs } = await import("../deploy/stack.js");
  const { image } = await outputs({
    cwd: context.cwd,
    stack: settings.stack,
    env: context.env,
    log: (line) => say(context, line),
    signal: context.interrupted,
  });
  if (typeof image === "string" && image !== "") return repositoryOf(image);
  throw new UserError(`stack ${settings.stack} has no registry yet`, {
    code: "no-registry",
    hint: `handoff up ${settings.stack} makes one, and pushes the image; or ${hint}`,
  });
}

/** `registry:5000/name` of `registry:5000/name:tag@sha256:…`. */
export function repositoryOf(reference: string): string {
  const [name = ""] = reference.split("@");
  return name.replace(/:[^:/]+$/, "");
}
