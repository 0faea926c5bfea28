/** The runner image: one that exists, or one that `up` builds and pushes to a registry of the deployment's own. */
import { imageInputs, imageReference } from "../image.js";
import { base64, type RenderedLookup, type RenderedResource, ref, text } from "../rendering.js";
import type { Grant } from "./identity.js";
import { nameInGroup, nameOf } from "./names.js";
import { azure, lookup } from "./resources.js";
import { replaced, type Scope, type Text } from "./scope.js";

export interface RunnerImage {
  readonly resources: readonly RenderedResource[];
  readonly lookups: readonly RenderedLookup[];
  /** With its digest. */
  readonly reference: Text;
  /** What pulling it needs. */
  readonly grants: readonly Grant[];
  /** Host to sign in to with the job's identity; undefined for a public registry. */
  readonly server?: Text;
}

/** Days after which an image goes, and how many of the latest stay however old they are. */
const keep = { days: 30, images: 10 } as const;

export function image(scope: Scope): RunnerImage {
  const { plan, parent, location, tags, group } = scope;
  const given = plan.settings.image;
  if (given !== undefined) {
    const server = azureRegistry(given);
    return {
      resources: [],
      lookups: [],
      reference: given,
      grants: [],
      ...(server === undefined ? {} : { server }),
    };
  }
  const registry = azure(
    "azure-native:containerregistry:Registry",
    scope.resource("registry"),
    parent,
    {
      registryName: nameOf(plan, "registry"),
      resourceGroupName: group,
      location,
      sku: { name: "Basic" },
      // The push below signs in with it. Whoever may deploy can read it from Azure and nobody else; the other way, that of
      // `az acr login`, needs a registry that is there before the first `up`.
      adminUserEnabled: true,
      anonymousPullEnabled: false,
      tags,
    },
    replaced,
  );
  const login = lookup(
    "azure-native:containerregistry:listRegistryCredentials",
    scope.resource("registrylogin"),
    { registryName: ref(registry, "name"), resourceGroupName: group },
    { secret: true },
  );
  const repository = nameInGroup("repository", plan.spec.project.name);
  const target = {
    repository: text`${ref(registry, "loginServer")}/${repository}`,
    login: {
      address: ref(registry, "loginServer"),
      username: ref(login, "username"),
      password: ref(login, "passwords.0.value"),
    },
  };
  const built = azure(
    "docker-build:index:Image",
    scope.resource("image"),
    parent,
    imageInputs(plan, target) as Parameters<typeof azure<"docker-build:index:Image">>[3],
  );
  return {
    resources: [registry, expiry(scope, ref(registry, "name"), repository), built],
    lookups: [login],
    reference: imageReference(target, built),
    grants: [{ role: "pullImages", of: "image", scope: ref(registry, "id") }],
    server: ref(registry, "loginServer"),
  };
}

/** The Basic tier has no rule for old images: a task in the registry deletes them each week. */
function expiry(scope: Scope, registryName: Text, repository: string): RenderedResource {
  const { parent, location, tags, group } = scope;
  const purge = `acr purge --filter '${repository}:.*' --ago ${keep.days}d --keep ${keep.images} --untagged`;
  const steps = `version: v1.1.0\nsteps:\n- cmd: ${purge}\n  disableWorkingDirectoryOverride: true\n  timeout: 3600\n`;
  return azure(
    "azure-native:containerregistry:Task",
    scope.resource("imageexpiry"),
    parent,
    {
      taskName: "delete-old-images",
      registryName,
      resourceGroupName: group,
      location,
      status: "Enabled",
      platform: { os: "Linux", architecture: "amd64" },
      step: { type: "EncodedTask", encodedTaskContent: base64(steps) },
      trigger: { timerTriggers: [{ name: "weekly", schedule: "0 3 * * Sun", status: "Enabled" }] },
      timeout: 3600,
      tags,
    },
    replaced,
  );
}

/** Host of an Azure registry in an image's reference. */
export function azureRegistry(reference: string): string | undefined {
  return /^([a-z0-9-]+\.azurecr\.(?:io|cn|us))\//.exec(reference)?.[1];
}
