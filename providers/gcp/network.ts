/** How jobs reach the internet. */
import { type RenderedResource, type RenderedValue, ref } from "../rendering.js";
import { nameOf } from "./names.js";
import { gcp } from "./resources.js";
import type { Scope } from "./scope.js";

export interface Network {
  readonly resources: readonly RenderedResource[];
  /** What a job says about it; undefined for the public way out that Cloud Run has of itself. */
  readonly vpcAccess?: VpcAccess;
  /** The fixed address to the outside, where there is one. */
  readonly address?: RenderedValue;
  /** What has to be there before the first run. */
  readonly dependsOn: readonly string[];
}

export interface VpcAccess {
  readonly egress: "ALL_TRAFFIC";
  readonly networkInterfaces: readonly [
    {
      readonly network?: string | ReturnType<typeof ref>;
      readonly subnetwork: string | ReturnType<typeof ref>;
      readonly tags?: readonly string[];
    },
  ];
}

/** Of the network that nat makes: 1,000 jobs at a time; nothing else is in it. */
const subnetRange = "10.8.0.0/22";

export function network(scope: Scope): Network {
  const { network } = scope.plan.settings;
  switch (network.mode) {
    case "public":
      return { resources: [], dependsOn: [] };
    case "nat":
      return renderNat(scope);
    case "existing": {
      const [subnetwork = ""] = network.subnets;
      const to = {
        ...(network.vpc === undefined ? {} : { network: network.vpc }),
        subnetwork,
        // Firewall rules are for tags here: they are what a security group is on AWS.
        ...(network.securityGroups.length === 0 ? {} : { tags: [...network.securityGroups].sort() }),
      };
      return { resources: [], vpcAccess: { egress: "ALL_TRAFFIC", networkInterfaces: [to] }, dependsOn: [] };
    }
  }
}

/**
 * Cloud Run keeps addresses of the subnetwork for up to two hours after the last job was deleted, and the subnetwork can't be
 * deleted before (UNCONFIRMED): hence the time that it is given.
 */
function renderNat({ plan, name, parent, project, region, labels }: Scope): Network {
  const physical = nameOf(plan, "network");
  const network = gcp("gcp:compute/network:Network", name("network"), parent, {
    name: physical,
    project,
    autoCreateSubnetworks: false,
  });
  const subnetwork = gcp(
    "gcp:compute/subnetwork:Subnetwork",
    name("subnetwork"),
    parent,
    {
      name: physical,
      project,
      region,
      network: ref(network, "id"),
      ipCidrRange: subnetRange,
      privateIpGoogleAccess: true,
    },
    { timeoutMinutes: 130 },
  );
  const address = gcp("gcp:compute/address:Address", name("address"), parent, {
    name: physical,
    project,
    region,
    addressType: "EXTERNAL",
    labels,
  });
  const router = gcp("gcp:compute/router:Router", name("router"), parent, {
    name: physical,
    project,
    region,
    network: ref(network, "id"),
  });
  const nat = gcp("gcp:compute/routerNat:RouterNat", name("nat"), parent, {
    name: physical,
    project,
    region,
    router: ref(router, "name"),
    natIpAllocateOption: "MANUAL_ONLY",
    natIps: [ref(address, "selfLink")],
    sourceSubnetworkIpRangesToNat: "LIST_OF_SUBNETWORKS",
    subnetworks: [{ name: ref(subnetwork, "id"), sourceIpRangesToNats: ["ALL_IP_RANGES"] }],
    logConfig: { enable: true, filter: "ERRORS_ONLY" },
  });
  return {
    resources: [network, subnetwork, address, router, nat],
    vpcAccess: {
      egress: "ALL_TRAFFIC",
      networkInterfaces: [{ network: ref(network, "id"), subnetwork: ref(subnetwork, "id") }],
    },
    address: ref(address, "address"),
    dependsOn: [nat.name],
  };
}
