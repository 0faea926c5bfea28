/** The services of Google Cloud that a deployment uses: enabled by it, and left enabled, as others may use them. */
import type { RenderedResource } from "../rendering.js";
import { gcp } from "./resources.js";
import type { Scope } from "./scope.js";

/**
 * Module of a type token, to the services that its resources need. The list is UNCONFIRMED; Service Usage itself must be
 * enabled before, which it is in every project that was made in the console or by gcloud.
 */
const servicesOf: Readonly<Record<string, readonly string[]>> = {
  artifactregistry: ["artifactregistry"],
  cloudrunv2: ["run"],
  cloudscheduler: ["cloudscheduler"],
  compute: ["compute"],
  eventarc: ["eventarc", "eventarcpublishing"],
  firestore: ["firestore"],
  logging: ["logging"],
  monitoring: ["monitoring"],
  projects: ["cloudresourcemanager"],
  pubsub: ["pubsub"],
  secretmanager: ["secretmanager"],
  serviceaccount: ["iam"],
  storage: ["storage"],
  workflows: ["workflows", "workflowexecutions"],
};

/** The resources after the services that they need. */
export function withApis(scope: Scope, resources: readonly RenderedResource[]): RenderedResource[] {
  const needed = [...new Set(resources.flatMap(servicesFor))].sort();
  const services = needed.map((service) =>
    gcp("gcp:projects/service:Service", apiName(scope, service), scope.parent, {
      project: scope.project,
      service: `${service}.googleapis.com`,
      disableOnDestroy: false,
    }),
  );
  const dependent = resources.map((resource) => {
    const apis = servicesFor(resource).map((service) => apiName(scope, service));
    if (apis.length === 0) return resource;
    return { ...resource, dependsOn: [...apis, ...(resource.dependsOn ?? [])] };
  });
  return [...services, ...dependent];
}

function apiName(scope: Scope, service: string): string {
  return scope.name("api", service);
}

function servicesFor({ type }: RenderedResource): readonly string[] {
  const [provider, path = ""] = type.split(":");
  return provider === "gcp" ? (servicesOf[path.split("/")[0] ?? ""] ?? []) : [];
}
