/** One suite for all platforms: every feature of the model is in the rendering, or its capability says why not. */
import { expect } from "chai";
import type { DeployPlan, StackSettings } from "../../model/plan-types.js";
import type { CapabilityName, Provider } from "../../providers/contract.js";
import type { RenderedResource } from "../../providers/rendering.js";
import { planOf } from "../providers/plans.js";
import { isSized, sizeOf } from "./sizes.js";

/** What the kinds of things are called on a platform: resource types. */
export interface Kinds {
  readonly job: string;
  readonly timed: readonly string[];
  /** Absent: the runner orders the tasks of one job. */
  readonly orchestrator?: string;
  readonly queue: string;
  readonly bucket: string;
  readonly table: string;
  readonly secret: string;
  readonly nat: string;
}

export interface Skip {
  /** The row of `capabilities` that says why: it isn't supported, or names the setting that it takes. */
  readonly capability: CapabilityName;
  /** With it these cases pass, in a suite of their own. */
  readonly setting?: string;
  readonly cases: readonly string[];
}

export interface ProviderConformance {
  readonly provider: Provider;
  /** Beside those of a case. */
  readonly settings?: Partial<StackSettings>;
  readonly kinds: Kinds;
  /** Settings that name a network of the platform. */
  readonly existingNetwork: StackSettings["network"];
  readonly skip: readonly Skip[];
}

const task = `tasks:
- {name: load, timeout: 10m, resources: {cpu: 1, memory: 3Gi}, commands: [{command: "echo one"}]}
`;
const flow = `tasks:
- {name: extract, retries: {max: 3, delay: 45s, backoff: 2}, commands: [{command: "echo one"}]}
- {name: load, depends_on: [extract], commands: [{command: "echo two"}]}
deploy: {granularity: task}
`;
const image = `registry.example.com/runner@sha256:${"a".repeat(64)}`;

interface Case {
  readonly yaml: string;
  readonly settings?: Partial<StackSettings>;
  verify(rendered: Rendered): void;
}

/** A rendering with what the cases ask of it. */
class Rendered {
  readonly resources: readonly RenderedResource[];
  readonly kinds: Kinds;
  readonly plan: DeployPlan;

  constructor(suite: ProviderConformance, yaml: string, settings: Partial<StackSettings>) {
    const { provider, kinds } = suite;
    this.plan = planOf(`version: 1\nname: fx\n${yaml}`, provider.platform, {
      ...suite.settings,
      ...settings,
    });
    this.kinds = kinds;
    const errors = provider.check(this.plan).filter(({ severity }) => severity === "error");
    expect(errors).to.deep.equal([]);
    this.resources = provider.render(this.plan, { name: "fx", pulumiProject: "data" }).resources;
  }

  of(...types: readonly string[]): RenderedResource[] {
    return this.resources.filter(({ type }) => types.includes(type));
  }

  /** The inputs as text, with expressions as they are. */
  text(...types: readonly string[]): string {
    return JSON.stringify(
      (types.length > 0 ? this.of(...types) : this.resources).map(({ inputs }) => inputs),
    );
  }
}

const alerts = (on: string): string =>
  `secrets: [{key: HOOK}]\n${task}schedules: [{name: daily, cron: "0 6 * * *"}]\nnotifications:\n- {on: [${on}], email: team@example.com}\n- {on: [${on}], webhook: {secret: HOOK}}\n- {on: [${on}], webhook: {url: "https://hooks.example.com/x1"}}\n`;
const told = (rendered: Rendered): void => {
  expect(rendered.text()).to.include("team@example.com");
  expect(rendered.text()).to.include("hooks.example.com/x1");
  expect(rendered.text()).to.include('"$secret":"HOOK"');
};

