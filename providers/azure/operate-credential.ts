/** Whoever is signed in: one sign-in for all stacks and all APIs of a process, as one by Azure's CLI takes seconds and starts it. */
import { type AccessToken, DefaultAzureCredential, type TokenCredential } from "@azure/identity";

type Env = Readonly<Record<string, string | undefined>>;

/** A token is asked for anew so long before it expires. */
const marginMs = 5 * 60_000;

const shared = new Map<string, TokenCredential>();

/** In one of the ways of `DefaultAzureCredential`; AZURE_CLIENT_ID says which managed identity, where there are several. */
export function azureCredential(env: Env): TokenCredential {
  const clientId = env.AZURE_CLIENT_ID ?? "";
  const found =
    shared.get(clientId) ??
    remembering(new DefaultAzureCredential(clientId ? { managedIdentityClientId: clientId } : {}));
  shared.set(clientId, found);
  return found;
}

/** Its tokens are kept while they are good, and asked for once however many want them. Some ways of signing in keep none. */
export function remembering(credential: TokenCredential, now: () => number = Date.now): TokenCredential {
  const kept = new Map<string, Promise<AccessToken | null>>();
  const until = new Map<string, number>();
  return {
    getToken(scopes, options = {}) {
      const key = JSON.stringify([scopes, options.claims, options.tenantId]);
      const known = kept.get(key);
      if (known && (until.get(key) ?? 0) - marginMs > now()) return known;
      const asking = credential.getToken(scopes, options);
      kept.set(key, asking);
      until.set(key, Number.POSITIVE_INFINITY);
      asking.then(
        (token) => until.set(key, token?.expiresOnTimestamp ?? 0),
        () => until.delete(key),
      );
      return asking;
    },
  };
}
