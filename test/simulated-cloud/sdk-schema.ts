/**
 * What a resource accepts, read from the SDK's own generated files: names of inputs and outputs, which inputs are required,
 * and the interfaces of nested objects. The SDKs ship no schema; their files have had this form for years.
 */
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { type Failure, isObject, unknownValue } from "./values.js";

export interface ResourceSchema {
  readonly inputs: ReadonlyMap<string, Field>;
  readonly required: readonly string[];
  readonly outputs: readonly string[];
  /** Inputs and outputs that the SDK marks secret. */
  readonly secrets: readonly string[];
}

/** A property as a `.d.ts` declares it. */
interface Field {
  /** Such as `pulumi.Input<inputs.ecs.ServiceLoadBalancer>[]`. */
  readonly declared: string;
  readonly required: boolean;
}

const require = createRequire(import.meta.url);

/** The schemas of one package. */
export class Sdk {
  readonly #root: string;
  readonly #schemas = new Map<string, ResourceSchema | undefined>();
  readonly #interfaces = new Map<string, ReadonlyMap<string, Field> | undefined>();
  #types: string | undefined;

  constructor(packageName: string) {
    this.#root = dirname(require.resolve(`@pulumi/${packageName}/package.json`));
  }

  get version(): string {
    return JSON.parse(readFileSync(join(this.#root, "package.json"), "utf8")).version;
  }

  /** Of a type token such as `aws:ecs/cluster:Cluster`; undefined when the package has no such resource. */
  schemaOf(type: string): ResourceSchema | undefined {
    if (!this.#schemas.has(type)) this.#schemas.set(type, this.#read(type));
    return this.#schemas.get(type);
  }

  /** Whether the package has a function of this token, such as `aws:ec2/getVpc:getVpc`. */
  hasFunction(token: string): boolean {
    return existsSync(this.#file(token, ".js"));
  }

  /** Unknown names, wrong kinds of values and missing properties, at every depth. Names are those of the SDK. */
  check(type: string, inputs: Readonly<Record<string, unknown>>): Failure[] {
    const schema = this.schemaOf(type);
    if (!schema) return [{ property: "", reason: `the SDK has no resource ${type}` }];
    const missing = schema.required.filter((name) => !(name in inputs));
    return [
      ...missing.map((name) => ({ property: name, reason: `Missing required property '${name}'` })),
      ...this.#checkFields(inputs, schema.inputs, ""),
    ];
  }

  #checkFields(
    value: Readonly<Record<string, unknown>>,
    fields: ReadonlyMap<string, Field>,
    at: string,
  ): Failure[] {
    return Object.entries(value).flatMap(([key, item]) => {
      const property = at === "" ? key : `${at}.${key}`;
      const field = fields.get(key);
      if (!field) {
        const known = [...fields.keys()].sort().join(", ");
        return [{ property, reason: `unknown property '${key}': the SDK knows ${known}` }];
      }
      return this.#checkValue(item, field.declared, property);
    });
  }

  #checkValue(value: unknown, declared: string, property: string): Failure[] {
    if (value === unknownValue || value === undefined) return [];
    const isList = /\[\]|\bArray</.test(declared);
    if (Array.isArray(value)) {
      if (!isList && !/\bany\b|Asset|Archive/.test(declared)) return [wrong(property, "a list", declared)];
      return value.flatMap((item, index) =>
        this.#checkValue(
          item,
          declared.replaceAll("[]", "").replaceAll("Array<", "Input<"),
          `${property}[${index}]`,
        ),
      );
    }
    const nested = [...declared.matchAll(/\binputs\.([\w.]+)/g)].map(([, name = ""]) => name);
    if (isObject(value)) {
      if (nested.length === 0) {
        const open = /\[key: string\]|\bany\b|Asset|Archive|Record</.test(declared);
        return open ? [] : [wrong(property, "an object", declared)];
      }
      const found = nested.map((name) => this.#interface(name)).filter((fields) => fields !== undefined);
      if (found.length === 0) return [];
      // Of a union, any one that fits is right.
      const results = found.map((fields) => [
        ...[...fields].flatMap(([name, { required }]) =>
          required && !(name in value)
            ? [{ property: `${property}.${name}`, reason: `Missing required property '${name}'` }]
            : [],
        ),
        ...this.#checkFields(value, fields, property),
      ]);
      return results.sort((a, b) => a.length - b.length)[0] ?? [];
    }
    if (isList && !/\bany\b/.test(declared)) return [wrong(property, `a ${typeof value}`, declared)];
    const kinds = new Set(declared.match(/\b(string|number|boolean|any|enums|Asset|Archive)\b/g));
    const isEnum = kinds.has("enums");
    if (kinds.has("any") || kinds.has("Asset") || kinds.has("Archive")) return [];
    if (kinds.size === 0 && nested.length === 0) return [];
    const fits = kinds.has(typeof value) || (isEnum && typeof value === "string") || /"\w+"/.test(declared);
    return fits ? [] : [wrong(property, `a ${typeof value}`, declared)];
  }

  #read(type: string): ResourceSchema | undefined {
    const file = this.#file(type, ".js");
    if (!existsSync(file)) return undefined;
    const text = readFileSync(file, "utf8").replace(/\n\/\/# sourceMappingURL[\s\S]*$/, "");
    const inputs = new Set<string>();
    const outputs = new Set<string>();
    for (const [, name = "", from = ""] of text.matchAll(/resourceInputs\["([^"]+)"\] = (.*);/g)) {
      outputs.add(name);
      // `state?.x` stands in the branch of `get`, `undefined /*out*/` for what only the cloud says.
      if (/\bargs\b/.test(from)) inputs.add(name);
    }
    const declared = this.#fieldsOf(type);
    return {
      inputs: new Map(
        [...inputs].map((name) => [name, declared.get(name) ?? { declared: "any", required: false }]),
      ),
      required: [...text.matchAll(/args\?\.(\w+) === undefined && !opts\.urn/g)].map(([, name = ""]) => name),
      outputs: [...outputs],
      secrets: [
        ...[...text.matchAll(/resourceInputs\["(\w+)"\] = .*pulumi\.secret\(/g)].map(([, name = ""]) => name),
        ...[...(/additionalSecretOutputs: \[([^\]]*)\]/.exec(text)?.[1] ?? "").matchAll(/"(\w+)"/g)].map(
          ([, name = ""]) => name,
        ),
      ],
    };
  }

  #fieldsOf(type: string): ReadonlyMap<string, Field> {
    const name = type.split(":")[2] ?? "";
    const text = readFileSync(this.#file(type, ".d.ts"), "utf8");
    return fieldsIn(text, text.indexOf(`export interface ${name}Args {`));
  }

  /** An interface of `types/input.d.ts`, such as `ecs.ServiceLoadBalancer`. */
  #interface(name: string): ReadonlyMap<string, Field> | undefined {
    if (!this.#interfaces.has(name)) {
      this.#types ??= readFileSync(join(this.#root, "types", "input.d.ts"), "utf8");
      const path = name.split(".");
      const last = path.pop() ?? "";
      let start = 0;
      for (const namespace of path) start = this.#types.indexOf(`namespace ${namespace} {`, start);
      const at = this.#types.indexOf(`interface ${last} {`, start);
      this.#interfaces.set(name, start < 0 || at < 0 ? undefined : fieldsIn(this.#types, at));
    }
    return this.#interfaces.get(name);
  }

  #file(token: string, extension: string): string {
    const [, module = "", name = ""] = token.split(":");
    const [folder = ""] = module.split("/");
    // `IAMMember` is in `iammember.js`.
    const base = name.replace(/^[A-Z]+/, (capitals) => capitals.toLowerCase());
    return join(this.#root, folder === "index" ? "" : folder, `${base}${extension}`);
  }
}

/** The properties of the interface that starts at an offset. */
function fieldsIn(text: string, start: number): ReadonlyMap<string, Field> {
  const fields = new Map<string, Field>();
  if (start < 0) return fields;
  const indent = text.slice(text.lastIndexOf("\n", start) + 1, start).match(/^ */)?.[0] ?? "";
  const end = text.indexOf(`\n${indent}}`, start);
  const body = text.slice(start, end).replace(/\/\*[\s\S]*?\*\//g, "");
  const member = new RegExp(`^${indent} {4}"?([\\w-]+)"?(\\??): ([\\s\\S]*?);$`, "gm");
  for (const [, name = "", optional = "", declared = ""] of body.matchAll(member)) {
    fields.set(name, { declared, required: optional === "" });
  }
  return fields;
}

function wrong(property: string, given: string, declared: string): Failure {
  const wanted = declared.replaceAll("pulumi.Input<", "").replaceAll(">", "").replaceAll("inputs.", "");
  return { property, reason: `is ${given} where the SDK wants ${wanted}` };
}
