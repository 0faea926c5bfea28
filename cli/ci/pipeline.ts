/** What both CI systems do, and what each of them has to be told by hand. */
import type { CiFacts } from "./facts.js";

export interface PipelineOptions {
  /** What is merged there is deployed. */
  readonly branch: string;
  /** Cron of 5 fields, in UTC. */
  readonly drift: string;
}

/** Who CI is in a cloud: a preview may only read, so that a pull request can't change what runs. */
export type Role = "preview" | "deploy";

/** Variables of the CI system that name these identities; no value of them is a secret. */
export const identityVariables = {
  aws: { preview: "AWS_PREVIEW_ROLE_ARN", deploy: "AWS_DEPLOY_ROLE_ARN", others: ["AWS_REGION"] },
  gcp: {
    preview: "GCP_PREVIEW_SERVICE_ACCOUNT",
    deploy: "GCP_DEPLOY_SERVICE_ACCOUNT",
    others: ["GCP_WORKLOAD_IDENTITY_PROVIDER"],
  },
  azure: {
    preview: "AZURE_PREVIEW_CLIENT_ID",
    deploy: "AZURE_DEPLOY_CLIENT_ID",
    others: ["AZURE_TENANT_ID", "AZURE_SUBSCRIPTION_ID"],
  },
} as const;

export function identityVariable(cloud: CiFacts["clouds"][number], role: Role): string {
  return identityVariables[cloud][role];
}

/** Node that CI runs handoff with. */
export const nodeVersion = "22";

/** Where the reports of a run are, relative to the folder of Pulumi.yaml. */
export const reports = { summary: "handoff-summary.md", junit: "handoff-junit.xml" } as const;
const written = `--report ${reports.summary} --report ${reports.junit}`;

/** Stacks that CI is for: `--all` would take those of somebody's own machine too. */
export function selection({ clouds, localStacks }: CiFacts): string {
  return localStacks.length === 0 ? "--all" : clouds.map((cloud) => `--select cloud=${cloud}`).join(" ");
}

export function commandsOf(facts: CiFacts) {
  const stacks = selection(facts);
  return {
    install: "npm ci",
    preview: `npx handoff preview ${stacks} ${written}`,
    up: `npx handoff up ${stacks} --retry 2 ${written}`,
    drift: `npx handoff drift ${stacks} --expect-no-changes ${written}`,
  } as const;
}

/** The first lines of the file. */
export function header(kind: "github" | "gitlab", facts: CiFacts): string {
  return [
    `# Written by \`handoff ci ${kind}\` for stacks on ${facts.clouds.join(", ")}; write it anew when they are on others.`,
    "# What is to be set up once, in the clouds and here: docs/ci.md of handoff.",
  ].join("\n");
}
