/** Property values on the wire between the engine and a plugin, and walks over them. */

export type Props = Readonly<Record<string, unknown>>;

/** Pulumi's wire format: an object with this key is not a plain object; the value says which kind it is. */
const signatureKey = "4dabf18193072939515e22adb298388d";
const secretSignature = "1b47061264138c4ac30d75fd1eb44270";
const outputSignature = "d0e6a833031e9bbcd3f4e8bde6ca49a4";
const resourceSignature = "5cf8f73096256a8f31e491e813e4eb8e";
/** Stands for a value that a preview doesn't know. */
const unknownText = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** In `plain` values: what a preview doesn't know yet. Nothing is said about it. */
export const unknownValue = Symbol("unknown");

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The value without marks of secrets and outputs; unknown ones are `unknownValue`, assets stay as they are. */
export function plain(value: unknown): unknown {
  if (value === unknownText) return unknownValue;
  if (Array.isArray(value)) return value.map(plain);
  if (!isObject(value)) return value;
  const signature = value[signatureKey];
  if (signature === secretSignature) return plain(value.value);
  if (signature === outputSignature) return "value" in value ? plain(value.value) : unknownValue;
  if (signature === resourceSignature) return value.id ?? value.urn;
  const entries = Object.entries(value).filter(([, item]) => item !== null && item !== undefined);
  return Object.fromEntries(entries.map(([key, item]) => [key, plain(item)]));
}

export function plainProps(value: unknown): Record<string, unknown> {
  const found = plain(value);
  return isObject(found) ? found : {};
}

/** Whether anything in the value is marked secret. */
export function holdsSecret(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(holdsSecret);
  if (!isObject(value)) return false;
  if (value[signatureKey] === secretSignature || value.secret === true) return true;
  return Object.values(value).some(holdsSecret);
}

/** Marks a value as secret: the engine encrypts it in the state and never prints it. */
export function asSecret(value: unknown): unknown {
  return { [signatureKey]: secretSignature, value };
}

/** Every text in the value with the path to it; not those inside of texts that are JSON. */
export function textsIn(value: unknown, path = ""): { path: string; text: string }[] {
  if (typeof value === "string") return [{ path, text: value }];
  if (Array.isArray(value)) return value.flatMap((item, index) => textsIn(item, `${path}[${index}]`));
  if (!isObject(value)) return [];
  return Object.entries(value).flatMap(([key, item]) => textsIn(item, path === "" ? key : `${path}.${key}`));
}

/** What is at a dotted path; `[]` goes into every item of a list: `containers[].image`. */
export function valuesAt(value: unknown, path: string): unknown[] {
  let found: unknown[] = [value];
  for (const part of path.split(".")) {
    const key = part.replace("[]", "");
    found = found
      .map((item) => (isObject(item) ? item[key] : undefined))
      .filter((item) => item !== undefined);
    if (part.endsWith("[]")) found = found.flatMap((item) => (Array.isArray(item) ? item : []));
  }
  return found;
}

/** The text at a path, if there is one. */
export function textAt(value: unknown, path: string): string | undefined {
  const [found] = valuesAt(value, path);
  return typeof found === "string" ? found : undefined;
}

/** JSON with sorted keys, for comparisons. */
export function canonical(value: unknown): string {
  return JSON.stringify(value ?? null, (_, item: unknown) =>
    isObject(item)
      ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)))
      : typeof item === "symbol"
        ? "?"
        : item,
  );
}

export interface Failure {
  readonly property: string;
  readonly reason: string;
}
