/**
 * Resources as plain data: what a provider's `render` decides, `create` creates and `handoff plan` prints. Inputs are those
 * of the SDK's own classes, checked by the compiler; what is known only at deployment is an expression.
 */
import type { Unwrap } from "@pulumi/pulumi";

/** An output of another resource or lookup of the same rendering: `{ $ref: ["fx-bucket", "arn"] }`; a dotted path goes into it. */
export interface Reference {
  readonly $ref: readonly [resource: string, output: string];
}

/** The value of a secret of the stack; only its key is ever written down. */
export interface SecretReference {
  readonly $secret: string;
}

/** The value as JSON text, for inputs such as policies and container definitions. Keys keep their order. */
export interface JsonText {
  readonly $json: RenderedValue;
}

/** Parts joined to one text. */
export interface JoinedText {
  readonly $join: readonly RenderedValue[];
}

/** Base64 of a text (UTF-8). */
export interface Base64Text {
  readonly $base64: RenderedValue;
}

/** A list of texts in alphabetical order, where a cloud answers in any order and a text is made of it. */
export interface SortedList {
  readonly $sorted: RenderedValue;
}

export type Expression = Reference | SecretReference | JsonText | JoinedText | Base64Text | SortedList;

export type RenderedValue =
  | string
  | number
  | boolean
  | null
  | undefined
  | Expression
  | readonly RenderedValue[]
  | { readonly [key: string]: RenderedValue };

export type RenderedInputs = Readonly<Record<string, RenderedValue>>;

/** What Pulumi is told about a resource beside its inputs. */
export interface RenderedOptions {
  /** Names of resources that have to exist before, beside those that inputs refer to. */
  readonly dependsOn?: readonly string[];
  /** Left where it is when it is no longer wanted: data. Default false. */
  readonly retainOnDelete?: boolean;
  /** For names that can't exist twice. Default false: the new one is made first. */
  readonly deleteBeforeReplace?: boolean;
  /** Inputs that others change after the creation. */
  readonly ignoreChanges?: readonly string[];
  /** Minutes that the platform may take to create or delete it; default: the SDK's. */
  readonly timeoutMinutes?: number;
}

/** One resource: everything that a deployment decides about it. */
export interface RenderedResource extends RenderedOptions {
  /** Pulumi type token, such as `handoff:local:Job` or `aws:ecs/cluster:Cluster`. */
  readonly type: string;
  /** Unique in the rendering. */
  readonly name: string;
  /** Name of the resource it belongs to; null for the pipeline itself. */
  readonly parent: string | null;
  readonly inputs: RenderedInputs;
}

/** Something that exists already, asked for at deployment: an account's number, the default network. */
export interface RenderedLookup {
  /** Token of the function, such as `aws:ec2/getVpc:getVpc`. */
  readonly type: string;
  /** Unique among resources and lookups of the rendering. */
  readonly name: string;
  /** May refer to resources, such as the registry whose password is asked for. */
  readonly inputs: RenderedInputs;
  /** The answer is a secret: encrypted in the state. Default false. */
  readonly secret?: boolean;
}

/** All of a deployment. */
export interface Rendering {
  /** Each after those it refers to; the first is the pipeline. */
  readonly resources: readonly RenderedResource[];
  readonly lookups: readonly RenderedLookup[];
  /** What the stack shows: jobs, schedules, stores, links to the cloud's console. */
  readonly outputs: RenderedInputs;
}

/** A type with expressions allowed in every place, for inputs of the SDK's classes. */
export type Described<T> = T extends string | number | boolean | null | undefined
  ? T | Expression
  : T extends readonly (infer E)[]
    ? readonly Described<E>[] | Expression
    : T extends object
      ? { readonly [K in keyof T]: Described<T[K]> } | Expression
      : never;

// biome-ignore lint/suspicious/noExplicitAny: constructors of the SDKs' classes differ in their arguments; `unknown` would fit none
type SdkClass = abstract new (name: string, args: any, ...rest: any[]) => object;
// biome-ignore lint/suspicious/noExplicitAny: as above, for the SDKs' functions
type SdkFunction = (args: any, ...rest: any[]) => Promise<unknown>;

type InputsOf<C extends SdkClass> = Described<Unwrap<NonNullable<ConstructorParameters<C>[1]>>>;
type OutputsOf<R> = keyof R & string;

/** A resource whose outputs the compiler knows. `of` is a type alone, never a value. */
export interface Typed<Outputs extends string> extends RenderedResource {
  readonly of?: Outputs;
}

export interface TypedLookup<Outputs extends string> extends RenderedLookup {
  readonly of?: Outputs;
}

