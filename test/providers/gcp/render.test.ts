// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references as they are printed, and Workflows' expressions
import { expect } from "chai";
import type { DeployPlan } from "../../../model/plan-types.js";
import type { LogLine } from "../../../model/run.js";
import { gcp } from "../../../providers/gcp/index.js";
import {
  evaluate,
  printable,
  type RenderedResource,
  type Rendering,
  referencesIn,
} from "../../../providers/rendering.js";
import { fullPlan, planOf, samplePlan, weekdaysOptions } from "../plans.js";

const context = { name: "fx", pulumiProject: "pipelines" };
const render = (plan: DeployPlan): Rendering => gcp.render(plan, context);

const full = {
  project: render(fullPlan("gcp")),
  task: render(fullPlan("gcp", { granularity: "task", network: { mode: "nat" } })),
  small: render(samplePlan("gcp")),
  existing: render(
    samplePlan("gcp", {
      image: `europe-docker.pkg.dev/p/r/i@sha256:${"0".repeat(64)}`,
      network: { mode: "existing", vpc: "main", subnets: ["jobs"], securityGroups: ["b-tag", "a-tag"] },
      logRetentionDays: 30,
    }),
  ),
};
const cases = Object.entries(full);

const ofType = ({ resources }: Rendering, type: string) =>
  resources.filter((resource) => resource.type === type);
function only(rendering: Rendering, type: string): RenderedResource {
  const [found, ...others] = ofType(rendering, type);
  if (!found || others.length > 0) throw new Error(`${others.length + (found ? 1 : 0)} of ${type}`);
  return found;
}
function named({ resources }: Rendering, name: string): RenderedResource {
  const found = resources.find((resource) => resource.name === name);
  if (!found) throw new Error(`no ${name}`);
  return found;
}
// biome-ignore lint/suspicious/noExplicitAny: inputs are looked into freely
const inputs = (resource: RenderedResource): any => printable(resource.inputs);

describe("rendering for Google Cloud", () => {
  for (const [name, rendering] of cases) {
    describe(name, () => {
      it("starts with the pipeline, which all others belong to, with names that are unique", () => {
        const [first, ...others] = rendering.resources;
        expect(first).to.deep.equal({ type: "handoff:gcp:Pipeline", name: "fx", parent: null, inputs: {} });
        for (const { parent, name: child } of others) {
          expect(parent).to.equal("fx");
          expect(child).to.match(/^fx-/);
        }
        const names = [...rendering.resources, ...rendering.lookups].map((made) => made.name);
        expect(new Set(names).size).to.equal(names.length);
      });

      it("has every resource after what it refers to or depends on", () => {
        const before = new Set(rendering.lookups.map((lookup) => lookup.name));
        for (const resource of rendering.resources) {
          for (const { $ref } of referencesIn(resource.inputs))
            expect(before, resource.name).to.include($ref[0]);
          for (const other of resource.dependsOn ?? []) expect(before, resource.name).to.include(other);
          before.add(resource.name);
        }
        for (const { $ref } of referencesIn(rendering.outputs)) expect(before).to.include($ref[0]);
      });

      it("gives no two things of a kind one physical name", () => {
        const seen = new Set<string>();
        for (const { type, inputs: given } of rendering.resources) {
          const name = given.name ?? given.accountId ?? given.secretId ?? given.bucketId;
          if (typeof name !== "string") continue;
          const key = `${type} ${name}`;
          // Members of a policy name the resource that it is of.
          if (!/Member$/.test(type)) expect(seen).not.to.include(key);
          seen.add(key);
        }
      });

      it("enables the service of each resource first, and leaves it enabled", () => {
        const services = ofType(rendering, "gcp:projects/service:Service");
        expect(services).not.to.have.length(0);
        for (const service of services) expect(service.inputs.disableOnDestroy).to.equal(false);
        for (const resource of rendering.resources) {
          if (!resource.type.startsWith("gcp:") || services.includes(resource)) continue;
          expect(resource.dependsOn?.[0], resource.name).to.match(/^fx-api-/);
        }
      });

      it("protects nothing from a destroy that is not data", () => {
        for (const { type, inputs: given, retainOnDelete, name: made } of rendering.resources) {
          const data = /^gcp:(storage\/bucket:|firestore\/)/.test(type);
          expect(retainOnDelete ?? false, made).to.equal(data);
          if (/Job$|Workflow$/.test(type) && !type.includes("cloudscheduler")) {
            expect(given.deletionProtection, made).to.equal(false);
          }
        }
      });
    });
  }

  it("is the same for the same plan, and has labels wherever a type has them", () => {
    expect(JSON.stringify(render(fullPlan("gcp")))).to.equal(JSON.stringify(full.project));
    const labels = { "handoff-client": "client-a", "handoff-project": "fx-rates", "handoff-stack": "prod" };
    const labelled =
      /(cloudrunv2.job:Job|bucket:Bucket|secret:Secret|:Topic|:Subscription|:Workflow|trigger:Trigger|:Repository|:Address)$/;
    for (const resource of [...full.project.resources, ...full.task.resources]) {
      if (labelled.test(resource.type)) expect(resource.inputs.labels, resource.name).to.deep.equal(labels);
      if (/monitoring/.test(resource.type)) expect(resource.inputs.userLabels).to.include(labels);
    }
  });

  it("writes a secret's value nowhere but into its version", () => {
    for (const [, { resources, outputs }] of cases) {
      const asked: string[] = [];
      const answers = {
        reference: (name: string, output: string) => `${name}.${output}`,
        secret: (key: string) => {
          asked.push(key);
          return `value-of-${key}`;
        },
      };
      const text = JSON.stringify(evaluate(outputs, answers));
      expect(text).not.to.include("value-of-");
      for (const { type, inputs: given } of resources) {
        const shown = JSON.stringify(evaluate(given, answers));
        if (shown.includes("value-of-"))
          expect(type).to.equal("gcp:secretmanager/secretVersion:SecretVersion");
      }
      for (const { name } of resources.filter(({ type }) => type.includes("SecretVersion"))) {
        expect(asked.some((key) => name.endsWith(key))).to.equal(true);
      }
    }
  });
});

