import { expect } from "chai";
import fc from "fast-check";
import type { DeployPlan } from "../../../model/plan-types.js";
import {
  bucketBaseName,
  deploymentName,
  familyName,
  flowLogGroupName,
  legalTags,
  logGroupName,
  nameOf,
  type names,
  rolePath,
  secretName,
} from "../../../providers/aws/names.js";
import { samplePlan } from "../plans.js";

const plan = samplePlan("aws");

/** The sample with other names. */
function named(client: string, project: string, stack: string): DeployPlan {
  return {
    ...plan,
    settings: { ...plan.settings, client, stack },
    spec: { ...plan.spec, project: { ...plan.spec.project, name: project } },
  };
}

/** What AWS says of each kind of name, written down apart from the rules. */
const legal: Readonly<Record<string, RegExp>> = {
  cluster: /^[A-Za-z0-9_-]{1,255}$/,
  role: /^[\w+=,.@-]{1,64}$/,
  scheduleGroup: /^[0-9a-zA-Z-_.]{1,64}$/,
  schedule: /^[0-9a-zA-Z-_.]{1,64}$/,
  rule: /^[.\-_A-Za-z0-9]{1,64}$/,
  apiDestination: /^[.\-_A-Za-z0-9]{1,64}$/,
  connection: /^[.\-_A-Za-z0-9]{1,64}$/,
  alarm: /^[^:]{1,255}$/,
  pipe: /^[.\-_A-Za-z0-9]{1,64}$/,
  stateMachine: /^[A-Za-z0-9_-]{1,80}$/,
  queue: /^[A-Za-z0-9_-]{1,80}$/,
  topic: /^[A-Za-z0-9_-]{1,256}$/,
  table: /^[a-zA-Z0-9_.-]{3,255}$/,
  repository: /^(?=.{2,256}$)[a-z][a-z0-9]*(?:[._-][a-z0-9]+)*$/,
};

const part = fc.oneof(
  fc.string({ unit: "grapheme", minLength: 1, maxLength: 80 }),
  fc.constantFrom("a", "a-b", "a--b", "sg-1", "xn--x", "key-secret", "my-abc123", "É", "_", ".", "A", "a_b"),
);

describe("AWS names", () => {
  for (const [kind, pattern] of Object.entries(legal)) {
    it(`${kind}: legal for every client, project, stack and thing`, () => {
      void fc.assert(
        fc.property(part, part, part, part, (client, project, stack, thing) => {
          expect(nameOf(named(client, project, stack), kind as keyof typeof names, thing)).to.match(pattern);
        }),
      );
    });
  }

  it("buckets: legal with an account's number at the end", () => {
    void fc.assert(
      fc.property(part, part, part, part, (client, project, stack, store) => {
        const name = `${bucketBaseName(named(client, project, stack), "store", store)}-123456789012`;
        expect(name).to.match(/^(?!xn--|sthree-|amzn-s3-demo-)[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/);
      }),
    );
  });

  it("secrets: never end with a dash and six characters, which is what AWS appends", () => {
    void fc.assert(
      fc.property(part, part, part, part, (client, project, stack, key) => {
        const name = secretName(named(client, project, stack), key);
        expect(name).to.match(/^[A-Za-z0-9/_+=.@-]{1,512}$/);
        expect(name).not.to.match(/-.{6}$/);
      }),
    );
  });

  it("log groups and families: legal", () => {
    void fc.assert(
      fc.property(part, part, part, part, (client, project, stack, job) => {
        const plan = named(client, project, stack);
        expect(logGroupName(plan, job)).to.match(/^\/handoff\/[.\-_/#A-Za-z0-9]{1,500}$/);
        expect(flowLogGroupName(plan, job)).to.match(/^\/aws\/vendedlogs\/states\/[.\-_/#A-Za-z0-9]{1,480}$/);
        expect(familyName(plan, job)).to.match(/^[A-Za-z0-9_-]{1,255}$/);
        expect(rolePath(plan)).to.match(/^\/[\x21-\x7e]{1,510}\/$/);
      }),
    );
  });

  it("different deployments never share a name", () => {
    void fc.assert(
      fc.property(fc.array(fc.tuple(part, part, part), { minLength: 2, maxLength: 12 }), (all) => {
        const distinct = [...new Map(all.map((parts) => [JSON.stringify(parts), parts])).values()];
        for (const kind of ["role", "bucket", "schedule", "queue", "stateMachine"] as const) {
          const made = distinct.map((parts) => nameOf(named(...parts), kind, "x"));
          expect(new Set(made).size).to.equal(distinct.length);
        }
        const buckets = distinct.map((parts) => bucketBaseName(named(...parts), "artifacts"));
        expect(new Set(buckets).size).to.equal(distinct.length);
      }),
    );
  });

  it("no family is below the prefix of another deployment: policies name it", () => {
    void fc.assert(
      fc.property(fc.tuple(part, part, part), fc.tuple(part, part, part), part, (one, other, job) => {
        fc.pre(JSON.stringify(one) !== JSON.stringify(other));
        expect(familyName(named(...one), job).startsWith(`${deploymentName(named(...other))}_`)).to.equal(
          false,
        );
      }),
    );
  });

  it("a bucket in another region is another bucket: a kept one stays where it is", () => {
    const moved = { ...plan, settings: { ...plan.settings, region: "eu-west-1" } };
    expect(bucketBaseName(moved, "artifacts")).not.to.equal(bucketBaseName(plan, "artifacts"));
  });

  it("tags hold what AWS allows, and are sorted", () => {
    expect(legalTags({ team: "d#ta & Söhne", "a?b": "x".repeat(300) })).to.deep.equal({
      a_b: "x".repeat(256),
      team: "d_ta _ Söhne",
    });
  });
});
