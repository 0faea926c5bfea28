/** The runner image with the project in it. */
import { imageInputs, imageReference } from "../image.js";
import { type RenderedResource, ref, type TypedLookup, text } from "../rendering.js";
import { nameOf } from "./names.js";
import { gcp, lookup } from "./resources.js";
import type { Scope, Text } from "./scope.js";

export interface RunnerImage {
  readonly resources: readonly RenderedResource[];
  readonly lookups: readonly TypedLookup<string>[];
  /** With its digest: a new image is a new revision of the jobs. */
  readonly reference: Text;
}

/** Days after which an image goes, and how many of the latest stay however old they are. */
const keep = { days: 30, images: 10 } as const;

/** The stack's own image where it names one; else a repository and the image that is built and pushed there. */
export function image(scope: Scope): RunnerImage {
  const { plan, name, parent, project, region, labels } = scope;
  const { settings } = plan;
  if (settings.image !== undefined) return { resources: [], lookups: [], reference: settings.image };
  const repository = gcp("gcp:artifactregistry/repository:Repository", name("repository"), parent, {
    repositoryId: nameOf(plan, "repository"),
    project,
    location: region,
    format: "DOCKER",
    description: `handoff: images of ${scope.title}`,
    cleanupPolicyDryRun: false,
    cleanupPolicies: [
      {
        id: "delete-old",
        action: "DELETE",
        condition: { olderThan: `${keep.days * 86_400}s`, tagState: "ANY" },
      },
      { id: "keep-latest", action: "KEEP", mostRecentVersions: { keepCount: keep.images } },
    ],
    labels,
  });
  const login = lookup(
    "gcp:organizations/getClientConfig:getClientConfig",
    name("login"),
    {},
    { secret: true },
  );
  const registry = {
    // Google's own spelling: a project of an organisation of old has a colon in its id, and a slash here.
    repository: text`${ref(repository, "registryUri")}/runner`,
    login: {
      address: ref(repository, "registryUri"),
      username: "oauth2accesstoken",
      password: ref(login, "accessToken"),
    },
  };
  const image = gcp(
    "docker-build:index:Image",
    name("image"),
    parent,
    imageInputs(forX86(plan), registry) as Parameters<typeof gcp<"docker-build:index:Image">>[3],
  );
  return { resources: [repository, image], lookups: [login], reference: imageReference(registry, image) };
}

/** The one processor that Cloud Run has, whatever the stack asks for: `check` warns of it. */
function forX86(plan: Scope["plan"]): Scope["plan"] {
  return { ...plan, settings: { ...plan.settings, architecture: "x86_64" } };
}
