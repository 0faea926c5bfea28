import { expect } from "chai";
import { defaultPolicies, type PolicySettings } from "../../model/plan-types.js";
import { checkPolicies } from "../../providers/policies.js";
import { providerOf } from "../../providers/registry.js";
import { parseSettings } from "../../providers/settings.js";
import { fullPlan, planOf } from "./plans.js";

function found(
  yaml: string,
  policies: Partial<PolicySettings>,
  more: Partial<Parameters<typeof planOf>[2]> = {},
) {
  const all = { ...defaultPolicies, plainSecrets: "off" as const, ...policies };
  const plan = planOf(`version: 1\nname: fx\n${yaml}`, "aws", { policies: all, ...more });
  return checkPolicies(plan, providerOf("aws"));
}

const task = "tasks:\n- {name: load, commands: [{command: load}]}\n";
const scheduled = `${task}schedules:\n- {name: daily, cron: "0 6 * * *"}\n`;

describe("policies", () => {
  it("find nothing in a full project by default, on any platform", () => {
    for (const cloud of ["local", "aws", "gcp", "azure"] as const) {
      expect(checkPolicies(fullPlan(cloud), providerOf(cloud)), cloud).to.deep.equal([]);
    }
  });

  it("public network: as the stack says, with its level", () => {
    const [error] = found(task, { publicNetwork: "error" });
    expect(error).to.include({ severity: "error", code: "policy-public-network" });
    expect(found(task, { publicNetwork: "warning" })[0]).to.include({ severity: "warning" });
    expect(found(task, { publicNetwork: "error" }, { network: { mode: "nat" } })).to.deep.equal([]);
  });

  it("missing alerts: every event that nobody is told of, where something starts by itself", () => {
    expect(found(task, { missingAlerts: "warning" })).to.deep.equal([]);
    expect(found(scheduled, { missingAlerts: "warning" })[0]?.message).to.include("failure, timeout, missed");
    const told = (on: string) => `${scheduled}notifications:\n- {on: [${on}], email: a@example.com}\n`;
    expect(found(told("failure, timeout"), { missingAlerts: "error" })[0]?.message).to.match(
      /told of missed of/,
    );
    expect(found(told("failure, timeout, missed"), { missingAlerts: "error" })).to.deep.equal([]);
    const triggered = `${task}triggers:\n- {name: orders, queue: {}}\n`;
    expect(found(triggered, { missingAlerts: "error" })[0]?.message).to.include("failure, timeout of");
    const disabled = scheduled.replace('"0 6 * * *"', '"0 6 * * *", enabled: false');
    expect(found(disabled, { missingAlerts: "error" })).to.deep.equal([]);
  });

  describe("plain secrets", () => {
    const token = ["ghp", "_", "a".repeat(36)].join("");
    for (const [key, value] of [
      ["DB_PASSWORD", "hunter2"],
      ["apikey", "abc123"],
      ["SLACK_TOKEN", "something"],
      ["ANYTHING", token],
      ["DATABASE_URL", "postgres://user:hunter2@db/rates"],
    ]) {
      it(`${key}: ${value?.slice(0, 12)} is one, in envs, vars, a task and a schedule`, () => {
        for (const yaml of [
          `envs: {${key}: "${value}"}\n${task}`,
          `vars: {${key}: "${value}"}\n${task}`,
          `tasks:\n- {name: load, envs: {${key}: "${value}"}, commands: [{command: load}]}\n`,
          `tasks:\n- {name: all, tasks: [{name: load, envs: {${key}: "${value}"}, commands: [{command: load}]}]}\n`,
          `${task}schedules:\n- {name: daily, cron: "0 6 * * *", envs: {${key}: "${value}"}}\n`,
        ]) {
          const [one, ...others] = found(yaml, { plainSecrets: "error" });
          expect(one, yaml).to.include({ severity: "error", code: "policy-plain-secret" });
          expect(one?.message, yaml).to.include(key).and.not.include(value);
          expect(others).to.deep.equal([]);
        }
      });
    }

    for (const [key, value] of [
      ["API_KEY", "{{ API_KEY }}"],
      ["TOKEN_URL", "https://example.com/token"],
      ["KEYBOARD", "qwerty"],
      ["PASSWORD", "files/password.txt"],
      ["TOKEN", "/run/token"],
      ["MAX_TOKEN", "4096"],
      ["USE_TOKEN", "true"],
      ["SITE", "https://example.com:8080/a@b"],
      ["DSN", "postgres://user:{{ PASSWORD }}@db/rates"],
    ]) {
      it(`${key}: ${value} is none`, () => {
        const yaml = `secrets: [{key: API_KEY}, {key: PASSWORD}]\nenvs: {${key}X: a}\n`;
        expect(
          found(`${yaml.replace(`${key}X: a`, `"${key}": "${value}"`)}${task}`, { plainSecrets: "error" }),
        ).to.deep.equal([]);
      });
    }
  });

  it("budget: an estimate above it says how much, and for what the most", () => {
    const often = `${task}schedules:\n- {name: often, cron: "*/5 * * * *"}\n`;
    const [over, ...others] = found(often, { budget: { monthlyUsd: 1, level: "error" } });
    expect(others).to.deep.equal([]);
    expect(over?.message).to.match(
      /estimated at US\$\d+\.\d\d, over the budget of US\$1\.00; the most is for \w+/,
    );
    expect(found(often, { budget: { monthlyUsd: 1000, level: "error" } })).to.deep.equal([]);
    expect(found(often, { budget: { monthlyUsd: 1, level: "off" } })).to.deep.equal([]);
  });

  describe("settings", () => {
    const parse = (policies: unknown) =>
      parseSettings({
        stack: "a",
        root: "/r",
        config: { "handoff:policies": policies },
        secretKeys: [],
        env: {},
      });

    it("are read, as a map or as the JSON that Pulumi hands over", () => {
      const given = {
        publicNetwork: "error",
        plainSecrets: false,
        budget: { monthlyUsd: 50, level: "warning" },
      };
      const policies = {
        publicNetwork: "error",
        missingAlerts: "off",
        plainSecrets: "off",
        budget: given.budget,
      };
      expect(parse(given).settings?.policies).to.deep.equal(policies);
      expect(parse(JSON.stringify(given)).settings?.policies).to.deep.equal(policies);
      expect(parse({ budget: 20 }).settings?.policies.budget).to.deep.equal({
        monthlyUsd: 20,
        level: "error",
      });
      expect(parse(undefined).settings?.policies).to.deep.equal(defaultPolicies);
    });

    for (const [given, problem, hint] of [
      [{ publicNetworks: "error" }, "unknown key `publicNetworks`", "did you mean publicNetwork?"],
      [{ missingAlerts: "fatal" }, "missingAlerts: fatal", "write missingAlerts: error"],
      [{ budget: "much" }, "US dollars a month", "budget: 100"],
      [{ budget: { monthlyUsd: 5, currency: "EUR" } }, "US dollars a month", "budget: 100"],
      ["error", "must be a map", "write handoff:policies"],
    ] as const) {
      it(`refuse ${JSON.stringify(given)}`, () => {
        const { settings, diagnostics } = parse(given);
        expect(settings).to.equal(null);
        expect(diagnostics[0]?.message).to.include(problem);
        expect(diagnostics[0]?.hint).to.include(hint);
      });
    }
  });
});
