import { expect } from "chai";
import fc from "fast-check";
import { jobName, labelKey, labelValue, type NameKind, nameOf, names } from "../../../providers/gcp/names.js";
import { fullPlan, samplePlan } from "../plans.js";

/** As the services' own patterns, written without the table. */
const patterns: Readonly<Record<NameKind, RegExp>> = {
  job: /^[a-z]([a-z0-9-]{0,47}[a-z0-9])?$/,
  serviceAccount: /^[a-z][a-z0-9-]{4,28}[a-z0-9]$/,
  schedulerJob: /^[A-Za-z0-9_-]{1,500}$/,
  workflow: /^[a-zA-Z]([a-zA-Z0-9_-]{0,62}[a-zA-Z0-9])?$/,
  eventarcTrigger: /^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/,
  topic: /^(?!goog)[A-Za-z][A-Za-z0-9_.~+%-]{2,254}$/,
  subscription: /^(?!goog)[A-Za-z][A-Za-z0-9_.~+%-]{2,254}$/,
  bucket: /^(?!goog)(?!.*g[o0]+gle)[a-z0-9][a-z0-9_-]{1,61}[a-z0-9]$/,
  database: /^(?!.*--)[a-z][a-z0-9-]{2,61}[a-z0-9]$/,
  secret: /^[A-Za-z0-9_-]{1,255}$/,
  repository: /^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/,
  network: /^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/,
  logBucket: /^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$/,
  sink: /^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$/,
  keyPrefix: /^[A-Za-z0-9_-]{1,128}$/,
};
const kinds = Object.keys(patterns) as NameKind[];

const part = fc.oneof(
  fc.string({ minLength: 1, maxLength: 80, unit: "grapheme" }),
  fc.constantFrom(
    "a",
    "A",
    "a-b",
    "google",
    "Goog le",
    "g00gle-ads",
    "1",
    "--",
    "goog",
    "dev",
    "Straße",
    "x".repeat(90),
  ),
);

function planWith(client: string, stack: string) {
  return samplePlan("gcp", { client, stack });
}

describe("names on Google Cloud", () => {
  it("has a pattern here for each kind", () => {
    expect(kinds.toSorted()).to.deep.equal(Object.keys(names).toSorted());
  });

  it("are legal for every client, stack and part", () => {
    const plan = samplePlan("gcp");
    void fc.assert(
      fc.property(
        part,
        part,
        fc.array(part, { minLength: 1, maxLength: 2 }),
        fc.constantFrom(...kinds),
        (client, stack, parts, kind) => {
          const name = nameOf({ ...plan, settings: { ...plan.settings, client, stack } }, kind, ...parts);
          expect(name).to.match(patterns[kind]);
        },
      ),
      { numRuns: 1000 },
    );
  });

  it("differ when client, stack or part do", () => {
    const plan = samplePlan("gcp");
    const triple = fc.tuple(part, part, part);
    void fc.assert(
      fc.property(triple, triple, fc.constantFrom(...kinds), (a, b, kind) => {
        fc.pre(JSON.stringify(a) !== JSON.stringify(b));
        const [first, second] = [a, b].map(([client, stack, last]) =>
          nameOf({ ...plan, settings: { ...plan.settings, client, stack } }, kind, last),
        );
        expect(first).not.to.equal(second);
      }),
      { numRuns: 1000 },
    );
  });

  it("are the same for the same plan, and hold client, project and stack where there is room", () => {
    const name = nameOf(planWith("acme", "prod"), "topic", "orders");
    expect(name).to.equal("acme-fx-prod-orders");
    expect(nameOf(planWith("acme", "prod"), "topic", "orders")).to.equal(name);
  });

  it("tell projects of Google Cloud apart where a name is for all the world", () => {
    const other = samplePlan("gcp", { gcpProject: "other-project" });
    expect(nameOf(samplePlan("gcp"), "bucket", "artifacts")).not.to.equal(
      nameOf(other, "bucket", "artifacts"),
    );
  });

  it("name the one job of a project after the project, and jobs of tasks after the task as well", () => {
    expect(jobName(planWith("acme", "prod"), "fx")).to.equal("acme-fx-prod");
    const plan = fullPlan("gcp", { granularity: "task", client: "acme" });
    expect(new Set(plan.jobs.map(({ name }) => jobName(plan, name))).size).to.equal(plan.jobs.length);
  });

  it("keeps a label's text where it is legal, and makes it so where it isn't", () => {
    expect(labelValue("client-a")).to.equal("client-a");
    expect(labelValue("Straße & Söhne")).to.match(/^[a-z0-9_-]{1,63}$/);
    expect(labelKey("9to5")).to.equal("t9to5");
    void fc.assert(
      fc.property(part, (text) => {
        expect(labelValue(text)).to.match(/^[a-z0-9_-]{0,63}$/);
        expect(labelKey(text)).to.match(/^[a-z][a-z0-9_-]{0,62}$/);
      }),
    );
  });
});
