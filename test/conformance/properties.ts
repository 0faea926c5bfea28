/** What has to hold of every rendering of every valid project; each function lists what is wrong. */
import type { DeployPlan } from "../../model/plan-types.js";
import {
  evaluate,
  type RenderedLookup,
  type RenderedResource,
  type RenderedValue,
  type Rendering,
  referencesIn,
} from "../../providers/rendering.js";
import { physicalNames } from "./physical-names.js";
import { factsOf, resultOf } from "./sdk-facts.js";

const repeated = (values: readonly string[]): string[] =>
  values.filter((value, index) => values.indexOf(value) < index);

/** Pulumi's names are unique; the first resource is the pipeline and the parent of all others. */
export function wrongStructure({ resources, lookups }: Rendering): string[] {
  const [pipeline] = resources;
  return [
    ...repeated([...resources, ...lookups].map(({ name }) => name)).map((name) => `${name} is there twice`),
    ...(pipeline?.parent === null ? [] : ["the first resource has a parent"]),
    ...resources
      .slice(1)
      .filter(({ parent }) => parent !== pipeline?.name)
      .map(({ name, parent }) => `${name} belongs to ${parent}`),
  ];
}

/** Inputs are those of the SDK's class, and none that it requires is missing. */
export function wrongInputs({ resources }: Rendering): string[] {
  return resources.slice(1).flatMap(({ type, name, inputs }) => {
    const { inputs: known, required } = factsOf(type);
    return [
      ...Object.keys(inputs)
        .filter((input) => !known.has(input))
        .map((input) => `${name}: ${type} has no input ${input}`),
      ...[...required]
        .filter((input) => inputs[input] === undefined)
        .map((input) => `${name}: ${type} needs ${input}`),
    ];
  });
}

/** Everything that is referred to is described before, and has the output. */
export function wrongReferences({ resources, lookups, outputs }: Rendering): string[] {
  const lookupOf = new Map(lookups.map((lookup) => [lookup.name, lookup]));
  const typeOf = new Map(resources.map(({ name, type }) => [name, type]));
  const before = new Set<string>();
  const wrong: string[] = [];
  const checkOutput = (from: string, source: string, path: string): void => {
    const [output = ""] = path.split(".");
    const lookup = lookupOf.get(source);
    const type = typeOf.get(source);
    const known = lookup ? resultOf(lookup.type) : type ? factsOf(type).outputs : undefined;
    if (known && !known.has(output))
      wrong.push(`${from} wants ${path} of ${source}, which has no such output`);
  };
  const check = (from: string, value: RenderedValue, through: readonly RenderedLookup[] = []): void => {
    for (const {
      $ref: [source, path],
    } of referencesIn(value)) {
      const lookup = lookupOf.get(source);
      if (lookup) {
        if (through.includes(lookup)) wrong.push(`the lookup ${source} refers to itself`);
        else check(from, lookup.inputs, [...through, lookup]);
      } else if (!before.has(source)) wrong.push(`${from} refers to ${source}, which isn't described before`);
      checkOutput(from, source, path);
    }
  };
  for (const { name, inputs, dependsOn = [] } of resources) {
    check(name, inputs);
    for (const other of dependsOn) {
      if (!before.has(other)) wrong.push(`${name} depends on ${other}, which isn't described before`);
    }
    before.add(name);
  }
  check("the outputs", outputs);
  return wrong;
}

/** Names are legal where they are given, and no two resources of a kind have the same. */
export function wrongNames(rendering: Rendering): string[] {
  const names = physicalNames(rendering);
  return [
    ...names
      .filter(({ name, rule }) => !rule.pattern.test(name))
      .map(
        ({ name, resource }) => `${resource.type} can't be called ${JSON.stringify(name)} (${name.length})`,
      ),
    ...repeated(names.map(({ key }) => key)).map((key) => `two are called ${key}`),
  ];
}

