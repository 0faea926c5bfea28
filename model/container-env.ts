/** Names of the variables between a deployment and the runner in its container (docs/environment.md). */

const secretPrefix = "HANDOFF_SECRET_";
const storePrefix = "HANDOFF_STORE_";

/** Variable that the runner finds a secret's value in; it hands it on as the project says, and hides the variable. */
export function secretVariable(key: string): string {
  return secretPrefix + upperSnake(key);
}

/** Variable that tells commands where a declared store is. */
export function storeVariable(name: string): string {
  return storePrefix + upperSnake(name);
}

export function isSecretVariable(name: string): boolean {
  return name.startsWith(secretPrefix);
}

function upperSnake(name: string): string {
  return name.toUpperCase().replace(/[^A-Z0-9]+/g, "_");
}
