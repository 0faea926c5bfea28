import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { aws } from "./aws.js";
import { azureNative } from "./azure-native.js";
import type { SimulatedCloud } from "./cloud.js";
import { eventBridgeProblem, unixProblem } from "./cron.js";
import { gcp } from "./gcp.js";
import { simulatedProvider } from "./provider.js";
import { Sdk } from "./sdk-schema.js";
import { asSecret, type Props } from "./values.js";
import { World } from "./world.js";

const trust = (service: string) =>
  JSON.stringify({
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Principal: { Service: service }, Action: "sts:AssumeRole" }],
  });

describe("simulated clouds", function () {
  this.timeout(60_000);
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "handoff-clouds-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  function open(cloud: SimulatedCloud, failAt?: number) {
    const config: Record<string, string> = {
      "aws:config:region": "us-east-1",
      "gcp:config:project": "my-project",
      "gcp:config:region": "us-central1",
    };
    const world = new World(folder, cloud.packageName);
    const sdk = new Sdk(cloud.packageName);
    const provider = simulatedProvider({ cloud, sdk, world, failAt, config: () => config });
    const urn = (type: string, name = "x") => `urn:pulumi:dev::demo::handoff:Pipeline$${type}::${name}`;
    return {
      world,
      urn,
      provider,
      check: async (type: string, inputs: Props) => (await provider.check(urn(type), {}, inputs)).failures,
      create: (type: string, inputs: Props, name?: string) => provider.create(urn(type, name), inputs),
    };
  }

  async function failureOf(promise: Promise<unknown>): Promise<string> {
    try {
      await promise;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
    throw new Error("expected a failure");
  }

  it("know the properties of the SDKs, at every depth", async () => {
    const { check } = open(azureNative);
    const found = await check("azure-native:app:Job", {
      jobName: "fx",
      environmentName: "e",
      template: { containers: [{ name: "a", images: "b", resources: { cpu: "1" } }] },
      configuration: { triggerType: "Manual" },
    });
    expect(found.map(({ property }) => property)).to.have.members([
      "resourceGroupName",
      "environmentName",
      "template.containers[0].images",
      "template.containers[0].resources.cpu",
      "configuration.replicaTimeout",
    ]);
    expect(await open(aws).check("aws:ecs/clusters:Clusters", {})).to.have.length(1);
  });

  it("reject names that the cloud rejects", async () => {
    const cases: [SimulatedCloud, string, string, Props][] = [
      [aws, "aws:s3/bucket:Bucket", "bucket", { bucket: "Fx_data" }],
      [aws, "aws:iam/role:Role", "name", { name: "r".repeat(65), assumeRolePolicy: trust("a") }],
      [aws, "aws:secretsmanager/secret:Secret", "name", { name: "fx-abcdef" }],
      [aws, "aws:cloudwatch/logGroup:LogGroup", "name", { name: "aws/fx" }],
      [gcp, "gcp:serviceaccount/account:Account", "accountId", { accountId: "short" }],
      [
        gcp,
        "gcp:storage/bucket:Bucket",
        "name",
        { name: "my-google-data".replace("gle", "g"), location: "US" },
      ],
      [
        azureNative,
        "azure-native:storage:StorageAccount",
        "accountName",
        { accountName: "fx-data", resourceGroupName: "rg", kind: "StorageV2", sku: { name: "Standard_LRS" } },
      ],
    ];
    for (const [cloud, type, property, inputs] of cases) {
      const failures = await open(cloud).check(type, inputs);
      expect(
        failures.map((failure) => failure.property),
        type,
      ).to.deep.equal([property]);
    }
  });

  it("reject policies, sizes and labels that the cloud rejects", async () => {
    const { check } = open(aws);
    const role = await check("aws:iam/role:Role", {
      name: "r",
      assumeRolePolicy: JSON.stringify({ Version: "2012-10-17", Statement: [{ Effect: "allow" }] }),
    });
    expect(role[0]?.reason).to.match(/^MalformedPolicyDocument/);
    const task = (cpu: string, memory: string) => ({
      family: "f",
      cpu,
      memory,
      networkMode: "awsvpc",
      containerDefinitions: JSON.stringify([{ name: "a", image: "b" }]),
    });
    const taskDefinition = "aws:ecs/taskDefinition:TaskDefinition";
    expect(await check(taskDefinition, task("256", "512"))).to.deep.equal([]);
    expect((await check(taskDefinition, task("256", "4096")))[0]?.reason).to.include(
      "No Fargate configuration",
    );
    expect((await check(taskDefinition, task("8192", "17408")))[0]?.property).to.equal("cpu");
    const job = (cpu: string, memory: string) => ({
      name: "fx",
      location: "us-central1",
      template: { template: { containers: [{ image: "a", resources: { limits: { cpu, memory } } }] } },
    });
    expect(await open(gcp).check("gcp:cloudrunv2/job:Job", job("2", "8Gi"))).to.deep.equal([]);
    expect(await open(gcp).check("gcp:cloudrunv2/job:Job", job("1", "8Gi"))).to.have.length(1);
    const labelled = { name: "fx-data", location: "US", labels: { Team: "Data" } };
    const message = await failureOf(open(gcp).create("gcp:storage/bucket:Bucket", labelled));
    expect(message).to.include("labels.Team");
  });

  it("know each cloud's cron", () => {
    for (const right of [
      "cron(0 6 * * ? *)",
      "cron(0/5 8-17 ? * MON-FRI *)",
      "cron(0 0 L * ? *)",
      "rate(5 minutes)",
    ])
      expect(eventBridgeProblem(right), right).to.equal(undefined);
    for (const wrong of [
      "cron(0 6 * * * *)",
      "cron(0 6 ? * ? *)",
      "0 6 * * *",
      "cron(0 24 * * ? *)",
      "cron(0 6 ? * 0 *)",
      "rate(1 minutes)",
    ])
      expect(eventBridgeProblem(wrong), wrong).to.be.a("string");
    for (const right of ["0 6 * * *", "*/5 8-17 * * 1-5", "0 0 1,15 * MON"])
      expect(unixProblem(right), right).to.equal(undefined);
    for (const wrong of ["0 6 * *", "0 6 ? * *", "60 6 * * *", "5-1 * * * *"])
      expect(unixProblem(wrong), wrong).to.be.a("string");
  });

  it("refuse references to what is not there, roles that don't trust, and names that are taken", async () => {
    const { create } = open(aws);
    const policy = { role: "nobody", name: "p", policy: trust("x") };
    expect(await failureOf(create("aws:iam/rolePolicy:RolePolicy", policy))).to.match(
      /^role: 'nobody' is none/,
    );

    const cluster = await create("aws:ecs/cluster:Cluster", { name: "c" });
    const role = await create("aws:iam/role:Role", {
      name: "r",
      assumeRolePolicy: trust("ecs-tasks.amazonaws.com"),
    });
    const schedule = {
      name: "s",
      flexibleTimeWindow: { mode: "OFF" },
      scheduleExpression: "cron(0 6 * * ? *)",
      target: { arn: cluster.outs.arn, roleArn: role.outs.arn },
    };
    const type = "aws:scheduler/schedule:Schedule";
    expect(await failureOf(create(type, schedule))).to.include("does not allow scheduler.amazonaws.com");
    const elsewhere = { ...schedule, target: { ...schedule.target, arn: `${String(cluster.outs.arn)}2` } };
    expect(await failureOf(create(type, elsewhere))).to.match(/^target\.arn: arn:aws:ecs:.* does not exist/);
    expect(await failureOf(create("aws:ecs/cluster:Cluster", { name: "c" }))).to.include("taken");
  });

  it("fail at the k-th change, and only there", async () => {
    const first = open(aws, 2);
    await first.create("aws:ecs/cluster:Cluster", { name: "a" });
    expect(await failureOf(first.create("aws:ecs/cluster:Cluster", { name: "b" }))).to.include(
      "ThrottlingException",
    );
    await first.create("aws:ecs/cluster:Cluster", { name: "b" });
    expect(first.world.all()).to.have.length(2);
  });

  it("hold secrets as hashes, and give them back as secrets", async () => {
    const { create, provider, urn } = open(aws);
    const secret = await create("aws:secretsmanager/secret:Secret", { name: "fx" });
    const type = "aws:secretsmanager/secretVersion:SecretVersion";
    const inputs = { secretId: secret.id, secretString: asSecret("correct-horse") };
    const { id, outs } = await create(type, inputs);
    expect(outs.secretString).to.deep.equal(asSecret("correct-horse"));
    const files = readdirSync(join(folder, "aws")).map((name) =>
      readFileSync(join(folder, "aws", name), "utf8"),
    );
    expect(files.join("\n")).not.to.include("correct-horse");
    const { inputs: read } = await provider.read(id, urn(type), outs);
    expect(read?.secretString).to.deep.equal(asSecret("correct-horse"));
    expect((await provider.diff(id, urn(type), outs, inputs)).changes).to.equal(false);
  });

  it("keep a bucket that holds something, and with a resource group all that is in it", async () => {
    const one = open(aws);
    const { id } = await one.create("aws:s3/bucket:Bucket", { bucket: "fx-data" });
    const [held] = one.world.all();
    if (held) one.world.put({ ...held, data: ["a.csv"] });
    const urn = one.urn("aws:s3/bucket:Bucket");
    expect(await failureOf(one.provider.delete(id, urn, {}))).to.include("BucketNotEmpty");

    const azure = open(azureNative);
    const group = await azure.create("azure-native:resources:ResourceGroup", { resourceGroupName: "rg" });
    await azure.create("azure-native:storage:StorageAccount", {
      accountName: "fxdata",
      resourceGroupName: "rg",
      kind: "StorageV2",
      sku: { name: "Standard_LRS" },
    });
    expect(azure.world.all()).to.have.length(2);
    await azure.provider.delete(group.id, azure.urn("azure-native:resources:ResourceGroup"), {});
    expect(azure.world.all()).to.deep.equal([]);
  });
});
