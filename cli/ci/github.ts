// biome-ignore-all lint/suspicious/noTemplateCurlyInString: they are expressions of GitHub Actions
/** A workflow of GitHub Actions. */
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

interface Step {
  readonly name?: string;
  readonly uses?: string;
  readonly if?: string;
  readonly with?: Readonly<Record<string, string>>;
  readonly run?: string;
  readonly env?: Readonly<Record<string, string>>;
}

export function githubWorkflow(facts: CiFacts, { branch, drift }: PipelineOptions): string {
  const commands = commandsOf(facts);
  const job = (
    role: Role,
    command: string,
    more: {
      readonly if: string;
      readonly permissions?: object;
      readonly after?: readonly Step[];
      readonly other?: object;
    },
  ) => ({
    if: more.if,
    "runs-on": "ubuntu-latest",
    "timeout-minutes": 120,
    permissions: { contents: "read", "id-token": "write", ...more.permissions },
    ...more.other,
    ...(facts.folder === "." ? {} : { defaults: { run: { "working-directory": facts.folder } } }),
    steps: [
      ...prepare(facts),
      ...login(facts, role),
      { run: command, env: environment(facts, role) },
      ...(more.after ?? []),
    ],
  });
  const place = facts.folder === "." ? "" : `${facts.folder}/`;
  const summary: Step = {
    name: "summary",
    if: "always()",
    run: `test ! -f ${reports.summary} || cat ${reports.summary} >> "$GITHUB_STEP_SUMMARY"`,
  };
  const tests: Step = {
    uses: "actions/upload-artifact@v4",
    if: "always()",
    with: { name: "handoff-reports", path: `${place}handoff-*.*`, "if-no-files-found": "ignore" },
  };
  const workflow = {
    name: "handoff",
    on: {
      pull_request: null,
      push: { branches: [branch] },
      schedule: [{ cron: drift }],
      workflow_dispatch: null,
    },
    permissions: { contents: "read" },
    jobs: {
      preview: job("preview", commands.preview, {
        // Others' forks have no identity in the clouds, and must have none.
        if: "github.event_name == 'pull_request' && github.event.pull_request.head.repo.full_name == github.repository",
        permissions: { "pull-requests": "write" },
        other: { concurrency: { group: "handoff-preview-${{ github.ref }}", "cancel-in-progress": true } },
        after: [
          summary,
          {
            name: "comment",
            if: "always()",
            run: `test ! -f ${reports.summary} || gh pr comment "$PR" --body-file ${reports.summary} --edit-last --create-if-none`,
            env: { GH_TOKEN: "${{ github.token }}", PR: "${{ github.event.pull_request.number }}" },
          },
          tests,
        ],
      }),
      up: job("deploy", commands.up, {
        if: `github.event_name == 'workflow_dispatch' || (github.event_name == 'push' && github.ref == 'refs/heads/${branch}')`,
        // One after the other, and none is cut off.
        other: {
          environment: "production",
          concurrency: { group: "handoff-up", "cancel-in-progress": false },
        },
        after: [summary, tests],
      }),
      drift: job("preview", commands.drift, {
        if: "github.event_name == 'schedule'",
        after: [summary, tests],
      }),
    },
  };
  return `${header("github", facts)}\n${stringify(workflow, { lineWidth: 0, nullStr: "", aliasDuplicateObjects: false })}`;
}

function prepare({ folder }: CiFacts): Step[] {
  const lock = folder === "." ? "package-lock.json" : `${folder}/package-lock.json`;
  return [
    { uses: "actions/checkout@v4" },
    {
      uses: "actions/setup-node@v4",
      with: { "node-version": nodeVersion, cache: "npm", "cache-dependency-path": lock },
    },
    {
      // The Pulumi engine and the clouds' plugins, which the first run gets.
      uses: "actions/cache@v4",
      with: {
        path: "~/.cache/handoff\n~/.pulumi/plugins\n",
        key: `handoff-\${{ runner.os }}-\${{ runner.arch }}-\${{ hashFiles('${lock}') }}`,
      },
    },
    { run: "npm ci" },
  ];
}

function login({ clouds }: CiFacts, role: Role): Step[] {
  const steps: Readonly<Record<(typeof clouds)[number], Step>> = {
    aws: {
      uses: "aws-actions/configure-aws-credentials@v4",
      with: {
        "role-to-assume": `\${{ vars.${identityVariable("aws", role)} }}`,
        "aws-region": "${{ vars.AWS_REGION }}",
      },
    },
    gcp: {
      uses: "google-github-actions/auth@v2",
      with: {
        workload_identity_provider: "${{ vars.GCP_WORKLOAD_IDENTITY_PROVIDER }}",
        service_account: `\${{ vars.${identityVariable("gcp", role)} }}`,
      },
    },
    azure: {
      uses: "azure/login@v2",
      with: {
        "client-id": `\${{ vars.${identityVariable("azure", role)} }}`,
        "tenant-id": "${{ vars.AZURE_TENANT_ID }}",
        "subscription-id": "${{ vars.AZURE_SUBSCRIPTION_ID }}",
      },
    },
  };
  return clouds.map((cloud) => steps[cloud]);
}

function environment({ clouds, passphrase, backend }: CiFacts, role: Role): Record<string, string> {
  return {
    ...(passphrase ? { PULUMI_CONFIG_PASSPHRASE: "${{ secrets.PULUMI_CONFIG_PASSPHRASE }}" } : {}),
    ...(backend === "pulumi-cloud" ? { PULUMI_ACCESS_TOKEN: "${{ secrets.PULUMI_ACCESS_TOKEN }}" } : {}),
    // Pulumi's own sign-in to Azure, with the token that GitHub gives it.
    ...(clouds.includes("azure")
      ? {
          ARM_USE_OIDC: "true",
          ARM_CLIENT_ID: `\${{ vars.${identityVariable("azure", role)} }}`,
          ARM_TENANT_ID: "${{ vars.AZURE_TENANT_ID }}",
          ARM_SUBSCRIPTION_ID: "${{ vars.AZURE_SUBSCRIPTION_ID }}",
        }
      : {}),
  };
}