describe("jobs on Google Cloud", () => {
  it("run once, with a limit behind the runner's own, and with secrets by reference", () => {
    const job = only(full.project, "gcp:cloudrunv2/job:Job");
    const { template } = inputs(job).template;
    expect(template.maxRetries).to.equal(0);
    expect(inputs(job).template.taskCount).to.equal(1);
    // extract: 10 min, 4 times, with 60, 120 and 240 s between; reference: 5 min twice; load: 1 h twice; report: once.
    const seconds = 4 * 600 + 420 + (2 * 300 + 30) + (2 * 3600 + 30) + 300;
    expect(template.timeout).to.equal(`${seconds + 120}s`);
    const [container] = template.containers;
    expect(container.args).to.deep.equal(["run", "extract", "reference", "load", "report"]);
    expect(container.resources.limits).to.deep.equal({ cpu: "1", memory: "2048Mi" });
    const names = container.envs.map(({ name }: { name: string }) => name);
    expect(names).to.deep.equal(names.toSorted());
    expect(container.envs).to.deep.include({
      name: "HANDOFF_SECRET_API_KEY",
      valueSource: { secretKeyRef: { secret: "${fx-secret-API_KEY.secretId}", version: "latest" } },
    });
    expect(container.envs).to.deep.include({
      name: "HANDOFF_STORE_RATES",
      value: "firestore://${fx-tables.name}/rates",
    });
    expect(container.envs).to.deep.include({
      name: "HANDOFF_STORE_RAW_FILES",
      value: "gs://${fx-store-raw-files.name}",
    });
    expect(container.image).to.equal("${fx-repository.registryUri}/runner@${fx-image.digest}");
    // Less than the 10 s that Cloud Run leaves.
    expect(container.envs).to.deep.include({ name: "HANDOFF_GRACE_SECONDS", value: "7" });
    expect(job.dependsOn).to.include.members([
      "fx-secret-API_KEY.fx-rates",
      "fx-secretversion-API_KEY",
      "fx-artifacts.fx-rates",
    ]);
  });

  it("are one for each task with granularity task, with the limit of one attempt", () => {
    const jobs = ofType(full.task, "gcp:cloudrunv2/job:Job");
    expect(jobs.map(({ name }) => name)).to.have.members([
      "fx-job-extract",
      "fx-job-reference",
      "fx-job-load",
      "fx-job-report",
    ]);
    expect(inputs(named(full.task, "fx-job-extract")).template.template.timeout).to.equal("720s");
    expect(inputs(named(full.task, "fx-job-extract")).template.template.containers[0].args).to.deep.equal([
      "run",
      "--no-retries",
      "extract",
    ]);
  });

  it("have Cloud Run's longest limit where the project has none", () => {
    expect(inputs(only(full.small, "gcp:cloudrunv2/job:Job")).template.template.timeout).to.equal("604800s");
  });

  it("use the stack's image where it names one, and build one for x86_64 else", () => {
    expect(ofType(full.existing, "docker-build:index:Image")).to.have.length(0);
    expect(
      inputs(only(full.existing, "gcp:cloudrunv2/job:Job")).template.template.containers[0].image,
    ).to.match(/@sha256:/);
    const arm = render(samplePlan("gcp", { architecture: "arm64" }));
    expect(inputs(only(arm, "docker-build:index:Image")).platforms).to.deep.equal(["linux/amd64"]);
    expect(full.small.lookups.map(({ secret }) => secret)).to.deep.equal([true]);
  });

  it("reach the internet by themselves, through a NAT, or through a network that is there", () => {
    const access = (rendering: Rendering) => {
      const [job] = ofType(rendering, "gcp:cloudrunv2/job:Job");
      return job ? inputs(job).template.template.vpcAccess : undefined;
    };
    expect(access(full.small)).to.equal(undefined);
    expect(access(full.existing)).to.deep.equal({
      egress: "ALL_TRAFFIC",
      networkInterfaces: [{ network: "main", subnetwork: "jobs", tags: ["a-tag", "b-tag"] }],
    });
    expect(access(full.task)).to.deep.equal({
      egress: "ALL_TRAFFIC",
      networkInterfaces: [{ network: "${fx-network.id}", subnetwork: "${fx-subnetwork.id}" }],
    });
    expect(inputs(only(full.task, "gcp:compute/routerNat:RouterNat")).natIps).to.deep.equal([
      "${fx-address.selfLink}",
    ]);
    expect(named(full.task, "fx-job-load").dependsOn).to.include("fx-nat");
    expect(full.task.outputs.address).to.deep.equal({ $ref: ["fx-address", "address"] });
  });
});