/** Types whose `tags` or `labels` mean something else, or that must not have any. */
const untagged: readonly string[] = [
  // Its tags are those of the image: names such as `registry/fx:hash`.
  "docker-build:index:Image",
];

/** Whoever can be tagged says whose it is. */
export function wrongTags({ resources }: Rendering, plan: DeployPlan): string[] {
  return resources.slice(1).flatMap(({ type, name, inputs }) => {
    if (untagged.includes(type)) return [];
    const { inputs: known } = factsOf(type);
    // Google's `tags` are objects of Resource Manager, or of a network; people's own are its labels.
    const inputsOfTags = type.startsWith("gcp:") ? ["userLabels", "labels"] : ["tags"];
    const input = inputsOfTags.find((key) => known.has(key));
    if (input === undefined) return [];
    const tags = evaluate(
      inputs[input],
      answers(() => ""),
    ) as Record<string, string> | undefined;
    return [
      ...illegalTags(input, tags ?? {}).map((problem) => `${name}: ${problem}`),
      ...missing(name, input, tags, plan),
    ];
  });
}

function missing(
  name: string,
  input: string,
  tags: Readonly<Record<string, string>> | undefined,
  plan: DeployPlan,
): string[] {
  return Object.entries(plan.tags)
    .filter(([key]) => key.startsWith("handoff-"))
    .filter(([key, value]) => {
      const tag = tags?.[key];
      return tag === undefined || (/^[a-z0-9-]{1,63}$/.test(value) && tag !== value);
    })
    .map(([key]) => `${name} has not ${key} in its ${input}`);
}

function illegalTags(input: string, tags: Readonly<Record<string, string>>): string[] {
  return Object.entries(tags)
    .filter(([key, value]) =>
      input === "tags"
        ? key.length > 128 || value.length > 256 || /[<>%&\\?]/.test(key)
        : !/^[a-z][a-z0-9_-]{0,62}$/.test(key) || !/^[a-z0-9_-]{0,63}$/.test(value),
    )
    .map(([key, value]) => `${key}=${value} can't be in its ${input}`);
}

/** Where a secret's value may stand, as a value of its own: never in an environment, an argument or a definition. */
const secretInputs: Readonly<Record<string, readonly string[]>> = {
  "aws:secretsmanager/secretVersion:SecretVersion": ["secretString"],
  "aws:cloudwatch/eventApiDestination:EventApiDestination": ["invocationEndpoint"],
  "gcp:secretmanager/secretVersion:SecretVersion": ["secretData"],
  "azure-native:keyvault:Secret": ["properties.value"],
  "azure-native:monitor:ActionGroup": ["webhookReceivers.*.serviceUri"],
  "handoff:local:Secret": ["value"],
};

const planted = (key: string): string => `planted-secret-${key}`;

/** Values of secrets reach nothing but the places that are made for them. */
export function leakedSecrets({ resources, lookups, outputs }: Rendering): string[] {
  const leaks = ({ type, name, inputs }: Pick<RenderedResource, "type" | "name" | "inputs">): string[] =>
    placesOf(evaluate(inputs, answers(planted)))
      .filter((place) => !(secretInputs[type] ?? []).includes(place.replace(/\.\d+(?=\.|$)/g, ".*")))
      .map((place) => `${name}: a secret's value is in ${place} of ${type}`);
  return [...resources, ...lookups, { type: "outputs", name: "outputs", inputs: outputs }].flatMap(leaks);
}

/** Paths at which a planted value stands, also within texts and Base64. */
function placesOf(value: unknown, path = ""): string[] {
  if (typeof value === "string") {
    const decoded = /^[A-Za-z0-9+/]{20,}={0,2}$/.test(value) ? Buffer.from(value, "base64").toString() : "";
    return value.includes("planted-secret-") || decoded.includes("planted-secret-") ? [path] : [];
  }
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => placesOf(item, path === "" ? key : `${path}.${key}`));
}

function answers(secret: (key: string) => string) {
  return { reference: (resource: string, output: string) => `\${${resource}.${output}}`, secret };
}