const cases: Readonly<Record<string, (conformance: ProviderConformance) => Case>> = {
  "one job for a project": () => ({
    yaml: task,
    verify: (rendered) => expect(rendered.of(rendered.kinds.job)).to.have.length(1),
  }),
  "a size that is at least what was asked for": () => ({
    yaml: task,
    verify: (rendered) => {
      const sized = rendered.resources.filter(isSized);
      expect(sized).not.to.have.length(0);
      for (const resource of sized) {
        const { size, legal } = sizeOf(resource);
        expect(legal).to.equal(true);
        expect(size.cpu).to.be.at.least(1);
        expect(size.memoryMiB).to.be.at.least(3072);
      }
    },
  }),
  "several schedules of one job, each with its vars and envs": ({ kinds }) => ({
    yaml: `${task}schedules:\n- {name: early, cron: "0 6 * * *", timezone: Asia/Tokyo, vars: {v: varearly}, envs: {E: envearly}}\n- {name: late, cron: "0 20 * * *", timezone: Europe/Paris, vars: {v: varlate}, envs: {E: envlate}}\n`,
    verify: (rendered) => {
      expect(rendered.of(...kinds.timed).length).to.be.at.least(2);
      for (const value of ["varearly", "envearly", "varlate", "envlate"])
        expect(rendered.text()).to.include(value);
    },
  }),
  "jobs for tasks, ordered and retried": ({ kinds }) => ({
    yaml: flow,
    verify: (rendered) => {
      if (kinds.orchestrator === undefined) {
        expect(rendered.of(kinds.job).map(({ inputs }) => inputs.tasks)).to.deep.equal([["extract", "load"]]);
        return;
      }
      expect(rendered.of(kinds.job)).to.have.length(2);
      const [orchestrator] = rendered.of(kinds.orchestrator);
      const text = JSON.stringify(orchestrator?.inputs);
      expect(text).to.include("extract");
      expect(text).to.include("load");
      // The declared delay of 45 s is the orchestrator's, and the runner doesn't retry as well.
      expect(rendered.text(kinds.orchestrator)).to.match(/\b45\b|PT45S/);
      expect(rendered.text()).to.include("--no-retries");
    },
  }),
  "a queue for each trigger": ({ kinds }) => ({
    yaml: `${task}triggers: [{name: orders, queue: {}}, {name: refunds, queue: {}}]\n`,
    verify: (rendered) => {
      expect(rendered.of(kinds.queue).length).to.be.at.least(2);
      expect(rendered.text()).to.include("orders");
      expect(rendered.text()).to.include("refunds");
    },
  }),
  "declared stores, which the job knows": ({ kinds, provider }) => ({
    yaml: `${task}stores: [{name: raw, kind: bucket}, {name: rates, kind: table}]\n`,
    verify: (rendered) => {
      expect(rendered.of(kinds.bucket).length).to.be.at.least(2);
      expect(rendered.of(kinds.table)).not.to.have.length(0);
      if (provider.platform === "local") return;
      for (const variable of ["HANDOFF_STORE_RAW", "HANDOFF_STORE_RATES", "HANDOFF_ARTIFACTS"])
        expect(rendered.text(kinds.job)).to.include(variable);
    },
  }),
  "data that outlives the deployment": ({ kinds, provider }) => ({
    yaml: `${task}stores: [{name: raw, kind: bucket}]\n`,
    verify: (rendered) => {
      for (const store of rendered.of(kinds.bucket)) {
        if (provider.platform === "local") expect(store.inputs.deleteData).to.equal(false);
        else expect(store.retainOnDelete, store.name).to.equal(true);
      }
    },
  }),
  "data that is deleted where the stack says so": ({ kinds, provider }) => ({
    yaml: `${task}stores: [{name: raw, kind: bucket}]\n`,
    settings: { deleteData: true },
    verify: (rendered) => {
      for (const store of rendered.of(kinds.bucket)) {
        if (provider.platform === "local") expect(store.inputs.deleteData).to.equal(true);
        else expect(store.retainOnDelete ?? false, store.name).to.equal(false);
      }
    },
  }),
  "secrets by reference, for variables and files": ({ kinds, provider }) => ({
    yaml: `secrets: [{key: API_KEY}, {key: CERT, file: files/cert.pem}]\nenvs: [{key: API_KEY}]\n${task}`,
    settings: { secretKeys: ["API_KEY", "CERT"] },
    verify: (rendered) => {
      expect(rendered.of(kinds.secret)).to.have.length(2);
      if (provider.platform === "local") return;
      for (const key of ["API_KEY", "CERT"]) {
        expect(rendered.text(kinds.job)).to.include(`HANDOFF_SECRET_${key}`);
        expect(rendered.text(kinds.job)).not.to.include(`"$secret":"${key}"`);
      }
    },
  }),
  "who is told of a failure": () => ({
    yaml: alerts("failure"),
    settings: { secretKeys: ["HOOK"] },
    verify: told,
  }),
  "who is told of a success": () => ({
    yaml: alerts("success"),
    settings: { secretKeys: ["HOOK"] },
    verify: told,
  }),
  "who is told of a time-out": () => ({
    yaml: alerts("timeout"),
    settings: { secretKeys: ["HOOK"] },
    verify: told,
  }),
  "who is told of a missed run": () => ({
    yaml: alerts("missed"),
    settings: { secretKeys: ["HOOK"] },
    verify: told,
  }),
  "a network with one address to the outside": ({ kinds }) => ({
    yaml: task,
    settings: { network: { mode: "nat" } },
    verify: (rendered) => expect(rendered.of(kinds.nat)).to.have.length(1),
  }),
  "no network of its own by default": ({ kinds }) => ({
    yaml: task,
    verify: (rendered) => expect(rendered.of(kinds.nat)).to.have.length(0),
  }),
  "a network that exists": ({ existingNetwork, kinds }) => ({
    yaml: `${task}schedules: [{name: daily, cron: "0 6 * * *"}]\n`,
    settings: { network: existingNetwork },
    verify: (rendered) => {
      const subnets = existingNetwork.mode === "existing" ? existingNetwork.subnets : [];
      expect(subnets).not.to.have.length(0);
      for (const subnet of subnets) expect(rendered.text()).to.include(subnet);
      expect(rendered.of(kinds.nat)).to.have.length(0);
    },
  }),
  "an image that is given": ({ kinds, provider }) => ({
    yaml: task,
    settings: { image },
    verify: (rendered) => {
      // Here Docker names an image that it has by its id.
      const named = provider.platform === "local" ? "handoff:local:Image" : kinds.job;
      expect(rendered.text(named)).to.include(image);
      expect(rendered.of("docker-build:index:Image")).to.have.length(0);
    },
  }),
  "an image that is built and named by its digest": ({ kinds, provider }) => ({
    yaml: task,
    verify: (rendered) => {
      const local = provider.platform === "local";
      const [built] = rendered.of(local ? "handoff:local:Image" : "docker-build:index:Image");
      expect(rendered.text(kinds.job)).to.include(
        `"$ref":["${built?.name}","${local ? "imageId" : "digest"}"]`,
      );
    },
  }),
};

/** Runs all cases but those that `skip` names; a skip needs a capability that isn't supported. */
export function providerConformance(conformance: ProviderConformance): void {
  const { provider, skip, settings: given } = conformance;
  const title = given ? `${provider.title}, ${Object.values(given).join(", ")}` : provider.title;
  describe(`conformance: ${title}`, function () {
    this.timeout(120_000);
    for (const { capability, setting, cases: skipped } of skip) {
      it(`skips ${skipped.join(", ")}: ${provider.capabilities[capability].how}`, () => {
        expect(provider.capabilities[capability].supported).to.equal(setting !== undefined);
        if (setting !== undefined) expect(provider.capabilities[capability].how).to.include(setting);
        for (const name of skipped) expect(cases).to.have.property(name);
      });
    }
    for (const [name, make] of Object.entries(cases)) {
      if (skip.some(({ cases: skipped }) => skipped.includes(name))) continue;
      it(`has ${name}`, () => {
        const { yaml, settings = {}, verify } = make(conformance);
        verify(new Rendered(conformance, yaml, settings));
      });
    }
  });
}
