import type { Diagnostic } from "../../model/diagnostic.js";
import type { DeployPlan } from "../../model/plan-types.js";
import { capabilities } from "./capabilities.js";
import { checkSizes } from "./size.js";

/** What the local platform can't do of a plan, and what it does in another way. */
export function check(plan: DeployPlan): Diagnostic[] {
  const diagnostics = checkSizes(plan);
  diagnostics.push(...unusedSettings(plan), ...checkSource(plan));
  for (const { target } of plan.notifications) {
    if (target.kind !== "email") continue;
    diagnostics.push({
      severity: "warning",
      code: "local-no-email",
      message: `no mail will be sent to ${target.address}: ${capabilities.email.how}`,
      hint: "add a notification with webhook or command for this stack",
    });
  }
  return diagnostics;
}

/** A container has neither this machine's files nor its loopback. */
function checkSource({ settings, spec }: DeployPlan): Diagnostic[] {
  const { source } = spec.project.deploy;
  if (settings.engine !== "docker" || source.kind !== "git") return [];
  const { protocol, hostname } = new URL(source.url);
  if (protocol === "file:") {
    return [
      {
        severity: "error",
        code: "local-source",
        message: `deploy.source.git: ${source.url} is a folder of this machine, which a container doesn't see`,
        hint: "give the address of a server, or write handoff:engine: process",
      },
    ];
  }
  if (!/^(localhost|127\.[\d.]+|\[::1\])$/.test(hostname)) return [];
  return [
    {
      severity: "warning",
      code: "local-source",
      message: `deploy.source.git: to a container ${hostname} is itself, unless it has this machine's network`,
      hint: `write {"dockerNetwork": "host"} in agent/settings.json`,
    },
  ];
}

/** Settings that speak of a cloud's network, image and machines: said, so that nobody relies on them. */
function unusedSettings({ settings }: DeployPlan): Diagnostic[] {
  const { network, image, spot, architecture, engine } = settings;
  const settingsOfClouds = [
    { key: "network", used: network.mode === "nat", capability: "network-nat" },
    { key: "network", used: network.mode === "existing", capability: "network-existing" },
    { key: "image", used: image !== undefined && engine === "process", capability: "image" },
    { key: "spot", used: spot, capability: "spot" },
    { key: "architecture", used: architecture === "arm64", capability: "arm64" },
  ] as const;
  return settingsOfClouds
    .filter(({ used }) => used)
    .map(({ key, capability }) => ({
      severity: "info",
      code: "local-setting-unused",
      message: `handoff:${key} is not used by the local platform: ${capabilities[capability].how}`,
    }));
}
