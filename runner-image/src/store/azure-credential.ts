import { DefaultAzureCredential, ManagedIdentityCredential } from "@azure/identity";

/** The identity that AZURE_CLIENT_ID names, or the only one that there is. */
export function azureCredential(env: Readonly<Record<string, string | undefined>>) {
  const clientId = env.AZURE_CLIENT_ID;
  // In a job the identity's endpoint is known: asking there alone is quicker than trying all ways.
  if (env.IDENTITY_ENDPOINT) return new ManagedIdentityCredential(clientId ? { clientId } : {});
  return new DefaultAzureCredential(clientId ? { managedIdentityClientId: clientId } : {});
}
