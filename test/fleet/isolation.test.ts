/**
 * A hundred clients with one project, in one account of each cloud: nothing that one of them has is named by what another
 * one's deployment is. Pure: over what would be created, with each reference answered as the cloud would.
 */
import { expect } from "chai";
import { providerOf } from "../../providers/registry.js";
import { evaluate } from "../../providers/rendering.js";
import { physicalNames } from "../conformance/physical-names.js";
import type { CloudName } from "../engine/project.js";
import { clouds as cloudNames, largeProject } from "../engine/project.js";
import { planOf } from "../providers/plans.js";

/** Names that are easily taken for each other: one begins another, differs in case or in what a cloud can't write, is long. */
const long = "international-consolidated-data-services-holding-company-of-the-north";
const clients = [
  ...Array.from({ length: 60 }, (_, i) => `client-${i + 1}`),
  ...["a", "ab", "a-b", "a_b", "A", "Ab", "a-b-fx", "a-b-c", "b", "b-a"],
  ...[
    "acme",
    "Acme",
    "ACME",
    "acme-eu",
    "acme_eu",
    "acmeeu",
    "acme-eu-1",
    "acme-fx",
    "acme-fx-daily",
    "acme-artifacts",
  ],
  ...["fx", "daily", "raw", "extract", "load", "handoff", "handoff-a", "runner", "client", "prod"],
  ...[
    long,
    `${long}-1`,
    `${long}-2`,
    `${long}-west`,
    long.toUpperCase(),
    long.slice(0, 40),
    long.slice(0, 30),
  ],
  ...["7", "77", "7-7"],
];

interface Deployment {
  readonly client: string;
  /** What no two deployments may have. */
  readonly keys: readonly string[];
  /** Names of its own, each with what stands around it in an identifier taken off. */
  readonly own: ReadonlySet<string>;
  /** All identifiers that it names anywhere, its own among them. */
  readonly named: ReadonlySet<string>;
  /** Texts with a wildcard at the end, without it: what its policies reach. */
  readonly prefixes: readonly string[];
  /** Identifiers of its resources as the cloud answers. */
  readonly ids: readonly string[];
  /** Actions that are allowed on everything. */
  readonly onEverything: readonly string[];
}

const identifiers = (text: string) => text.split(/[^A-Za-z0-9_-]+/).filter((part) => part !== "");

function deploymentOf(client: string, cloud: CloudName, granularity: "project" | "task"): Deployment {
  const plan = planOf(largeProject(granularity), cloud, {
    client,
    stack: client,
    secretKeys: ["API_KEY", "SLACK_URL"],
  });
  const rendering = providerOf(cloud).render(plan, {
    pulumiProject: "clients",
    name: plan.spec.project.name,
  });
  const names = physicalNames(rendering);
  const nameOf = new Map(names.map(({ resource, name }) => [resource.name, name]));
  const ids: string[] = [];
  const answers = {
    reference(name: string, output: string) {
      // Of the account, not of a resource.
      if (/account|number/i.test(output) && !rendering.resources.some((one) => one.name === name))
        return "123456789012";
      const id = `cloud:${output}:${nameOf.get(name) ?? `${client}#${name}`}`;
      ids.push(id);
      return id;
    },
    secret: (key: string) => `secret#${client}#${key}`,
  };
  const texts: string[] = [];
  const onEverything: string[] = [];
  const look = (value: unknown, key: string): void => {
    if (typeof value === "string") {
      const inner = parsed(value);
      if (inner === undefined) texts.push(value);
      else look(inner, key);
    } else if (typeof value === "object" && value !== null) {
      if (isAllowedOnEverything(value)) onEverything.push(...[value.Action].flat().map(String));
      for (const [name, each] of Object.entries(value)) look(each, name);
    }
  };
  for (const { inputs } of rendering.resources) look(evaluate(inputs, answers), "");
  return {
    client,
    keys: names.filter(({ rule }) => rule.shared).map(({ key }) => key),
    own: new Set(names.flatMap(({ name }) => identifiers(name))),
    named: new Set(texts.flatMap(identifiers)),
    prefixes: texts.filter((text) => text.length > 1 && text.endsWith("*")).map((text) => text.slice(0, -1)),
    ids,
    onEverything,
  };
}

