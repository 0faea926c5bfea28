/** What a simulated AWS account answers when it is asked. */
import type { SimulatedCloud } from "./cloud.js";
import type { Props } from "./values.js";
import type { World } from "./world.js";

/** The network that every account has. */
export const defaultVpc = "vpc-0defa0000000000001";
export const defaultSubnets = ["subnet-0defa000000000000a", "subnet-0defa000000000000b"];

export const awsFunctions: SimulatedCloud["functions"] = {
  "aws:index/getCallerIdentity:getCallerIdentity": (_args, _world, { account }) => ({
    id: account,
    accountId: account,
    arn: `arn:aws:iam::${account}:user/deployer`,
    userId: "AIDAEXAMPLE",
  }),
  "aws:index/getRegion:getRegion": (_args, _world, { region }) => ({
    id: region,
    region,
    name: region,
    description: "a region",
    endpoint: `ec2.${region}.amazonaws.com`,
  }),
  "aws:index/getPartition:getPartition": () => ({
    id: "aws",
    partition: "aws",
    dnsSuffix: "amazonaws.com",
    reverseDnsPrefix: "com.amazonaws",
  }),
  "aws:index/getAvailabilityZones:getAvailabilityZones": (_args, _world, { region }) => ({
    id: region,
    names: ["a", "b", "c"].map((zone) => region + zone),
    zoneIds: ["az1", "az2", "az3"],
    groupNames: [region],
  }),
  "aws:ec2/getVpc:getVpc": (args) => {
    if (args.default !== true && args.id !== defaultVpc) throw new Error(`no matching EC2 VPC found`);
    return { id: defaultVpc, default: true, cidrBlock: "172.31.0.0/16", state: "available" };
  },
  "aws:ec2/getSubnets:getSubnets": () => ({ id: "subnets", ids: [...defaultSubnets] }),
  "aws:ec2/getSecurityGroup:getSecurityGroup": () => ({ id: "sg-0defa0000000000001", vpcId: defaultVpc }),
  "aws:ecr/getAuthorizationToken:getAuthorizationToken": (_args, _world, { account, region }) => ({
    id: region,
    userName: "AWS",
    password: "simulated-ecr-password",
    authorizationToken: Buffer.from("AWS:simulated-ecr-password").toString("base64"),
    proxyEndpoint: `https://${account}.dkr.ecr.${region}.amazonaws.com`,
    expiresAt: "2030-01-01T00:00:00Z",
  }),
  "aws:s3/getBucket:getBucket": (args, world) =>
    found(world, "aws:s3/bucket:Bucket", args.bucket, "NotFound"),
  "aws:dynamodb/getTable:getTable": (args, world) =>
    found(
      world,
      "aws:dynamodb/table:Table",
      args.name,
      "ResourceNotFoundException: Requested resource not found",
    ),
};

function found(world: World, type: string, id: unknown, error: string): Props {
  const held = world.get(type, String(id));
  if (!held) throw new Error(`${error}: ${String(id)}`);
  return { ...held.outputs, id: held.id };
}