describe("data on Google Cloud", () => {
  it("is private, versioned, and kept unless the stack says deleteData", () => {
    const buckets = ofType(full.project, "gcp:storage/bucket:Bucket");
    expect(buckets).to.have.length(2);
    for (const bucket of buckets) {
      expect(bucket.inputs).to.include({
        uniformBucketLevelAccess: true,
        publicAccessPrevention: "enforced",
        forceDestroy: false,
        location: "US-CENTRAL1",
      });
      expect(bucket.inputs.versioning).to.deep.equal({ enabled: true });
    }
    const artifacts = inputs(named(full.project, "fx-artifacts"));
    const url: string = inputs(
      only(full.project, "gcp:cloudrunv2/job:Job"),
    ).template.template.containers[0].envs.find(
      ({ name }: { name: string }) => name === "HANDOFF_ARTIFACTS",
    ).value;
    const prefix = url.replace("gs://${fx-artifacts.name}/", "");
    expect(artifacts.lifecycleRules.at(-1)).to.deep.equal({
      action: { type: "Delete" },
      condition: {
        age: 90,
        matchesPrefixes: [`${prefix}/runs/`, `${prefix}/records/`],
        withState: "LIVE",
      },
    });
    const gone = render(fullPlan("gcp", { deleteData: true }));
    for (const type of ["gcp:storage/bucket:Bucket", "gcp:firestore/database:Database"]) {
      for (const made of ofType(gone, type)) expect(made.retainOnDelete).to.equal(false);
    }
    expect(only(gone, "gcp:firestore/database:Database").inputs).to.include({
      deletionPolicy: "DELETE",
      deleteProtectionState: "DELETE_PROTECTION_DISABLED",
    });
    expect(gcp.keptData(printable(gone.outputs) as Record<string, unknown>)).to.deep.equal([]);
    expect(gcp.keptData(printable(full.project.outputs) as Record<string, unknown>)).to.have.length(3);
    expect(gcp.keptData({})).to.deep.equal([]);
  });

  it("has secrets only for the keys that the stack has", () => {
    const plan = fullPlan("gcp", { secretKeys: ["API_KEY"] });
    const secrets = ofType(render(plan), "gcp:secretmanager/secret:Secret");
    expect(secrets.map(({ name }) => name)).to.deep.equal(["fx-secret-API_KEY"]);
  });

  it("keeps logs for longer than 30 days only where the stack asks for it", () => {
    expect(
      only(full.small, "gcp:logging/projectBucketConfig:ProjectBucketConfig").inputs.retentionDays,
    ).to.equal(90);
    expect(ofType(full.existing, "gcp:logging/projectBucketConfig:ProjectBucketConfig")).to.have.length(0);
    expect(only(full.small, "gcp:logging/projectSink:ProjectSink").inputs.filter).to.include(
      "resource.labels.job_name=",
    );
  });
});

