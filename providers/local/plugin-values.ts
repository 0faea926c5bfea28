/** How property values look on the wire between the engine and a provider plugin: plain JSON, with marked objects for secrets. */

export type Props = Readonly<Record<string, unknown>>;

/** Pulumi's wire format: an object with this key is not a plain object; the value says which kind it is. */
const signatureKey = "4dabf18193072939515e22adb298388d";
const secretSignature = "1b47061264138c4ac30d75fd1eb44270";
const outputSignature = "d0e6a833031e9bbcd3f4e8bde6ca49a4";
/** Stands for a value that is known only after an update; seen in `check` and `diff` of a preview. */
const unknownValue = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

export function isUnknown(value: unknown): boolean {
  if (value === unknownValue) return true;
  return isMarked(value, outputSignature) && !("value" in value);
}

/** Marks a value as secret: the engine encrypts it in the state and never prints it. */
export function asSecret(value: unknown): unknown {
  return { [signatureKey]: secretSignature, value };
}

export function isSecret(value: unknown): boolean {
  return isMarked(value, secretSignature) || (isMarked(value, outputSignature) && value.secret === true);
}

/** The value without its marks, at every depth. */
export function plain(value: unknown): unknown {
  if (isMarked(value, secretSignature) || isMarked(value, outputSignature)) {
    return "value" in value ? plain(value.value) : unknownValue;
  }
  if (Array.isArray(value)) return value.map(plain);
  if (isObject(value)) return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, plain(v)]));
  return value;
}

export function plainProps(props: unknown): Props {
  return isObject(props) ? Object.fromEntries(Object.entries(props).map(([k, v]) => [k, plain(v)])) : {};
}

/** Deep equality of JSON values; a missing property and a null one are the same, as they are to the engine. */
export function sameValue(a: unknown, b: unknown): boolean {
  return canonical(a) === canonical(b);
}

function canonical(value: unknown): string {
  return JSON.stringify(value ?? null, (_, v: unknown) =>
    isObject(v)
      ? Object.fromEntries(
          Object.entries(v)
            .filter(([, item]) => item !== null && item !== undefined)
            .sort(([x], [y]) => (x < y ? -1 : 1)),
        )
      : v,
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isMarked(value: unknown, signature: string): value is Record<string, unknown> {
  return isObject(value) && value[signatureKey] === signature;
}
