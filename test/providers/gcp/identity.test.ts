// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references as they are printed, and Workflows' expressions
import { expect } from "chai";
import { projectRoles } from "../../../providers/gcp/identity.js";
import { gcp } from "../../../providers/gcp/index.js";
import { printable, type RenderedResource } from "../../../providers/rendering.js";
import { fullPlan, samplePlan } from "../plans.js";

const context = { name: "fx", pulumiProject: "pipelines" };
const plans = [
  samplePlan("gcp"),
  fullPlan("gcp"),
  fullPlan("gcp", { granularity: "task", network: { mode: "nat" } }),
];
const members = plans.flatMap((plan) =>
  gcp.render(plan, context).resources.filter(({ type }) => /(Iam|IAM)Member$/.test(type)),
);
// biome-ignore lint/suspicious/noExplicitAny: inputs are looked into freely
const inputs = (resource: RenderedResource): any => printable(resource.inputs);

describe("identities on Google Cloud", () => {
  it("have only roles that are listed here, on the kind of resource that each is for", () => {
    const given = [
      ...new Set(members.map((member) => `${inputs(member).role} ${member.type.split(":")[1]}`)),
    ];
    expect(given.sort()).to.deep.equal(
      [
        "roles/datastore.user projects/iAMMember",
        "roles/eventarc.eventReceiver projects/iAMMember",
        "roles/pubsub.publisher pubsub/topicIAMMember",
        "roles/run.jobsExecutorWithOverrides cloudrunv2/jobIamMember",
        "roles/run.viewer projects/iAMMember",
        "roles/secretmanager.secretAccessor secretmanager/secretIamMember",
        "roles/storage.objectUser storage/bucketIAMMember",
        "roles/workflows.invoker projects/iAMMember",
      ].sort(),
    );
  });

  it("have no primitive and no administrator's role", () => {
    for (const member of members) {
      expect(inputs(member).role).not.to.match(/^roles\/(owner|editor|viewer)$|admin/i);
      expect(inputs(member).member).to.match(/\.member\}$|^serviceAccount:service-/);
    }
  });

  it("have a role on the project only where there is a reason, and with a condition where there can be one", () => {
    const onProject = members.filter(({ type }) => type === "gcp:projects/iAMMember:IAMMember");
    expect([...new Set(onProject.map((member) => inputs(member).role))].sort()).to.deep.equal(
      Object.keys(projectRoles).sort(),
    );
    for (const reason of Object.values(projectRoles)) expect(reason.length).to.be.greaterThan(40);
    for (const member of onProject) {
      if (inputs(member).role !== "roles/datastore.user") continue;
      expect(inputs(member).condition.expression).to.equal(
        'resource.name == "projects/my-project/databases/${fx-tables.name}"',
      );
    }
  });

  it("are one for each job, none of which may start a job", () => {
    const { resources } = gcp.render(fullPlan("gcp", { granularity: "task" }), context);
    const jobs = resources.filter(({ type }) => type === "gcp:cloudrunv2/job:Job");
    const accounts = jobs.map((job) => inputs(job).template.template.serviceAccount);
    expect(new Set(accounts).size).to.equal(4);
    for (const account of accounts) {
      const mine = members.filter(
        (member) => inputs(member).member === account.replace(".email}", ".member}"),
      );
      expect(mine).not.to.have.length(0);
      for (const member of mine) expect(inputs(member).role).not.to.match(/run\.|workflows\./);
    }
  });

  it("read a secret only where the job has it, or the webhook whose address it is", () => {
    const secrets = members.filter(({ type }) => type.includes("secretIamMember"));
    for (const member of secrets) expect(inputs(member).member).to.match(/fx-account-(job|notifier)-/);
    const notifier = secrets.filter((member) => inputs(member).member.includes("notifier"));
    expect([...new Set(notifier.map((member) => inputs(member).secretId))]).to.deep.equal([
      "${fx-secret-SLACK_URL.secretId}",
    ]);
  });
});