function isAllowedOnEverything(value: object): value is { readonly Action: unknown } {
  const { Effect, Resource, Action } = value as Record<string, unknown>;
  return Effect === "Allow" && Action !== undefined && [Resource].flat().includes("*");
}

function parsed(text: string): object | undefined {
  if (!/^\s*[[{]/.test(text)) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

/** What every one of many deployments names: words of the format, of the project and of the cloud. */
function inAll(deployments: readonly Deployment[]): Set<string> {
  const [first, ...rest] = deployments;
  return new Set([...(first?.named ?? [])].filter((text) => rest.every(({ named }) => named.has(text))));
}

/** Who may do these may do them to any resource: they only tell, or are about the caller alone. */
const harmless =
  /^(ecr:GetAuthorizationToken|logs:(CreateLogDelivery|GetLogDelivery|UpdateLogDelivery|DeleteLogDelivery|ListLogDeliveries|PutResourcePolicy|DescribeResourcePolicies|DescribeLogGroups)|ec2:Describe\w+|xray:\w+)$/;

/** Identifiers that a deployment names and only others have. */
function foreignNames(deployments: readonly Deployment[]): string[] {
  const common = inAll(deployments);
  const owners = new Map<string, Set<string>>();
  for (const { client, own } of deployments)
    for (const name of own)
      if (!common.has(name)) owners.set(name, (owners.get(name) ?? new Set()).add(client));
  return deployments.flatMap(({ client, named }) =>
    [...named].flatMap((name) => {
      const whose = owners.get(name);
      return whose && !whose.has(client) ? [`${client} names ${name} of ${[...whose].join(", ")}`] : [];
    }),
  );
}

/** Policies of a deployment that are about another one's resources. */
function foreignReach(deployments: readonly Deployment[]): string[] {
  return deployments.flatMap(({ client, prefixes }) =>
    deployments
      .filter((other) => other.client !== client)
      .flatMap((other) =>
        prefixes
          .filter((prefix) => other.ids.some((id) => `${id}/x`.startsWith(prefix)))
          .map((prefix) => `${client}: ${prefix}* reaches ${other.client}`),
      ),
  );
}

describe("fleet: isolation of a hundred clients", function () {
  this.timeout(300_000);
  it("is tried with a hundred names, all different", () => {
    expect(new Set(clients).size).to.equal(100);
  });

  for (const cloud of cloudNames) {
    for (const granularity of ["project", "task"] as const) {
      describe(`on ${cloud}, granularity ${granularity}`, () => {
        let deployments: readonly Deployment[];
        before(() => {
          deployments = clients.map((client) => deploymentOf(client, cloud, granularity));
        });

        it("no two have a name in common that an account can have once", () => {
          const owner = new Map<string, string>();
          const twice: string[] = [];
          for (const { client, keys } of deployments) {
            expect(keys.length).to.be.greaterThan(5);
            for (const key of keys) {
              if (owner.has(key) && owner.get(key) !== client)
                twice.push(`${key}: ${owner.get(key)}, ${client}`);
              owner.set(key, client);
            }
          }
          expect(twice).to.deep.equal([]);
        });

        it("none names what is another one's", () => {
          for (const { client, own, named } of deployments)
            expect(
              [...own].every((name) => named.has(name)),
              client,
            ).to.equal(true);
          expect(foreignNames(deployments)).to.deep.equal([]);
          const [first, second, ...rest] = deployments;
          if (!first || !second) throw new Error("there are no deployments");
          const spying = { ...first, named: new Set([...first.named, ...second.own]) };
          expect(foreignNames([spying, second, ...rest])).not.to.deep.equal([]);
        });

        it("no policy reaches what is another one's", () => {
          expect(foreignReach(deployments)).to.deep.equal([]);
          const [first, second] = deployments;
          if (!first || !second) throw new Error("there are no deployments");
          const wide = { ...first, prefixes: second.ids.slice(0, 1).map((id) => id.slice(0, -2)) };
          expect(foreignReach([wide, second])).not.to.deep.equal([]);
          const everything = new Set(deployments.flatMap(({ onEverything }) => onEverything));
          expect([...everything].filter((action) => !harmless.test(action))).to.deep.equal([]);
        });
      });
    }
  }
});