describe("schedules on Google Cloud", () => {
  const body = (resource: RenderedResource) =>
    JSON.parse(Buffer.from(inputs(resource).httpTarget.body, "base64").toString("utf8"));

  it("start the job with the schedule's overrides, whatever is in them", () => {
    const weekdays = named(full.project, "fx-schedule-weekdays");
    expect(weekdays.inputs).to.include({
      schedule: "30 6 * * 1-5",
      timeZone: "America/New_York",
      paused: false,
    });
    expect(inputs(weekdays).httpTarget.uri).to.equal(
      "https://run.googleapis.com/v2/${fx-job-fx-rates.id}:run",
    );
    expect(inputs(weekdays).httpTarget.oauthToken).to.deep.equal({
      serviceAccountEmail: "${fx-account-scheduler.email}",
    });
    expect(body(weekdays)).to.deep.equal({
      overrides: {
        containerOverrides: [
          {
            args: ["run", ...weekdaysOptions, "load", "report"],
            env: [{ name: "HANDOFF_SCHEDULE", value: "weekdays" }],
          },
        ],
      },
    });
    expect(named(full.project, "fx-schedule-paused").inputs.paused).to.equal(true);
    expect(named(full.project, "fx-schedule-first-or-monday").inputs.schedule).to.equal("15 6 1 * 1");
  });

  it("start the flow of their tasks with granularity task", () => {
    const nightly = named(full.task, "fx-schedule-nightly");
    expect(inputs(nightly).httpTarget.uri).to.equal(
      "https://workflowexecutions.googleapis.com/v1/${fx-flow-all.id}/executions",
    );
    const { calls } = JSON.parse(body(nightly).argument);
    expect(Object.keys(calls)).to.have.members(["extract", "reference", "load", "report"]);
    expect(calls.load).to.deep.equal({
      args: ["run", "--no-retries", "load"],
      env: [{ name: "HANDOFF_SCHEDULE", value: "nightly" }],
    });
    const weekdays = named(full.task, "fx-schedule-weekdays");
    expect(inputs(weekdays).httpTarget.uri).to.include("${fx-flow-for-weekdays.id}");
    expect(Object.keys(JSON.parse(body(weekdays).argument).calls)).to.deep.equal(["load", "report"]);
    // The same tasks, the same flow.
    expect(inputs(named(full.task, "fx-schedule-often")).httpTarget.uri).to.include(
      "${fx-flow-for-weekdays.id}",
    );
  });
});

