/** The runner image as `@pulumi/docker-build` is told to build it: the same for every cloud but the registry. */
import type { DeployPlan } from "../model/plan-types.js";
import { imageArgs, imageContextPath, isGenericImage } from "./image-context.js";
import { type RenderedResource, type RenderedValue, ref, text } from "./rendering.js";

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

/**
 * Inputs of `docker-build:index:Image`. The tag says what content is in it; jobs use `imageReference`. Provenance, which would make
 * the digest that of an index, is what the plugin itself switches off; the builder is the machine's to choose (docs/image.md, "By up").
 */
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

/**
 * `repository@sha256:…`, as every cloud's documentation has it. The plugin's own `ref` names tag and digest, which not all of
 * them say that they take.
 */
export function imageReference({ repository }: Pick<Registry, "repository">, built: RenderedResource) {
  return text`${repository}@${ref(built, "digest")}`;
}
