import { expect } from "chai";
import type { DeployPlan } from "../../../model/plan-types.js";
import { roles } from "../../../providers/azure/identity.js";
import { azure } from "../../../providers/azure/index.js";
import {
  printable,
  type RenderedResource,
  type RenderedValue,
  type Rendering,
  referencesIn,
} from "../../../providers/rendering.js";
import { sdkModule, tokenOf } from "../../../providers/sdk.js";
import { type FullPlanOptions, fullPlan, planOf, samplePlan, weekdaysOptions } from "../plans.js";

const context = { pulumiProject: "p", name: "fx" };
const granularities = ["project", "task"] as const;
const given = `registry.example.com/fx@sha256:${"0".repeat(64)}`;

function rendered(plan: DeployPlan): Rendering {
  const errors = azure.check(plan).filter(({ severity }) => severity === "error");
  expect(errors).to.deep.equal([]);
  return azure.render(plan, context);
}

const full = (options: FullPlanOptions = {}) => rendered(fullPlan("azure", options));

function ofType({ resources }: Rendering, type: string): RenderedResource[] {
  return resources.filter((resource) => resource.type === `azure-native:${type}`);
}

function named({ resources }: Rendering, name: string): RenderedResource {
  const found = resources.find((resource) => resource.name === name);
  if (!found) throw new Error(`no ${name} among ${resources.map((resource) => resource.name).join(", ")}`);
  return found;
}

/** What a plan prints for something that is known only at deployment. */
const at = (path: string): string => `\${${path}}`;

/** Inputs as a plan prints them. */
function inputsOf(rendering: Rendering, name: string) {
  return printable(named(rendering, name).inputs) as Record<string, never>;
}

function environmentOf(inputs: Record<string, unknown>) {
  const { template } = inputs as { template: { containers: { env: { name: string; value?: string }[] }[] } };
  return template.containers[0]?.env ?? [];
}