/** Describes resources of one SDK; `Classes` maps type tokens to the SDK's classes (`import type`). */
export function describing<Classes extends { readonly [Token in keyof Classes]: SdkClass }>() {
  return <Token extends keyof Classes & string>(
    type: Token,
    name: string,
    parent: string,
    inputs: InputsOf<Classes[Token]>,
    options: RenderedOptions = {},
  ): Typed<OutputsOf<InstanceType<Classes[Token]>>> => ({
    type,
    name,
    parent,
    inputs: withoutUndefined(inputs as RenderedInputs),
    ...options,
  });
}

/** Describes lookups of one SDK; `Functions` maps tokens to the SDK's functions (`import type`). */
export function lookingUp<Functions extends { readonly [Token in keyof Functions]: SdkFunction }>() {
  return <Token extends keyof Functions & string>(
    type: Token,
    name: string,
    inputs: Described<NonNullable<Parameters<Functions[Token]>[0]>>,
    options: Pick<RenderedLookup, "secret"> = {},
  ): TypedLookup<OutputsOf<Awaited<ReturnType<Functions[Token]>>>> => ({
    type,
    name,
    inputs: withoutUndefined(inputs as RenderedInputs),
    ...options,
  });
}

/** An output of a resource or lookup; with a dot, something in it: `ref(vault, "properties.vaultUri")`. */
export function ref<Outputs extends string>(
  source: Typed<Outputs> | TypedLookup<Outputs>,
  output: Outputs | `${Outputs}.${string}`,
): Reference {
  return { $ref: [source.name, output] };
}

export const secret = (key: string): SecretReference => ({ $secret: key });
export const json = (value: RenderedValue): JsonText => ({ $json: value });
export const sorted = (value: RenderedValue): SortedList => ({ $sorted: value });
export const base64 = (value: RenderedValue): Base64Text => ({ $base64: value });

/** A text with expressions in it: text`arn:aws:s3:::${ref(bucket, "bucket")}/*`. */
export function text(strings: TemplateStringsArray, ...values: readonly RenderedValue[]): JoinedText {
  const parts: RenderedValue[] = [];
  strings.forEach((part, index) => {
    if (part !== "") parts.push(part);
    if (index < values.length) parts.push(values[index]);
  });
  return { $join: parts };
}

/** Tells the expressions that have the key. */
const having =
  <E extends Expression>(key: KeysOf<E>) =>
  (value: unknown): value is E =>
    typeof value === "object" && value !== null && key in value;
type KeysOf<E> = E extends unknown ? keyof E & string : never;

export const isReference = having<Reference>("$ref");
export const isSecretReference = having<SecretReference>("$secret");
export const isJsonText = having<JsonText>("$json");
export const isJoinedText = having<JoinedText>("$join");
export const isBase64Text = having<Base64Text>("$base64");
export const isSortedList = having<SortedList>("$sorted");

/** How `printable` and `create` answer what is not in the rendering itself. */
export interface Answers {
  reference(resource: string, output: string): unknown;
  secret(key: string): unknown;
}

/**
 * The value with each expression replaced; `later` applies a function to something that may hold answers that are not there
 * yet (Pulumi's outputs).
 */
export function evaluate(
  value: RenderedValue,
  answers: Answers,
  later: (value: unknown, apply: (value: unknown) => unknown) => unknown = (known, apply) => apply(known),
): unknown {
  const inner = (item: RenderedValue): unknown => evaluate(item, answers, later);
  if (typeof value !== "object" || value === null) return value;
  if (isReference(value)) return answers.reference(...value.$ref);
  if (isSecretReference(value)) return answers.secret(value.$secret);
  if (isJsonText(value)) return later(inner(value.$json), (known) => JSON.stringify(known));
  if (isJoinedText(value)) return later(value.$join.map(inner), (known) => (known as unknown[]).join(""));
  if (isSortedList(value)) {
    // In a plan it is the list's placeholder, which stays as it is.
    return later(inner(value.$sorted), (known) => (Array.isArray(known) ? [...known].sort() : known));
  }
  if (isBase64Text(value)) {
    return later(inner(value.$base64), (known) => Buffer.from(String(known)).toString("base64"));
  }
  if (Array.isArray(value)) return value.map(inner);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, inner(item as RenderedValue)]));
}

const print: Answers = {
  reference: (resource, output) => `\${${resource}.${output}}`,
  secret: () => "[secret]",
};

/** A value as `plan --json` prints it: references as `${name.output}`, secrets as `[secret]`. */
export function printable(value: RenderedValue): unknown {
  return evaluate(value, print);
}

/** Every reference in the value, in the order in which they stand. */
export function referencesIn(value: RenderedValue): Reference[] {
  if (typeof value !== "object" || value === null) return [];
  if (isReference(value)) return [value];
  return Object.values(value).flatMap((item) => referencesIn(item as RenderedValue));
}

function withoutUndefined(inputs: RenderedInputs): RenderedInputs {
  return Object.fromEntries(Object.entries(inputs).filter(([, value]) => value !== undefined));
}
