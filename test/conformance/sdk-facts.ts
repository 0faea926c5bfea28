/** What the SDKs' own JavaScript says of a class: the inputs it takes, those it requires, and the outputs it has. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { sdkFile } from "../../providers/sdk.js";

export interface ClassFacts {
  readonly inputs: ReadonlySet<string>;
  readonly required: ReadonlySet<string>;
  readonly outputs: ReadonlySet<string>;
}

const require = createRequire(import.meta.url);
const classes = new Map<string, ClassFacts>();

/** Of a resource's type token. @throws Error for a type that the SDK doesn't have */
export function factsOf(token: string): ClassFacts {
  const known = classes.get(token);
  if (known) return known;
  const text = readFileSync(require.resolve(sdkFile(token).file), "utf8");
  if (!text.includes(`__pulumiType = '${token}'`)) throw new Error(`the SDK's class is not ${token}`);
  const all = [...text.matchAll(/resourceInputs\["(\w+)"\] = (.*);/g)];
  const made: ClassFacts = {
    inputs: new Set(all.filter(([, , value = ""]) => /\bargs\b/.test(value)).map(([, name = ""]) => name)),
    required: new Set([...text.matchAll(/Missing required property '(\w+)'/g)].map(([, name = ""]) => name)),
    outputs: new Set(["id", "urn", ...all.map(([, name = ""]) => name)]),
  };
  if (made.outputs.size < 3) throw new Error(`nothing is known of ${token}`);
  classes.set(token, made);
  return made;
}

const results = new Map<string, ReadonlySet<string>>();

/** Members of what a function answers, from its declaration. */
export function resultOf(token: string): ReadonlySet<string> {
  const known = results.get(token);
  if (known) return known;
  const { file, name } = sdkFile(token);
  const text = readFileSync(require.resolve(file).replace(/\.js$/, ".d.ts"), "utf8");
  const result = `${name.charAt(0).toUpperCase()}${name.slice(1)}Result`;
  const body = new RegExp(`export interface ${result} \\{([\\s\\S]*?)\\n\\}`).exec(text)?.[1];
  if (body === undefined) throw new Error(`${token} has no ${result}`);
  const made = new Set([...body.matchAll(/^ {4}readonly (\w+)\??:/gm)].map(([, member = ""]) => member));
  results.set(token, made);
  return made;
}
