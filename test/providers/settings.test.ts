import { expect } from "chai";
import { parseSettings, placeOf, type RawSettings, settingKeys } from "../../providers/settings.js";

function raw(config: Record<string, unknown>, more: Partial<RawSettings> = {}): RawSettings {
  return { stack: "client-a", root: "/repo", config, secretKeys: [], env: {}, ...more };
}

const digest = `registry.example/handoff@sha256:${"a1".repeat(32)}`;

describe("settings of a stack", () => {
  it("have a default for everything", () => {
    const { settings, diagnostics } = parseSettings(raw({}));
    expect(diagnostics).to.deep.equal([]);
    expect(settings).to.deep.include({
      stack: "client-a",
      cloud: "local",
      client: "client-a",
      root: "/repo",
      projectDir: "/repo",
      secretKeys: [],
      deleteData: false,
      network: { mode: "public" },
      logRetentionDays: 90,
      artifactRetentionDays: 90,
      tags: {},
      spot: false,
      architecture: "x86_64",
      engine: "process",
    });
  });

  it("are read as written in YAML, and as the texts that Pulumi hands over", () => {
    const written = {
      "handoff:cloud": "aws",
      "handoff:project": "projects/fx",
      "handoff:client": "acme",
      "handoff:deleteData": true,
      "handoff:network": {
        mode: "existing",
        vpc: "vpc-1",
        subnets: ["s-1", "s-2"],
        securityGroups: ["sg-1"],
      },
      "handoff:image": digest,
      "handoff:imageBase": "registry.example/debian-python:12",
      "handoff:imageNode": "registry.example/node:22",
      "handoff:logRetentionDays": 7,
      "handoff:artifactRetentionDays": 400,
      "handoff:tags": { team: "data", cost: 12 },
      "handoff:spot": true,
      "handoff:architecture": "arm64",
      "handoff:policies": { publicNetwork: "error", budget: { monthlyUsd: 5, level: "off" } },
      "aws:region": "eu-west-1",
      "other:key": "is nobody's business here",
    };
    const texts = Object.fromEntries(
      Object.entries(written).map(([key, value]) => [
        key,
        typeof value === "string" ? value : JSON.stringify(value),
      ]),
    );
    const secretKeys = ["Z", "A"];
    const first = parseSettings(raw(written, { secretKeys }));
    expect(first.diagnostics).to.deep.equal([]);
    expect(first.settings).to.deep.include({
      cloud: "aws",
      client: "acme",
      projectDir: "/repo/projects/fx",
      secretKeys: ["A", "Z"],
      deleteData: true,
      network: { mode: "existing", vpc: "vpc-1", subnets: ["s-1", "s-2"], securityGroups: ["sg-1"] },
      image: digest,
      imageBase: "registry.example/debian-python:12",
      imageNode: "registry.example/node:22",
      logRetentionDays: 7,
      artifactRetentionDays: 400,
      tags: { team: "data", cost: "12" },
      spot: true,
      architecture: "arm64",
      policies: {
        publicNetwork: "error",
        missingAlerts: "off",
        plainSecrets: "warning",
        budget: { monthlyUsd: 5, level: "off" },
      },
      region: "eu-west-1",
    });
    expect(parseSettings(raw(texts, { secretKeys }))).to.deep.equal(first);
  });

  it("take an absolute project as it is", () => {
    expect(parseSettings(raw({ "handoff:project": "/srv/fx" })).settings?.projectDir).to.equal("/srv/fx");
  });

  const wrong: readonly [key: string, value: unknown, code: string, text: RegExp][] = [
    ["handoff:cluod", "aws", "unknown-setting", /did you mean `handoff:cloud`\?.*rename it to handoff:cloud/],
    ["handoff:zebra", 1, "unknown-setting", /use one of handoff:cloud, /],
    ["handoff:cloud", "asw", "unknown-cloud", /none of local, aws, gcp, azure.*did you mean aws\?/],
    ["handoff:cloud", "mainframe", "unknown-cloud", /set it to one of/],
    ["handoff:client", " ", "invalid-setting", /non-empty text/],
    ["handoff:policies", { plainSecrets: "fatal" }, "invalid-setting", /none of off, warning, error/],
    ["handoff:project", ["a"], "invalid-setting", /non-empty text/],
    ["handoff:deleteData", "maybe", "invalid-setting", /true or false/],
    ["handoff:spot", 1, "invalid-setting", /true or false/],
    ["handoff:architecture", "sparc", "invalid-setting", /none of x86_64, arm64/],
    ["handoff:engine", "podman", "invalid-setting", /none of process, docker/],
    ["handoff:logRetentionDays", 0, "invalid-setting", /1 to 3653/],
    ["handoff:logRetentionDays", "soon", "invalid-setting", /1 to 3653.*write 90/],
    ["handoff:artifactRetentionDays", 1.5, "invalid-setting", /1 to 3653/],
    ["handoff:image", "registry.example/handoff:latest", "invalid-setting", /digest/],
    ["handoff:imageBase", ["a"], "invalid-setting", /non-empty text/],
    ["handoff:imageNode", " ", "invalid-setting", /non-empty text/],
    ["handoff:tags", "team", "invalid-setting", /must be a map/],
    ["handoff:tags", { team: ["x"] }, "invalid-setting", /no text for `team`/],
    ["handoff:tags", { "handoff-client": "x" }, "invalid-setting", /handoff's own/],
    ["handoff:network", "public", "invalid-setting", /must be a map/],
    ["handoff:network", { mode: "private" }, "invalid-setting", /none of public, nat, existing/],
    ["handoff:network", { mode: "nat", vpc: "vpc-1" }, "invalid-setting", /names a network/],
    ["handoff:network", { mode: "existing" }, "invalid-setting", /needs `subnets`/],
    ["handoff:network", { mode: "existing", subnets: [] }, "invalid-setting", /needs `subnets`/],
    [
      "handoff:network",
      { mode: "existing", subnets: ["a"], securityGroups: "sg" },
      "invalid-setting",
      /securityGroups/,
    ],
    ["handoff:network", { mode: "existing", subnets: ["a"], vpc: 5 }, "invalid-setting", /as `vpc`/],
    ["handoff:network", { mod: "nat" }, "invalid-setting", /unknown key `mod`.*did you mean mode\?/],
  ];
  for (const [key, value, code, text] of wrong) {
    it(`say what is wrong with ${key}: ${JSON.stringify(value)}`, () => {
      const location = { file: "Pulumi.client-a.yaml", line: 2, column: 3 };
      const asked: string[] = [];
      const locate = (full: string) => {
        asked.push(full);
        return location;
      };
      const { settings, diagnostics } = parseSettings(raw({ [key]: value }, { locate }));
      expect(settings).to.equal(null);
      expect(diagnostics).to.have.length(1);
      const [{ message = "", hint = "" } = {}] = diagnostics;
      expect(diagnostics[0]).to.deep.include({ severity: "error", code, location });
      expect(`${message} ${hint}`).to.match(text);
      expect(hint).to.not.equal("");
      expect(asked).to.deep.equal([key]);
    });
  }

  it("name the engine of the local platform, and say that no other has one", () => {
    const local = parseSettings(raw({ "handoff:engine": "docker" }));
    expect(local.settings?.engine).to.equal("docker");
    expect(local.diagnostics).to.deep.equal([]);
    const aws = parseSettings(raw({ "handoff:cloud": "aws", "handoff:engine": "docker" }));
    expect(aws.settings).not.to.equal(null);
    expect(aws.diagnostics.map(({ severity, code }) => [severity, code])).to.deep.equal([
      ["info", "setting-unused"],
    ]);
  });

  it("say all that is wrong at once", () => {
    const { diagnostics } = parseSettings(
      raw({ "handoff:cluod": "aws", "handoff:spot": "x", "handoff:tags": 3 }),
    );
    expect(diagnostics.map(({ message }) => /handoff:\w+/.exec(message)?.[0])).to.deep.equal([
      "handoff:cluod",
      "handoff:tags",
      "handoff:spot",
    ]);
  });

  it("take region and project from where the cloud's SDK does, config first", () => {
    const env = {
      AWS_DEFAULT_REGION: "b",
      AWS_REGION: "a",
      GOOGLE_REGION: "g",
      GCLOUD_PROJECT: "p",
      ARM_LOCATION: "l",
    };
    expect(placeOf("local", { config: { "aws:region": "x" }, env })).to.deep.equal({});
    expect(placeOf("aws", { config: {}, env })).to.deep.equal({ region: "a" });
    expect(placeOf("aws", { config: { "aws:region": "x" }, env })).to.deep.equal({ region: "x" });
    expect(placeOf("aws", { config: { "aws:region": " " }, env: {} })).to.deep.equal({});
    expect(placeOf("gcp", { config: {}, env })).to.deep.equal({ region: "g", gcpProject: "p" });
    expect(placeOf("gcp", { config: { "gcp:project": "q" }, env })).to.include({ gcpProject: "q" });
    expect(placeOf("azure", { config: {}, env })).to.deep.equal({ region: "l" });
  });

  it("have each key tried above", () => {
    const tried = new Set(wrong.map(([key]) => key.slice("handoff:".length)));
    // A secret's name is checked where it is set.
    expect(settingKeys.filter((key) => !tried.has(key))).to.deep.equal(["secrets"]);
  });
});
