/** Where jobs get their addresses: the default network, one of our own behind a NAT gateway, or one that exists. */
import { type RenderedLookup, type RenderedResource, type RenderedValue, ref, sorted } from "../rendering.js";
import { nameOf } from "./names.js";
import { aws, lookup } from "./resources.js";
import { namedTags, type Scope } from "./scope.js";

export interface Network {
  readonly resources: readonly RenderedResource[];
  readonly lookups: readonly RenderedLookup[];
  /** A list of ids. */
  readonly subnets: RenderedValue;
  readonly securityGroups: readonly RenderedValue[];
  readonly publicIp: boolean;
  /** Resources without which a job reaches nothing. */
  readonly ready: readonly string[];
}

export function network(scope: Scope): Network {
  const settings = scope.plan.settings.network;
  if (settings.mode === "nat") return own(scope);
  return settings.mode === "public" ? inDefault(scope) : existing(scope, settings);
}

/** Addresses of its own for each job in the account's default VPC; UNCONFIRMED where somebody deleted that. */
function inDefault(scope: Scope): Network {
  const vpc = lookup("aws:ec2/getVpc:getVpc", scope.resource("vpc"), { default: true });
  const subnets = lookup("aws:ec2/getSubnets:getSubnets", scope.resource("subnets"), {
    filters: [
      { name: "default-for-az", values: ["true"] },
      { name: "vpc-id", values: [ref(vpc, "id")] },
    ],
  });
  const group = securityGroup(scope, ref(vpc, "id"));
  return {
    resources: [group],
    lookups: [vpc, subnets],
    subnets: sorted(ref(subnets, "ids")),
    securityGroups: [ref(group, "id")],
    publicIp: true,
    ready: [],
  };
}

type Existing = Extract<Scope["plan"]["settings"]["network"], { mode: "existing" }>;

/** The subnets have to lead to the internet themselves, through a NAT gateway or endpoints. */
function existing(scope: Scope, { vpc, subnets, securityGroups }: Existing): Network {
  const common = { subnets: [...subnets], publicIp: false, ready: [] };
  if (securityGroups.length > 0) {
    return { ...common, resources: [], lookups: [], securityGroups: [...securityGroups] };
  }
  if (vpc !== undefined) {
    const group = securityGroup(scope, vpc);
    return { ...common, resources: [group], lookups: [], securityGroups: [ref(group, "id")] };
  }
  const first = lookup("aws:ec2/getSubnet:getSubnet", scope.resource("subnet"), { id: subnets[0] ?? "" });
  const group = securityGroup(scope, ref(first, "vpcId"));
  return { ...common, resources: [group], lookups: [first], securityGroups: [ref(group, "id")] };
}

/** Everything out, nothing in. */
function securityGroup(scope: Scope, vpcId: RenderedValue & (string | object)) {
  const name = nameOf(scope.plan, "network", "jobs");
  return aws("aws:ec2/securityGroup:SecurityGroup", scope.resource("securitygroup"), scope.parent, {
    // A group's name can't start with `sg-`, and a client's could.
    name: `handoff-${name}`.slice(0, 255),
    description: "Jobs of handoff: everything out, nothing in",
    vpcId: vpcId as string,
    egress: [{ protocol: "-1", fromPort: 0, toPort: 0, cidrBlocks: ["0.0.0.0/0"], ipv6CidrBlocks: ["::/0"] }],
    tags: namedTags(scope, name),
  });
}

/** Address ranges of the network of our own: a public subnet for the gateway, a private one in each of two zones. */
const ranges = {
  vpc: "10.0.0.0/16",
  gateway: "10.0.0.0/24",
  private: ["10.0.16.0/20", "10.0.32.0/20"],
} as const;

