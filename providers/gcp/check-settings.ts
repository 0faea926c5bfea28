/** What Google Cloud says to the stack's settings. */
import type { Diagnostic } from "../../model/diagnostic.js";
import type { DeployPlan } from "../../model/plan-types.js";
import { capabilities } from "./capabilities.js";
import { error, info, warning } from "./findings.js";
import { defaultRetentionDays, maxRetentionDays } from "./logs.js";
import { labelKey, labelValue } from "./names.js";

export function checkSettings(plan: DeployPlan): Diagnostic[] {
  return [
    ...checkPlace(plan),
    ...checkNetwork(plan),
    ...checkCapacity(plan),
    ...checkTags(plan),
    ...checkRetention(plan),
  ];
}

function checkPlace({ settings: { gcpProject, region, stack } }: DeployPlan): Diagnostic[] {
  const found: Diagnostic[] = [];
  if (gcpProject === undefined) {
    found.push(
      error(
        "gcp-no-project",
        `stack ${stack} has no project of Google Cloud`,
        `set gcp:project in Pulumi.${stack}.yaml, for example: pulumi config set gcp:project my-project`,
      ),
    );
  } else if (!/^([a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]$/.test(gcpProject)) {
    found.push(
      error(
        "gcp-project",
        `\`${gcpProject}\` is no project id of Google Cloud`,
        "write the project's id: 6 to 30 small letters, digits and dashes, neither its name nor its number",
      ),
    );
  }
  if (region === undefined) {
    found.push(
      error(
        "gcp-no-region",
        `stack ${stack} has no Google Cloud region`,
        `set gcp:region in Pulumi.${stack}.yaml, for example: pulumi config set gcp:region us-central1`,
      ),
    );
  } else if (!/^[a-z]+-[a-z]+\d{1,2}$/.test(region)) {
    found.push(
      error(
        "gcp-region",
        `\`${region}\` is no Google Cloud region`,
        "write it as in us-central1, without the zone's letter",
      ),
    );
  }
  return found;
}

function checkNetwork({ settings: { network } }: DeployPlan): Diagnostic[] {
  if (network.mode !== "existing") return [];
  const { subnets } = network;
  const found: Diagnostic[] = [];
  if (subnets.length !== 1) {
    found.push(
      error(
        "gcp-network",
        `handoff:network names ${subnets.length} subnets, and a Cloud Run job has one`,
        "name the one subnetwork of the region",
      ),
    );
  }
  const foreign = [network.vpc ?? "", ...subnets].find(
    (name) => /^(vpc|subnet)-[0-9a-f]{8,}$/.test(name) || name.includes("/providers/Microsoft."),
  );
  if (foreign !== undefined) {
    found.push(
      error(
        "gcp-network",
        `handoff:network names \`${foreign}\`, which is no network of Google Cloud`,
        "write the names of the network and of the subnetwork",
      ),
    );
  }
  return found;
}

/** Kinds of capacity that only another cloud has. */
function checkCapacity({ settings: { spot, architecture } }: DeployPlan): Diagnostic[] {
  return [
    ...(spot
      ? [
          warning(
            "gcp-no-spot",
            `handoff:spot is not used: ${capabilities.spot.how}`,
            "remove handoff:spot from this stack",
          ),
        ]
      : []),
    ...(architecture === "arm64"
      ? [
          warning(
            "gcp-no-arm64",
            `the image is built for x86_64: ${capabilities.arm64.how}`,
            "remove handoff:architecture from this stack",
          ),
        ]
      : []),
  ];
}

function checkTags({ tags }: DeployPlan): Diagnostic[] {
  return Object.entries(tags)
    .filter(([key, value]) => labelKey(key) !== key || labelValue(value) !== value)
    .map(([key, value]) =>
      info(
        "gcp-label",
        `tag ${key}=${value} becomes the label ${labelKey(key)}=${labelValue(value)}: labels have small letters, digits, _ and -`,
      ),
    );
}

function checkRetention({ settings: { logRetentionDays: days } }: DeployPlan): Diagnostic[] {
  if (days < defaultRetentionDays) {
    return [
      info(
        "gcp-retention-rounded",
        `logs are kept ${defaultRetentionDays} days: Cloud Logging has no ${days}`,
      ),
    ];
  }
  if (days <= maxRetentionDays) return [];
  return [
    info("gcp-retention-rounded", `logs are kept ${maxRetentionDays} days: Cloud Logging has no ${days}`),
  ];
}
