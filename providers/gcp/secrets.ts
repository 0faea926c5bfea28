/** Secrets of the stack in Secret Manager. */
import type { DeployPlan } from "../../model/plan-types.js";
import { type RenderedResource, ref, secret } from "../rendering.js";
import { nameOf } from "./names.js";
import { gcp, type Made } from "./resources.js";
import type { Scope } from "./scope.js";

export type Secret = Made<"gcp:secretmanager/secret:Secret">;

export interface Secrets {
  /** By key. */
  readonly secrets: ReadonlyMap<string, Secret>;
  /** Their values. */
  readonly versions: readonly RenderedResource[];
}

/** Keys whose values the project's commands are given. Those without a value in the stack have been warned about. */
export function jobSecretKeys({ spec, secrets, settings }: DeployPlan): string[] {
  const wanted = [...secrets.map(({ key }) => key), ...spec.project.secretEnvs];
  return [...new Set(wanted)].filter((key) => settings.secretKeys.includes(key)).sort();
}

/** Keys whose values are URLs of webhooks. */
export function webhookSecretKeys({ notifications, settings }: DeployPlan): string[] {
  const keys = notifications.flatMap(({ target }) =>
    target.kind === "webhook" && target.secret !== undefined ? [target.secret] : [],
  );
  return [...new Set(keys)].filter((key) => settings.secretKeys.includes(key)).sort();
}

export function secrets(scope: Scope): Secrets {
  const { plan, parent, project, labels } = scope;
  const keys = [...new Set([...jobSecretKeys(plan), ...webhookSecretKeys(plan)])].sort();
  const secrets = new Map(
    keys.map((key) => [
      key,
      gcp("gcp:secretmanager/secret:Secret", scope.name("secret", key), parent, {
        secretId: nameOf(plan, "secret", key),
        project,
        replication: { auto: {} },
        labels,
      }),
    ]),
  );
  const versions = [...secrets].map(([key, made]) =>
    gcp("gcp:secretmanager/secretVersion:SecretVersion", scope.name("secretversion", key), parent, {
      secret: ref(made, "id"),
      secretData: secret(key),
    }),
  );
  return { secrets, versions };
}
