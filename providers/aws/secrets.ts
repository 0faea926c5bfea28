/** Secrets in Secrets Manager; containers get them by reference. */
import { secretVariable } from "../container.js";
import { type RenderedResource, type RenderedValue, ref, secret } from "../rendering.js";
import { secretName } from "./names.js";
import { aws } from "./resources.js";
import type { Scope } from "./scope.js";

export interface Secrets {
  readonly resources: readonly RenderedResource[];
  readonly arns: readonly RenderedValue[];
  /** For a container definition, sorted by variable. */
  readonly container: readonly { readonly name: string; readonly valueFrom: RenderedValue }[];
  /** Resources that must be there before a container starts. */
  readonly ready: readonly string[];
}

/** Those that the stack has a value for. A container that refers to an empty secret doesn't start; the runner names what is missing. */
export function secrets(scope: Scope): Secrets {
  const { plan, parent, tags } = scope;
  const known = new Set(plan.settings.secretKeys);
  const made = plan.secrets
    .filter(({ key }) => known.has(key))
    .map(({ key }) => {
      const holder = aws("aws:secretsmanager/secret:Secret", scope.resource("secret", key), parent, {
        name: secretName(plan, key),
        description: `${key} of ${plan.spec.project.name}`,
        // Deleted at once: a deletion that is pending keeps the name for days, and an `up` after a `destroy` would fail.
        // Nothing is lost with it, the value's home is the stack's encrypted config.
        recoveryWindowInDays: 0,
        tags,
      });
      const version = aws(
        "aws:secretsmanager/secretVersion:SecretVersion",
        scope.resource("secretversion", key),
        parent,
        { secretId: ref(holder, "id"), secretString: secret(key) },
      );
      return { variable: secretVariable(key), arn: ref(holder, "arn"), holder, version };
    });
  return {
    resources: made.flatMap(({ holder, version }) => [holder, version]),
    arns: made.map(({ arn }) => arn),
    container: made
      .map(({ variable, arn }) => ({ name: variable, valueFrom: arn }))
      .sort((a, b) => (a.name < b.name ? -1 : 1)),
    ready: made.map(({ version }) => version.name),
  };
}
