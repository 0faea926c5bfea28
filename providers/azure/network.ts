/** The environment that jobs run in, and its network. */
import { type RenderedResource, ref } from "../rendering.js";
import type { Logs } from "./logs.js";
import { nameOf } from "./names.js";
import { azure } from "./resources.js";
import { replaced, type Scope, type Text } from "./scope.js";

/** The profile that every environment has: paid for by the second, nothing while nothing runs. */
export const profile = "Consumption";

export interface Network {
  readonly resources: readonly RenderedResource[];
  readonly environmentId: Text;
  /** The one address of `mode: nat`. */
  readonly address?: Text;
}

export function network(scope: Scope, logs: Logs): Network {
  const { plan, parent, location, tags, group } = scope;
  const { subnet, address, resources } = subnetOf(scope);
  const environment = azure(
    "azure-native:app:ManagedEnvironment",
    scope.resource("environment"),
    parent,
    {
      environmentName: nameOf(plan, "environment"),
      resourceGroupName: group,
      location,
      // Without it some regions make an environment of the old kind, with smaller jobs (docs/cloud-facts.md).
      workloadProfiles: [{ name: profile, workloadProfileType: profile }],
      appLogsConfiguration: {
        destination: "log-analytics",
        logAnalyticsConfiguration: {
          customerId: logs.customerId,
          sharedKey: logs.key,
        },
      },
      // Jobs take no requests: nothing of the environment has to be reached from outside.
      ...(subnet === undefined
        ? {}
        : { vnetConfiguration: { infrastructureSubnetId: subnet, internal: true } }),
      tags,
    },
    { ...replaced, timeoutMinutes: 60 },
  );
  return {
    resources: [...resources, environment],
    environmentId: ref(environment, "id"),
    ...(address === undefined ? {} : { address }),
  };
}

interface SubnetChoice {
  readonly resources: readonly RenderedResource[];
  /** Id; undefined: Azure's own network, with addresses that change. */
  readonly subnet?: Text;
  readonly address?: Text;
}

function subnetOf(scope: Scope): SubnetChoice {
  const { network: wanted } = scope.plan.settings;
  if (wanted.mode === "public") return { resources: [] };
  if (wanted.mode === "existing") return { resources: [], subnet: wanted.subnets[0] ?? "" };
  return natSubnet(scope);
}

/** A network of the deployment's own: everything leaves by one address. */
function natSubnet(scope: Scope): SubnetChoice {
  const { plan, parent, location, tags, group } = scope;
  const address = azure(
    "azure-native:network:PublicIPAddress",
    scope.resource("address"),
    parent,
    {
      publicIpAddressName: nameOf(plan, "network", "nat"),
      resourceGroupName: group,
      location,
      sku: { name: "Standard" },
      publicIPAllocationMethod: "Static",
      tags,
    },
    replaced,
  );
  const gateway = azure(
    "azure-native:network:NatGateway",
    scope.resource("nat"),
    parent,
    {
      natGatewayName: nameOf(plan, "network"),
      resourceGroupName: group,
      location,
      sku: { name: "Standard" },
      publicIpAddresses: [{ id: ref(address, "id") }],
      tags,
    },
    replaced,
  );
  const vnet = azure(
    "azure-native:network:VirtualNetwork",
    scope.resource("network"),
    parent,
    {
      virtualNetworkName: nameOf(plan, "network"),
      resourceGroupName: group,
      location,
      addressSpace: { addressPrefixes: ["10.64.0.0/16"] },
      tags,
    },
    // The subnet is a resource of its own, and the network would else be updated to have none.
    { ...replaced, ignoreChanges: ["subnets"] },
  );
  const subnet = azure(
    "azure-native:network:Subnet",
    scope.resource("subnet"),
    parent,
    {
      subnetName: "jobs",
      virtualNetworkName: ref(vnet, "name"),
      resourceGroupName: group,
      // At least /27 for an environment with profiles (UNCONFIRMED); /23 is what those without need.
      addressPrefix: "10.64.0.0/23",
      delegations: [{ name: "environments", serviceName: "Microsoft.App/environments" }],
      natGateway: { id: ref(gateway, "id") },
    },
    replaced,
  );
  return {
    resources: [address, gateway, vnet, subnet],
    subnet: ref(subnet, "id"),
    address: ref(address, "ipAddress"),
  };
}
