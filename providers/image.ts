/** The runner image as `@pulumi/docker-build` is told to build it: the same for every cloud but the registry. */
import type { DeployPlan } from "../model/plan-types.js";
import { imageArgs, imageContextPath, isGenericImage } from "./image-context.js";
import { type RenderedValue, text } from "./rendering.js";

export interface Registry {
  /** Repository to push to, without a tag. */
  readonly repository: RenderedValue;
  /** Sign-in; none where the machine is signed in. */
  readonly login?: {
    readonly address: RenderedValue;
    readonly username: RenderedValue;
    readonly password: RenderedValue;
  };
}

/** Inputs of `docker-build:index:Image`. Jobs use its `ref`, which has the digest; the tag says what content is in it. */
export function imageInputs(plan: DeployPlan, { repository, login }: Registry) {
  const { settings, contentHash } = plan;
  const context = imageContextPath(settings);
  return {
    context: { location: context },
    dockerfile: { location: `${context}/Dockerfile` },
    buildArgs: imageArgs(plan),
    platforms: [settings.architecture === "arm64" ? ("linux/arm64" as const) : ("linux/amd64" as const)],
    push: true,
    // A preview builds nothing.
    buildOnPreview: false,
    tags: [text`${repository}:${isGenericImage(plan) ? "generic" : contentHash.slice(0, 32)}`],
    ...(login ? { registries: [login] } : {}),
  };
}
