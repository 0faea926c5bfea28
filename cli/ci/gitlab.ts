/** A pipeline of GitLab CI. */
import { stringify } from "yaml";
import type { CiFacts } from "./facts.js";
import {
  commandsOf,
  header,
  identityVariable,
  nodeVersion,
  type PipelineOptions,
  type Role,
  reports,
} from "./pipeline.js";

export function gitlabPipeline(facts: CiFacts, { branch }: PipelineOptions): string {
  const commands = commandsOf(facts);
  const place = facts.folder === "." ? "" : `${facts.folder}/`;
  const job = (role: Role, command: string, rule: string, more: object = {}) => ({
    extends: ".handoff",
    stage: role === "deploy" ? "deploy" : "check",
    rules: [{ if: rule }],
    variables: variables(facts, role),
    script: [...login(facts), command],
    ...more,
  });
  const pipeline = {
    // Not one for the branch and one for the merge request.
    workflow: {
      rules: [
        { if: '$CI_PIPELINE_SOURCE == "merge_request_event"' },
        { if: '$CI_PIPELINE_SOURCE == "schedule"' },
        { if: `$CI_COMMIT_BRANCH == "${branch}"` },
      ],
    },
    stages: ["check", "deploy"],
    ".handoff": {
      image: `node:${nodeVersion}-bookworm`,
      services: ["docker:27-dind"],
      id_tokens: tokens(facts),
      cache: {
        key: { files: [`${place}package-lock.json`] },
        paths: [`${place}.npm/`, `${place}.cache/`],
      },
      before_script: [
        // The image is built by Docker's client, which Node's image doesn't have.
        "apt-get update -qq && apt-get install -y -qq docker.io > /dev/null",
        ...(facts.folder === "." ? [] : [`cd ${facts.folder}`]),
        "npm ci --cache .npm --prefer-offline",
      ],
      artifacts: {
        when: "always",
        paths: [`${place}${reports.summary}`],
        reports: { junit: `${place}${reports.junit}` },
        expire_in: "30 days",
      },
    },
    preview: job("preview", commands.preview, '$CI_PIPELINE_SOURCE == "merge_request_event"', {
      after_script: [...(facts.folder === "." ? [] : [`cd ${facts.folder}`]), comment],
      interruptible: true,
    }),
    up: job("deploy", commands.up, `$CI_COMMIT_BRANCH == "${branch}" && $CI_PIPELINE_SOURCE != "schedule"`, {
      environment: { name: "production" },
      // One after the other.
      resource_group: "handoff",
    }),
    drift: job("preview", commands.drift, '$CI_PIPELINE_SOURCE == "schedule"'),
  };
  return `${header("gitlab", facts)}\n${stringify(pipeline, { lineWidth: 0, aliasDuplicateObjects: false })}`;
}

/** GitLab's own token may not write notes: without one of the project's there is the job's report alone. */
const comment = [
  `if [ -n "$GITLAB_TOKEN" ] && [ -f ${reports.summary} ]; then`,
  '  curl --silent --show-error --fail --request POST --header "PRIVATE-TOKEN: $GITLAB_TOKEN" \\',
  `    --form "body=<${reports.summary}" --output /dev/null \\`,
  '    "$CI_API_V4_URL/projects/$CI_PROJECT_ID/merge_requests/$CI_MERGE_REQUEST_IID/notes"',
  "fi",
].join("\n");

/** Tokens of this job that each cloud accepts; `aud` is what it wants in them. */
function tokens({ clouds }: CiFacts): Record<string, { aud: string }> {
  return {
    ...(clouds.includes("aws") ? { AWS_ID_TOKEN: { aud: "sts.amazonaws.com" } } : {}),
    ...(clouds.includes("gcp")
      ? { GCP_ID_TOKEN: { aud: "https://iam.googleapis.com/$GCP_WORKLOAD_IDENTITY_PROVIDER" } }
      : {}),
    ...(clouds.includes("azure") ? { AZURE_ID_TOKEN: { aud: "api://AzureADTokenExchange" } } : {}),
  };
}

function variables({ clouds, folder }: CiFacts, role: Role): Record<string, string> {
  const own = (cloud: (typeof clouds)[number]): string => `$${identityVariable(cloud, role)}`;
  const cache = `$CI_PROJECT_DIR/${folder === "." ? "" : `${folder}/`}.cache`;
  return {
    DOCKER_HOST: "tcp://docker:2375",
    DOCKER_TLS_CERTDIR: "",
    HANDOFF_CACHE: `${cache}/handoff`,
    PULUMI_HOME: `${cache}/pulumi`,
    ...(clouds.includes("aws")
      ? {
          AWS_ROLE_ARN: own("aws"),
          AWS_WEB_IDENTITY_TOKEN_FILE: "/tmp/aws-token",
          AWS_ROLE_SESSION_NAME: "handoff-$CI_PIPELINE_ID",
        }
      : {}),
    ...(clouds.includes("gcp")
      ? {
          GOOGLE_APPLICATION_CREDENTIALS: "/tmp/gcp.json",
          GCP_IDENTITY: own("gcp"),
        }
      : {}),
    ...(clouds.includes("azure")
      ? {
          ARM_USE_OIDC: "true",
          ARM_CLIENT_ID: own("azure"),
          ARM_TENANT_ID: "$AZURE_TENANT_ID",
          ARM_SUBSCRIPTION_ID: "$AZURE_SUBSCRIPTION_ID",
        }
      : {}),
  };
}

function login({ clouds }: CiFacts): string[] {
  const steps = {
    aws: ['printf %s "$AWS_ID_TOKEN" > /tmp/aws-token'],
    gcp: ['printf %s "$GCP_ID_TOKEN" > /tmp/gcp-token', gcpCredentials],
    azure: ['export ARM_OIDC_TOKEN="$AZURE_ID_TOKEN"'],
  } as const;
  return clouds.flatMap((cloud) => steps[cloud]);
}

/** A file that says how the token is changed for one of Google's; it holds no secret itself. */
const gcpCredentials = [
  "cat > /tmp/gcp.json <<EOF",
  "{",
  '  "type": "external_account",',
  '  "audience": "//iam.googleapis.com/$GCP_WORKLOAD_IDENTITY_PROVIDER",',
  '  "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",',
  '  "token_url": "https://sts.googleapis.com/v1/token",',
  '  "service_account_impersonation_url": "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/$GCP_IDENTITY:generateAccessToken",',
  '  "credential_source": {"file": "/tmp/gcp-token"}',
  "}",
  "EOF",
].join("\n");
