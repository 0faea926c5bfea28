import { providerOf } from "../../providers/registry.js";
import { providerConformance, type Skip } from "./provider.js";

providerConformance({
  provider: providerOf("aws"),
  kinds: {
    job: "aws:ecs/taskDefinition:TaskDefinition",
    timed: ["aws:scheduler/schedule:Schedule"],
    orchestrator: "aws:sfn/stateMachine:StateMachine",
    queue: "aws:sqs/queue:Queue",
    bucket: "aws:s3/bucket:Bucket",
    table: "aws:dynamodb/table:Table",
    secret: "aws:secretsmanager/secret:Secret",
    nat: "aws:ec2/natGateway:NatGateway",
  },
  existingNetwork: {
    mode: "existing",
    vpc: "vpc-0123456789abcdef0",
    subnets: ["subnet-0123456789abcdef0"],
    securityGroups: ["sg-0123456789abcdef0"],
  },
  skip: [],
});

providerConformance({
  provider: providerOf("gcp"),
  kinds: {
    job: "gcp:cloudrunv2/job:Job",
    timed: ["gcp:cloudscheduler/job:Job"],
    orchestrator: "gcp:workflows/workflow:Workflow",
    queue: "gcp:pubsub/topic:Topic",
    bucket: "gcp:storage/bucket:Bucket",
    table: "gcp:firestore/database:Database",
    secret: "gcp:secretmanager/secret:Secret",
    nat: "gcp:compute/routerNat:RouterNat",
  },
  existingNetwork: { mode: "existing", vpc: "team-network", subnets: ["jobs-subnet"], securityGroups: [] },
  skip: [],
});

providerConformance({
  provider: providerOf("azure"),
  kinds: {
    job: "azure-native:app:Job",
    timed: ["azure-native:app:Job", "azure-native:logic:Workflow"],
    orchestrator: "azure-native:logic:Workflow",
    queue: "azure-native:storage:Queue",
    bucket: "azure-native:storage:BlobContainer",
    table: "azure-native:storage:Table",
    secret: "azure-native:keyvault:Secret",
    nat: "azure-native:network:NatGateway",
  },
  existingNetwork: {
    mode: "existing",
    subnets: [
      "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/net/providers/Microsoft.Network/virtualNetworks/team/subnets/jobs",
    ],
    securityGroups: [],
  },
  skip: [],
});

const local = {
  provider: providerOf("local"),
  kinds: {
    job: "handoff:local:Job",
    timed: ["handoff:local:Schedule"],
    queue: "handoff:local:Trigger",
    bucket: "handoff:local:Store",
    table: "handoff:local:Store",
    secret: "handoff:local:Secret",
    nat: "none",
  },
  existingNetwork: { mode: "public" },
} as const;
const networks: readonly Skip[] = [
  { capability: "network-nat", cases: ["a network with one address to the outside"] },
  { capability: "network-existing", cases: ["a network that exists"] },
];
const setting = "handoff:engine: docker";

providerConformance({
  ...local,
  skip: [
    ...networks,
    { capability: "resources", setting, cases: ["a size that is at least what was asked for"] },
    {
      capability: "image",
      setting,
      cases: ["an image that is given", "an image that is built and named by its digest"],
    },
  ],
});
providerConformance({ ...local, settings: { engine: "docker" }, skip: networks });