describe("alerts on Google Cloud", () => {
  const filters = (resource: RenderedResource): string[] =>
    inputs(resource).conditions.map(
      // biome-ignore lint/suspicious/noExplicitAny: one of two kinds
      (condition: any) => (condition.conditionThreshold ?? condition.conditionMatchedLog).filter,
    );

  it("watch executions of the job, and those of triggers that could not start it", () => {
    const [job, triggers, ...others] = filters(named(full.project, "fx-alert-failure"));
    expect(others).to.have.length(0);
    expect(job).to.include('metric.labels.result="failed"').and.include('resource.type="cloud_run_job"');
    expect(triggers).to.include('metric.labels.status="FAILED"').and.include("one_of(");
    expect(filters(named(full.project, "fx-alert-missed"))[0]).to.include(
      'resource.type="cloud_scheduler_job"',
    );
  });

  it("watch workflows with granularity task, not each attempt at a job", () => {
    for (const filter of filters(named(full.task, "fx-alert-failure")))
      expect(filter).not.to.include("cloud_run_job");
    expect(full.task.resources.map(({ name }) => name)).not.to.include("fx-alert-timeout");
  });

  it("tell of a success in the runner's own words: of the run, or of the flow's last job", () => {
    for (const [rendering, event] of [
      [full.project, "run.end"],
      [full.task, "flow.end"],
    ] as const) {
      const policy = named(rendering, "fx-alert-success");
      const [filter, ...others] = filters(policy);
      expect(others).to.deep.equal([]);
      expect(filter).to.match(/^resource\.type="cloud_run_job" AND /);
      expect(filter).to.match(
        new RegExp(` AND jsonPayload.event="${event}" AND jsonPayload.status="success"$`),
      );
      const [condition] = inputs(policy).conditions;
      const extractors: Record<string, string> = condition.conditionMatchedLog.labelExtractors;
      const used = [...inputs(policy).documentation.content.matchAll(/\$\{log\.extracted_label\.(\w+)\}/g)];
      expect(used.map(([, label]) => label)).to.deep.equal(Object.keys(extractors));
      expect(inputs(policy).documentation.content).to.equal(
        "fx-rates (client-a, prod): ${log.extracted_label.summary}. Log: handoff logs -s prod ${log.extracted_label.run}",
      );
      // What a notification may show of an entry, a log line has (model/run.ts).
      const line: Required<Pick<LogLine, "runId" | "summary">> = { runId: "r", summary: "s" };
      for (const extractor of Object.values(extractors)) {
        const field = /^EXTRACT\(jsonPayload\.(\w+)\)$/.exec(extractor)?.[1];
        expect(line).to.have.property(String(field));
      }
      expect(inputs(policy).alertStrategy.notificationRateLimit.period).to.equal("300s");
    }
  });

  it("tell a time-out by itself to those who don't hear of failures, by a log entry alone", () => {
    const plan = planOf(
      `version: 1
name: fx
tasks: [{name: fetch, timeout: 60s, pipeline: [{command: "true"}]}]
notifications:
- {on: [timeout], email: ops@example.com}
- {on: [failure, timeout], email: data@example.com}
`,
      "gcp",
    );
    const rendering = render(plan);
    const policy = named(rendering, "fx-alert-timeout");
    expect(filters(policy)).to.have.length(1);
    expect(inputs(policy).alertStrategy.notificationRateLimit).to.deep.equal({ period: "300s" });
    expect(inputs(policy).notificationChannels).to.deep.equal(["${fx-channel-email-ops@example.com.name}"]);
    expect(inputs(named(rendering, "fx-alert-failure")).notificationChannels).to.deep.equal([
      "${fx-channel-email-data@example.com.name}",
    ]);
    expect(inputs(named(rendering, "fx-alert-failure")).alertStrategy).not.to.have.property(
      "notificationRateLimit",
    );
  });

  it("reach each target once, webhooks by a workflow that reads the address where it is kept", () => {
    const channels = ofType(full.project, "gcp:monitoring/notificationChannel:NotificationChannel");
    expect(channels.map(({ inputs: { type } }) => type)).to.deep.equal(["email", "pubsub", "pubsub"]);
    const source = JSON.parse(
      String(named(full.project, "fx-notifier-webhook-SLACK_URL").inputs.sourceContents),
    );
    expect(source.main.steps[1].read_url.args.secret_id).to.equal(
      named(full.project, "fx-secret-SLACK_URL").inputs.secretId,
    );
    expect(named(full.project, "fx-alert-failure").dependsOn).to.include(
      "fx-topic-alerts-webhook-SLACK_URL.monitoring",
    );
  });

  it("are not made where nobody is to be told", () => {
    expect(full.small.resources.filter(({ type }) => type.includes("monitoring"))).to.deep.equal([]);
  });
});
