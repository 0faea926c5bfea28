import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import * as pulumi from "@pulumi/pulumi";
import { expect } from "chai";
import { UserError } from "../../model/diagnostic.js";
import { Pipeline as AwsPipeline } from "../../providers/library/aws.js";
import { Pipeline, type PipelineArgs } from "../../providers/pipeline.js";

const project = fileURLToPath(new URL("../../examples/word-count", import.meta.url));
const image = `registry.example/runner@sha256:${"a".repeat(64)}`;
const on = {
  local: { cloud: "local" },
  aws: { cloud: "aws", region: "eu-west-1", image },
  gcp: { cloud: "gcp", region: "europe-west1", gcpProject: "acme-data", image },
  azure: { cloud: "azure", region: "westeurope", image },
} as const satisfies Readonly<Record<string, PipelineArgs>>;

/** Runs a Pulumi program, as the program of somebody else is; gives what it registered. */
async function program(body: () => unknown): Promise<pulumi.runtime.MockResourceArgs[]> {
  const seen: pulumi.runtime.MockResourceArgs[] = [];
  await pulumi.runtime.setMocks(
    {
      newResource(args) {
        seen.push(args);
        return { id: `${args.name}-id`, state: { ...args.inputs, arn: `arn:${args.name}` } };
      },
      call: ({ inputs }) => ({ ...inputs, id: "found", ids: ["found"], accountId: "123456789012" }),
    },
    "platform-team",
    "prod",
    false,
  );
  try {
    body();
  } finally {
    await pulumi.runtime.disconnect();
  }
  return seen;
}

describe("new Pipeline in a Pulumi program", function () {
  this.timeout(120_000);

  for (const [cloud, args] of Object.entries(on)) {
    it(`deploys a project to ${cloud}, its resources below one component`, async () => {
      const seen = await program(() => new Pipeline("client-a", { ...args, project }));
      const [component, ...children] = seen;
      expect(component).to.include({ type: `handoff:${cloud}:Pipeline`, name: "client-a" });
      expect(children.length).to.be.greaterThan(3);
      expect(children.every(({ name }) => name.startsWith("client-a-"))).to.equal(true);
    });
  }

  it("loads the SDK of the chosen cloud alone, and of it what is deployed", async () => {
    const { cache } = createRequire(import.meta.url);
    const loaded = () =>
      Object.keys(cache).filter((file) => /@pulumi[/\\](aws|gcp|azure-native)[/\\]/.test(file));
    const before = new Set(loaded());
    await program(() => new AwsPipeline("client-b", { ...on.aws, project }));
    const added = loaded().filter((file) => !before.has(file));
    expect(added.filter((file) => !/@pulumi[/\\]aws[/\\]/.test(file))).to.deep.equal([]);
    expect(loaded().some((file) => /@pulumi[/\\]aws[/\\]ec2[/\\]instance\.js/.test(file))).to.equal(false);
  });

  it("lets a transform change any child", async () => {
    const type = "aws:cloudwatch/logGroup:LogGroup";
    const seen = await program(
      () =>
        new Pipeline("client-a", {
          ...on.aws,
          project,
          transform: { [type]: ({ args, options }) => ({ args: { ...args, kmsKeyId: "key-1" }, options }) },
        }),
    );
    const groups = seen.filter((resource) => resource.type === type);
    expect(groups.length).to.be.greaterThan(0);
    expect(groups.every(({ inputs }) => inputs.kmsKeyId === "key-1")).to.equal(true);
  });

  it("names the type that a transform most likely means", async () => {
    const transform = { "aws:cloudwatch/logGroup:LogGruop": (resource: pulumi.Inputs) => resource as never };
    let refused: unknown;
    await program(() => {
      try {
        new Pipeline("client-a", { ...on.aws, project, transform });
      } catch (error) {
        refused = error;
      }
    });
    expect(refused).to.be.instanceOf(UserError);
    expect(refused).to.include({
      code: "unknown-transform",
      hint: "did you mean aws:cloudwatch/logGroup:LogGroup?",
    });
  });

  it("says all that is wrong with a project there", async () => {
    let refused: unknown;
    await program(() => {
      try {
        new Pipeline("client-a", {
          cloud: "aws",
          project,
          region: "eu-west-1",
          spot: true,
          network: { mode: "existing", subnets: ["my-subnet"], securityGroups: [] },
        });
      } catch (error) {
        refused = error;
      }
    });
    expect(refused).to.be.instanceOf(UserError);
    expect(JSON.stringify((refused as UserError).diagnostics)).to.contain("my-subnet");
  });
});
