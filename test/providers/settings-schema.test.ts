import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import { expect } from "chai";
import { parseSettings, settingKeys } from "../../providers/settings.js";
import { settingsJsonSchema } from "../../providers/settings-schema.js";
import { cli, root } from "../cli/support.js";

const digest = `sha256:${"0".repeat(64)}`;
const good: readonly object[] = [
  {},
  { cloud: "aws", project: "projects/fx", client: "acme", "aws:region": "eu-west-1" },
  { client: 7, deleteData: true, spot: "false" },
  { logRetentionDays: 30, artifactRetentionDays: "365" },
  { network: { mode: "nat" } },
  { network: { mode: "existing", subnets: ["a"], vpc: "v", securityGroups: ["s"] } },
  { network: { mode: "existing", subnets: ["a"] } },
  { network: {} },
  { network: '{"mode":"nat"}' },
  { image: `registry.example.com/x@${digest}`, imageBase: "x", imageNode: "y" },
  { tags: { team: "data", cost: 7, x: true } },
  { architecture: "arm64", engine: "docker" },
  { policies: { publicNetwork: "error", budget: 200 } },
  { policies: { plainSecrets: false, budget: { monthlyUsd: 5, level: "warning" } } },
  { "azure-native:anything": { at: ["all"] } },
];
const wrong: readonly object[] = [
  { clod: "aws" },
  { cloud: "asw" },
  { client: ["a"] },
  { deleteData: "yes" },
  { logRetentionDays: 0 },
  { logRetentionDays: 1.5 },
  { logRetentionDays: "many" },
  { network: { mode: "nat", vpc: "v" } },
  { network: { vpc: "v" } },
  { network: { mode: "existing" } },
  { network: { mode: "existing", subnets: [] } },
  { network: { mode: "private" } },
  { network: { moed: "nat" } },
  { network: ["nat"] },
  { image: "registry.example.com/x:latest" },
  { tags: { "handoff-client": "x" } },
  { tags: { a: ["x"] } },
  { architecture: "riscv" },
  { engine: "podman" },
  { policies: { publicNetwork: "maybe" } },
  { policies: { budget: "much" } },
  { policies: { budjet: 1 } },
];

describe("the JSON Schema of a stack's file", () => {
  const validate = new Ajv2020({ strict: false }).compile(settingsJsonSchema());
  const config = (keys: object) =>
    Object.fromEntries(
      Object.entries(keys).map(([key, value]) => [key.includes(":") ? key : `handoff:${key}`, value]),
    );
  const parses = (keys: object) =>
    parseSettings({ stack: "dev", root: "/r", config: config(keys), secretKeys: [], env: {} }).settings !==
    null;

  for (const keys of good) {
    it(`accepts ${JSON.stringify(keys)}, as handoff does`, () => {
      expect(parses(keys)).to.equal(true);
      expect(validate({ config: config(keys) }), JSON.stringify(validate.errors)).to.equal(true);
    });
  }
  for (const keys of wrong) {
    it(`refuses ${JSON.stringify(keys)}, as handoff does`, () => {
      expect(parses(keys)).to.equal(false);
      expect(validate({ config: config(keys) })).to.equal(false);
    });
  }

  it("knows a secret by its encryption", () => {
    const secrets = (value: unknown) => ({ config: { "handoff:secrets": { API_KEY: value } } });
    expect(validate(secrets({ secure: "v1:x" }))).to.equal(true);
    expect(validate(secrets("plain"))).to.equal(false);
  });

  it("is printed by handoff schema --settings, and says what each key means, as the page does", async () => {
    const { code, stdout } = await cli(["schema", "--settings"]);
    expect(code).to.equal(0);
    const schema = JSON.parse(stdout) as {
      properties: { config: { properties: Record<string, { description?: string }> } };
    };
    expect(schema).to.deep.equal(settingsJsonSchema());
    const page = readFileSync(join(root, "docs/stack-settings.md"), "utf8");
    for (const key of settingKeys) {
      expect(schema.properties.config.properties[`handoff:${key}`]?.description, key).to.match(/\.$/);
      expect(page).to.include(`| \`handoff:${key}\``);
    }
  });
});
