/** The runner image: one that exists, or one that `up` builds and pushes to a repository of the deployment's own. */
import { imageInputs, imageReference } from "../image.js";
import { json, type RenderedLookup, type RenderedResource, type RenderedValue, ref } from "../rendering.js";
import type { Statement } from "./identity.js";
import { nameOf } from "./names.js";
import { aws, lookup } from "./resources.js";
import { partitionOf, type Scope } from "./scope.js";

export interface RunnerImage {
  readonly resources: readonly RenderedResource[];
  readonly lookups: readonly RenderedLookup[];
  /** With its digest. */
  readonly reference: RenderedValue;
  /** What pulling it needs. */
  readonly statements: readonly Statement[];
  /** The repository of our own; undefined for an image that exists. */
  readonly repository?: RenderedValue;
}

/** Images beside the one in use that are kept, to go back to. */
const keptImages = 10;

export function image(scope: Scope): RunnerImage {
  const { plan, parent, tags } = scope;
  const given = plan.settings.image;
  if (given !== undefined)
    return { resources: [], lookups: [], reference: given, statements: pull(ecrArn(given)) };

  const repository = aws("aws:ecr/repository:Repository", scope.resource("repository"), parent, {
    name: nameOf(plan, "repository"),
    // Jobs name the digest, so a tag that moves changes nothing that runs. Tags that can't move would stop an `up`
    // that pushed the image and was then interrupted: builds of one content don't have one digest.
    imageTagMutability: "MUTABLE",
    imageScanningConfiguration: { scanOnPush: true },
    encryptionConfigurations: [{ encryptionType: "AES256" }],
    // Images are built again from the project; they are no data.
    forceDelete: true,
    tags,
  });
  const expiry = aws("aws:ecr/lifecyclePolicy:LifecyclePolicy", scope.resource("imageexpiry"), parent, {
    repository: ref(repository, "name"),
    policy: json({
      rules: [
        {
          rulePriority: 1,
          description: `the newest ${keptImages} images`,
          selection: { tagStatus: "any", countType: "imageCountMoreThan", countNumber: keptImages },
          action: { type: "expire" },
        },
      ],
    }),
  });
  const login = lookup(
    "aws:ecr/getAuthorizationToken:getAuthorizationToken",
    scope.resource("registrylogin"),
    {},
    { secret: true },
  );
  const registry = {
    repository: ref(repository, "repositoryUrl"),
    login: {
      address: ref(repository, "repositoryUrl"),
      username: ref(login, "userName"),
      password: ref(login, "password"),
    },
  };
  const built = aws(
    "docker-build:index:Image",
    scope.resource("image"),
    parent,
    imageInputs(plan, registry) as Parameters<typeof aws<"docker-build:index:Image">>[3],
  );
  return {
    resources: [repository, expiry, built],
    lookups: [login],
    reference: imageReference(registry, built),
    statements: pull(ref(repository, "arn")),
    repository: ref(repository, "repositoryUrl"),
  };
}

/** Nothing for a registry that isn't ECR: it has to be public. */
function pull(repository: RenderedValue): Statement[] {
  if (repository === undefined) return [];
  return [
    { Sid: "RegistryLogin", Effect: "Allow", Action: "ecr:GetAuthorizationToken", Resource: "*" },
    {
      Sid: "PullImage",
      Effect: "Allow",
      Action: ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
      Resource: repository,
    },
  ];
}

/** ARN of the repository in `123456789012.dkr.ecr.us-east-1.amazonaws.com/name@sha256:…`; undefined for other registries. */
export function ecrArn(reference: string): string | undefined {
  const match = /^(\d{12})\.dkr\.ecr(?:-fips)?\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?\/([^:@]+)/.exec(
    reference,
  );
  if (!match) return undefined;
  const [, account = "", region = "", name = ""] = match;
  return `arn:${partitionOf(region)}:ecr:${region}:${account}:repository/${name}`;
}