function own(scope: Scope): Network {
  const { parent, region } = scope;
  const tags = (part: string) => namedTags(scope, nameOf(scope.plan, "network", part));
  const zones = lookup("aws:index/getAvailabilityZones:getAvailabilityZones", scope.resource("zones"), {
    state: "available",
    filters: [{ name: "opt-in-status", values: ["opt-in-not-required"] }],
  });
  // AWS adds zones: the list's order is not to move a subnet that is there.
  const stays = { ignoreChanges: ["availabilityZone"] };
  const vpc = aws("aws:ec2/vpc:Vpc", scope.resource("vpc"), parent, {
    cidrBlock: ranges.vpc,
    enableDnsHostnames: true,
    enableDnsSupport: true,
    tags: tags("vpc"),
  });
  const vpcId = ref(vpc, "id");
  const internet = aws("aws:ec2/internetGateway:InternetGateway", scope.resource("internet"), parent, {
    vpcId,
    tags: tags("internet"),
  });
  const gatewaySubnet = aws(
    "aws:ec2/subnet:Subnet",
    scope.resource("subnet", "gateway"),
    parent,
    {
      vpcId,
      cidrBlock: ranges.gateway,
      availabilityZone: ref(zones, "names.0"),
      tags: tags("gateway"),
    },
    stays,
  );
  const privateSubnets = ranges.private.map((cidrBlock, index) =>
    aws(
      "aws:ec2/subnet:Subnet",
      scope.resource("subnet", `private${index + 1}`),
      parent,
      {
        vpcId,
        cidrBlock,
        availabilityZone: ref(zones, `names.${index}`),
        tags: tags(`private${index + 1}`),
      },
      stays,
    ),
  );
  const publicRoutes = aws("aws:ec2/routeTable:RouteTable", scope.resource("routes", "gateway"), parent, {
    vpcId,
    routes: [{ cidrBlock: "0.0.0.0/0", gatewayId: ref(internet, "id") }],
    tags: tags("gateway"),
  });
  const publicAssociation = associate(scope, "gateway", ref(gatewaySubnet, "id"), ref(publicRoutes, "id"));
  const address = aws("aws:ec2/eip:Eip", scope.resource("address"), parent, {
    domain: "vpc",
    tags: tags("nat"),
  });
  const nat = aws(
    "aws:ec2/natGateway:NatGateway",
    scope.resource("nat"),
    parent,
    { allocationId: ref(address, "allocationId"), subnetId: ref(gatewaySubnet, "id"), tags: tags("nat") },
    { dependsOn: [internet.name, publicAssociation.name] },
  );
  const privateRoutes = aws("aws:ec2/routeTable:RouteTable", scope.resource("routes", "private"), parent, {
    vpcId,
    routes: [{ cidrBlock: "0.0.0.0/0", natGatewayId: ref(nat, "id") }],
    tags: tags("private"),
  });
  const associations = privateSubnets.map((subnet, index) =>
    associate(scope, `private${index + 1}`, ref(subnet, "id"), ref(privateRoutes, "id")),
  );
  // Gateway endpoints cost nothing, and keep image layers, artifacts and tables off the NAT gateway's bill.
  const endpoints = (["s3", "dynamodb"] as const).map((service) =>
    aws("aws:ec2/vpcEndpoint:VpcEndpoint", scope.resource("endpoint", service), parent, {
      vpcId,
      serviceName: `com.amazonaws.${region}.${service}`,
      vpcEndpointType: "Gateway",
      routeTableIds: [ref(privateRoutes, "id")],
      tags: tags(service),
    }),
  );
  const group = securityGroup(scope, vpcId);
  return {
    resources: [
      vpc,
      internet,
      gatewaySubnet,
      ...privateSubnets,
      publicRoutes,
      publicAssociation,
      address,
      nat,
      privateRoutes,
      ...associations,
      ...endpoints,
      group,
    ],
    lookups: [zones],
    subnets: privateSubnets.map((subnet) => ref(subnet, "id")),
    securityGroups: [ref(group, "id")],
    publicIp: false,
    ready: associations.map(({ name }) => name),
  };
}

function associate(scope: Scope, name: string, subnetId: RenderedValue, routeTableId: RenderedValue) {
  return aws(
    "aws:ec2/routeTableAssociation:RouteTableAssociation",
    scope.resource("association", name),
    scope.parent,
    { subnetId: subnetId as string, routeTableId: routeTableId as string },
  );
}