describe("rendering for Azure", () => {
  it("describes only what the SDK has, under the SDK's own tokens", function () {
    this.timeout(240_000);
    const renderings = [
      ...granularities.map((granularity) => full({ granularity, network: { mode: "nat" } })),
    ];
    const types = new Set(renderings.flatMap(({ resources }) => resources.slice(1).map(({ type }) => type)));
    for (const type of types) expect(tokenOf(sdkModule.classOf(type)), type).to.equal(type);
    expect(types.size).to.equal(25);
  });

  for (const granularity of granularities) {
    describe(`granularity ${granularity}`, () => {
      it("puts each resource after those it refers to, and names each once", () => {
        const { resources, lookups } = full({ granularity, network: { mode: "nat" } });
        expect(resources[0]).to.deep.equal({
          type: "handoff:azure:Pipeline",
          name: "fx",
          parent: null,
          inputs: {},
        });
        const before = new Set<string>();
        const asked = new Set(lookups.map(({ name }) => name));
        for (const { name, parent, inputs, dependsOn = [] } of resources) {
          if (parent !== null) expect(parent).to.equal("fx");
          for (const { $ref } of referencesIn(inputs)) {
            expect(before.has($ref[0]) || asked.has($ref[0]), `${name} refers to ${$ref[0]}`).to.equal(true);
          }
          for (const other of dependsOn) expect(before.has(other), `${name} after ${other}`).to.equal(true);
          expect(before.has(name) || asked.has(name), name).to.equal(false);
          before.add(name);
        }
        for (const { name, inputs } of lookups) {
          for (const { $ref } of referencesIn(inputs)) expect(before.has($ref[0]), name).to.equal(true);
        }
      });

      it("is the same for the same plan", () => {
        expect(full({ granularity })).to.deep.equal(full({ granularity }));
      });

      it("gives roles of the list on single resources, never on a group or the subscription", () => {
        const assignments = ofType(full({ granularity }), "authorization:RoleAssignment");
        const guids = new Set<RenderedValue>();
        for (const { name, inputs } of assignments) {
          expect(inputs.principalType, name).to.equal("ServicePrincipal");
          const definition = String(printable(inputs.roleDefinitionId ?? ""));
          const role = Object.values(roles).find(({ id }) => definition.endsWith(`/roleDefinitions/${id}`));
          expect(role, name).not.to.equal(undefined);
          const scope = String(printable(inputs.scope ?? ""));
          expect(scope, name).to.match(
            /^\$\{fx-[a-z0-9-]+\.id\}$|^\$\{fx-storage\.id\}\/queueServices\/default\/queues\/\$\{/i,
          );
          expect(scope, name).not.to.match(/group|environment/);
          guids.add(inputs.roleAssignmentName);
        }
        expect(guids.size).to.equal(assignments.length);
      });

      it("writes secrets' values nowhere but into the vault and the webhook that is one", () => {
        const rendering = full({ granularity });
        const holders = rendering.resources.filter(({ inputs }) =>
          JSON.stringify(inputs).includes('"$secret"'),
        );
        expect([...new Set(holders.map(({ type }) => type))].sort()).to.deep.equal([
          "azure-native:keyvault:Secret",
          "azure-native:monitor:ActionGroup",
        ]);
        expect(JSON.stringify(rendering.outputs)).not.to.include("$secret");
        for (const { name, secret } of rendering.lookups) {
          expect(secret ?? false, name).to.equal(name !== "fx-account");
        }
      });

      it("tags what can be tagged", () => {
        const untagged = new Set(
          full({ granularity, network: { mode: "nat" } })
            .resources.filter(({ inputs }) => !("tags" in inputs))
            .map(({ type }) => type),
        );
        expect([...untagged].sort()).to.deep.equal([
          "azure-native:authorization:RoleAssignment",
          "azure-native:network:Subnet",
          "azure-native:storage:BlobContainer",
          "azure-native:storage:BlobServiceProperties",
          "azure-native:storage:ManagementPolicy",
          "azure-native:storage:Queue",
          "azure-native:storage:Table",
          "handoff:azure:Pipeline",
        ]);
      });

      it("keeps data, unless the stack says otherwise", () => {
        const keptTypes = (options: FullPlanOptions) => [
          ...new Set(
            full({ granularity, ...options })
              .resources.filter(({ retainOnDelete }) => retainOnDelete === true)
              .map(({ type, name }) => (type.endsWith("ResourceGroup") ? name : type)),
          ),
        ];
        expect(keptTypes({})).to.deep.equal([
          "fx-datagroup",
          "azure-native:storage:StorageAccount",
          "azure-native:storage:BlobServiceProperties",
          "azure-native:storage:BlobContainer",
          "azure-native:storage:ManagementPolicy",
          "azure-native:storage:Table",
          "azure-native:keyvault:Secret",
        ]);
        expect(keptTypes({ deleteData: true })).to.deep.equal(["azure-native:keyvault:Secret"]);
      });

      it("puts nothing that goes with the deployment into the group of what is kept", () => {
        for (const { type, inputs } of full({ granularity }).resources) {
          const group = printable(inputs.resourceGroupName ?? "");
          if (group !== at("fx-datagroup.name")) continue;
          expect(type).to.match(/^azure-native:storage:/);
        }
      });

      it("has an alert for each event that somebody wants to know of", () => {
        const rendering = full({ granularity });
        const rules = [
          ...ofType(rendering, "monitor:ScheduledQueryRule"),
          ...ofType(rendering, "monitor:MetricAlert"),
        ];
        const kinds = new Set(
          rules.map(({ name }) => name.replace(/^fx-/, "").replace(/-(flow|on|all|for).*$/, "")),
        );
        for (const event of granularity === "project"
          ? ["failure", "timeout", "success"]
          : ["failure", "success"]) {
          expect([...kinds], event).to.include(`alert-${event}`);
        }
        const missed = rules
          .filter(({ name }) => name.startsWith("fx-missed-"))
          .map(({ name }) => name.slice(10));
        expect(missed).to.deep.equal(["nightly", "weekdays", "first-or-monday", "often"]);
        for (const { inputs } of rules) expect(inputs.autoMitigate).to.equal(false);
      });
    });
  }

  it("tells how each run ended, in the runner's words: of a flow by its last job", () => {
    for (const granularity of granularities) {
      const rules = ofType(full({ granularity }), "monitor:ScheduledQueryRule").filter(({ name }) =>
        name.startsWith("fx-alert-"),
      );
      expect(rules.map(({ name }) => name)).to.deep.equal(
        granularity === "project"
          ? ["fx-alert-failure", "fx-alert-timeout", "fx-alert-success"]
          : ["fx-alert-success"],
      );
      for (const { inputs } of rules) {
        const [condition] = (inputs.criteria as { allOf: { query: string; dimensions: unknown }[] }).allOf;
        expect(condition?.dimensions).to.deep.equal([
          { name: "run", operator: "Include", values: ["*"] },
          { name: "summary", operator: "Include", values: ["*"] },
        ]);
        expect(condition?.query).to.contain(
          `tostring(line.event) == "${granularity === "project" ? "run.end" : "flow.end"}"`,
        );
        for (const projected of condition?.query.match(/project .*/g) ?? []) {
          expect(projected).to.match(/^project TimeGenerated, run = \S+, summary = /);
        }
      }
    }
  });

  it("uses every role of the list", () => {
    const used = granularities
      .flatMap((granularity) => ofType(full({ granularity }), "authorization:RoleAssignment"))
      .map(({ inputs }) =>
        String(printable(inputs.roleDefinitionId ?? ""))
          .split("/")
          .at(-1),
      );
    expect([...new Set(used)].sort()).to.deep.equal(
      Object.values(roles)
        .map(({ id }) => id)
        .sort(),
    );
  });

  it("gives an identity to each job, which reaches what the project declares", () => {
    const rendering = full({ granularity: "task" });
    const rights = (identity: string) =>
      ofType(rendering, "authorization:RoleAssignment")
        .filter(
          ({ inputs }) => referencesIn(inputs.principalId ?? "")[0]?.$ref[0] === `fx-identity-${identity}`,
        )
        .map(({ name }) => name.replace(`fx-role-${identity}-`, ""));
    expect(rights("job-load")).to.deep.equal([
      "pullImages-image",
      "useBlobs-artifacts",
      "useTable-store-rates",
      "useBlobs-store-raw-files",
      "readSecret-API_KEY",
      "readSecret-DB_URL",
      "readSecret-SLACK_URL",
    ]);
    expect(rights("orchestrator")).to.deep.equal([
      "runJob-extract",
      "runJob-reference",
      "runJob-load",
      "runJob-report",
    ]);
    expect(rights("on-orders")).to.deep.equal([
      "takeMessages-orders",
      "sendMessages-orders",
      "runJob-load",
      "runJob-report",
    ]);
  });

  it("makes a job after the roles of its identity", () => {
    for (const { name, dependsOn = [], inputs } of ofType(full(), "app:Job")) {
      const [identity] = referencesIn((inputs.identity ?? {}) as RenderedValue);
      expect(dependsOn.length, name).to.be.greaterThan(5);
      for (const role of dependsOn) {
        expect(role).to.match(new RegExp(`^fx-role-${identity?.$ref[0].replace("fx-identity-", "")}-`));
      }
    }
  });

  it("describes the job of a small project completely", () => {
    const rendering = rendered(samplePlan("azure", { image: given }));
    const { dependsOn: _, ...job } = named(rendering, "fx-job-fx");
    expect(printable(job.inputs)).to.deep.equal({
      jobName: "fx-job",
      resourceGroupName: at("fx-group.name"),
      location: "eastus",
      environmentId: at("fx-environment.id"),
      workloadProfileName: "Consumption",
      identity: { type: "UserAssigned", userAssignedIdentities: [at("fx-identity-job-fx.id")] },
      configuration: {
        triggerType: "Manual",
        manualTriggerConfig: { parallelism: 1, replicaCompletionCount: 1 },
        replicaTimeout: 86_400,
        replicaRetryLimit: 0,
      },
      template: {
        containers: [
          {
            name: "runner",
            image: given,
            args: ["run", "fetch"],
            env: [
              { name: "AZURE_CLIENT_ID", value: at("fx-identity-job-fx.clientId") },
              {
                name: "HANDOFF_ARTIFACTS",
                value: `https://${at("fx-storage.name")}.blob.core.windows.net/artifacts/fx`,
              },
              { name: "HANDOFF_CLIENT", value: "client-a" },
              { name: "HANDOFF_JOB", value: "fx" },
              { name: "HANDOFF_LOG_FORMAT", value: "json" },
              { name: "HANDOFF_STACK", value: "prod" },
              { name: "HANDOFF_STAGE", value: "prod" },
            ],
            resources: { cpu: 0.5, memory: "1Gi" },
          },
        ],
      },
      tags: { "handoff-client": "client-a", "handoff-project": "fx", "handoff-stack": "prod" },
    });
  });

  it("gives each schedule a job of its own, with what it changes", () => {
    const rendering = full();
    const weekdays = inputsOf(rendering, "fx-schedulejob-weekdays") as never as {
      configuration: { triggerType: string };
      template: { containers: { args: string[] }[] };
    };
    expect(weekdays.configuration.triggerType).to.equal("Manual");
    expect(weekdays.template.containers[0]?.args).to.deep.equal([
      "run",
      ...weekdaysOptions,
      "load",
      "report",
    ]);
    expect(environmentOf(weekdays as never)).to.deep.include({ name: "HANDOFF_SCHEDULE", value: "weekdays" });
    const often = inputsOf(rendering, "fx-schedulejob-often") as never as {
      configuration: { scheduleTriggerConfig: { cronExpression: string } };
    };
    expect(often.configuration.scheduleTriggerConfig.cronExpression).to.equal(
      "0,10,20,30,40,50 8-18 * * 1-5",
    );
  });

  it("starts with a Logic App where the clocks change, in the zone's time", () => {
    const app = inputsOf(full(), "fx-schedule-nightly") as never as {
      state: string;
      definition: { triggers: { schedule: unknown }; actions: { Start: { inputs: { uri: string } } } };
    };
    expect(app.state).to.equal("Enabled");
    expect(app.definition.triggers.schedule).to.deep.equal({
      type: "Recurrence",
      recurrence: {
        frequency: "Day",
        interval: 1,
        timeZone: "Romance Standard Time",
        schedule: { hours: [2], minutes: [0] },
        startTime: "2026-01-01T00:00:00",
      },
    });
    expect(app.definition.actions.Start.inputs.uri).to.equal(
      `https://management.azure.com${at("fx-schedulejob-nightly.id")}/start?api-version=2024-03-01`,
    );
  });

  it("pauses a schedule: nothing starts its job", () => {
    const paused = (zone: string) =>
      rendered(
        planOf(
          `version: 1\nname: fx\ntasks:\n- {name: a, pipeline: [{command: "true"}]}\nschedules:\n- {name: s, cron: "0 6 * * *", timezone: ${zone}, enabled: false}\n`,
          "azure",
        ),
      );
    const job = inputsOf(paused("UTC"), "fx-schedulejob-s") as never as {
      configuration: { triggerType: string };
    };
    expect(job.configuration.triggerType).to.equal("Manual");
    expect(ofType(paused("UTC"), "logic:Workflow")).to.deep.equal([]);
    expect(inputsOf(paused("Europe/Paris"), "fx-schedule-s").state).to.equal("Disabled");
  });

  it("starts a job for each message, no more at a time than the project allows", () => {
    const job = inputsOf(full(), "fx-triggerjob-orders") as never as {
      configuration: {
        eventTriggerConfig: { scale: { maxExecutions: number; rules: { metadata: unknown }[] } };
      };
    };
    const { scale } = job.configuration.eventTriggerConfig;
    expect(scale.maxExecutions).to.equal(5);
    expect(scale.rules[0]?.metadata).to.deep.equal({
      accountName: at("fx-storage.name"),
      queueName: at("fx-queue-orders.name"),
      queueLength: "1",
    });
    const env = environmentOf(job as never);
    const url = `https://${at("fx-storage.name")}.queue.core.windows.net`;
    expect(env).to.deep.include({ name: "HANDOFF_QUEUE", value: `${url}/\${fx-queue-orders.name}` });
    expect(env).to.deep.include({
      name: "HANDOFF_DEAD_LETTER_QUEUE",
      value: `${url}/\${fx-deadletters-orders.name}`,
    });
  });

  it("sorts variables, so that the same plan is no change", () => {
    for (const { inputs, name } of ofType(full(), "app:Job")) {
      const variables = environmentOf(inputs).map((variable) => variable.name);
      expect(variables, name).to.deep.equal(variables.toSorted());
    }
  });

  it("lets the runner stop first: the platform's limit is two minutes later", () => {
    const limit = (granularity: "project" | "task", job: string) =>
      (
        inputsOf(full({ granularity }), `fx-job-${job}`) as never as {
          configuration: { replicaTimeout: number };
        }
      ).configuration.replicaTimeout;
    const [project] = fullPlan("azure").jobs;
    expect(limit("project", "fx-rates")).to.equal((project?.timeoutSeconds ?? 0) + 120);
    expect(limit("task", "extract")).to.equal(600 + 120);
  });

  it("changes one resource when one schedule's time changes", () => {
    const yaml = (cron: string) =>
      `version: 1\nname: fx\ntasks:\n- {name: a, pipeline: [{command: "true"}]}\nschedules:\n- {name: s, cron: "${cron}"}\n- {name: t, cron: "0 1 * * *"}\n`;
    const [one, two] = ["0 6 * * *", "0 7 * * *"].map((cron) =>
      rendered(planOf(yaml(cron), "azure", { image: given })),
    );
    const changed = one?.resources.filter(
      (resource, index) => JSON.stringify(resource) !== JSON.stringify(two?.resources[index]),
    );
    expect(changed?.map(({ name }) => name)).to.deep.equal(["fx-schedulejob-s"]);
  });

  it("has a network of each mode", () => {
    expect(inputsOf(full(), "fx-environment")).not.to.have.property("vnetConfiguration");
    const nat = full({ network: { mode: "nat" } });
    expect(inputsOf(nat, "fx-environment").vnetConfiguration).to.deep.equal({
      infrastructureSubnetId: at("fx-subnet.id"),
      internal: true,
    });
    expect(printable(nat.outputs.address ?? "")).to.equal(at("fx-address.ipAddress"));
    const subnet =
      "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v/subnets/jobs";
    const existing = full({ network: { mode: "existing", subnets: [subnet], securityGroups: [] } });
    expect(inputsOf(existing, "fx-environment").vnetConfiguration).to.deep.equal({
      infrastructureSubnetId: subnet,
      internal: true,
    });
    expect(ofType(existing, "network:VirtualNetwork")).to.deep.equal([]);
  });

  it("builds an image, or takes the one that is given", () => {
    const built = full();
    expect(ofType(built, "containerregistry:Registry")).to.have.length(1);
    const job = inputsOf(built, "fx-job-fx-rates") as never as {
      configuration: { registries: unknown };
      template: { containers: { image: string }[] };
    };
    const image = job.template.containers[0]?.image ?? "";
    const repository = /^(.*\/fx-rates-\w+)@/.exec(image)?.[1];
    expect(repository?.startsWith(at("fx-registry.loginServer")), image).to.equal(true);
    expect(image).to.equal(`${repository}@${at("fx-image.digest")}`);
    expect(job.configuration.registries).to.deep.equal([
      { server: at("fx-registry.loginServer"), identity: at("fx-identity-job-fx-rates.id") },
    ]);
    const task = inputsOf(built, "fx-imageexpiry") as never as { step: { encodedTaskContent: string } };
    expect(Buffer.from(task.step.encodedTaskContent, "base64").toString()).to.match(
      /cmd: acr purge --filter '[a-z0-9-]+:\.\*' --ago 30d --keep 10 --untagged/,
    );
    expect(ofType(full({ image: given }), "containerregistry:Registry")).to.deep.equal([]);
    const ours = full({ image: `acme.azurecr.io/fx@sha256:${"0".repeat(64)}` });
    expect(JSON.stringify(inputsOf(ours, "fx-job-fx-rates"))).to.include('"server":"acme.azurecr.io"');
  });

  it("closes the storage account", () => {
    const account = inputsOf(full(), "fx-storage");
    expect(account).to.include({
      allowBlobPublicAccess: false,
      allowSharedKeyAccess: false,
      enableHttpsTrafficOnly: true,
      minimumTlsVersion: "TLS1_2",
    });
    for (const { inputs } of ofType(full(), "storage:BlobContainer"))
      expect(inputs.publicAccess).to.equal("None");
  });

  it("keeps logs and archived runs as long as the stack says", () => {
    const rendering = full({ logRetentionDays: 400, artifactRetentionDays: 7 });
    expect(inputsOf(rendering, "fx-logs").retentionInDays).to.equal(400);
    expect(JSON.stringify(inputsOf(rendering, "fx-lifecycle"))).to.include(
      '"daysAfterModificationGreaterThan":7',
    );
    expect(inputsOf(full({ logRetentionDays: 1 }), "fx-logs").retentionInDays).to.equal(30);
  });

  it("reads only what the project has a value for", () => {
    const rendering = full({ secretKeys: ["API_KEY"] });
    expect(ofType(rendering, "keyvault:Secret")).to.have.length(1);
    const env = environmentOf(named(rendering, "fx-job-fx-rates").inputs).map(({ name }) => name);
    expect(env.filter((name) => name.startsWith("HANDOFF_SECRET_"))).to.deep.equal([
      "HANDOFF_SECRET_API_KEY",
    ]);
    expect(ofType(rendering, "monitor:ActionGroup")).to.have.length(2);
    expect(ofType(full({ secretKeys: [] }), "keyvault:Vault")).to.deep.equal([]);
  });

  it("shows what was made, and what is kept", () => {
    const outputs = printable(full().outputs) as Record<string, never>;
    expect(Object.keys(outputs)).to.deep.equal([
      "jobs",
      "schedules",
      "triggers",
      "stores",
      "resourceGroup",
      "dataResourceGroup",
      "logs",
      "image",
      "console",
    ]);
    expect(azure.keptData(outputs)).to.have.length(3);
    expect(azure.keptData({})).to.deep.equal([]);
    expect(
      Object.keys((printable(full({ granularity: "task" }).outputs) as Record<string, object>).flows ?? {}),
    ).to.include("all");
  });
});
