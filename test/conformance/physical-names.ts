/**
 * What each cloud allows as a name, by resource type: written from the clouds' API references (botocore's models, Google's
 * discovery documents, Microsoft's "Naming rules and restrictions"), not from the providers' own tables. Read 2026-11-21.
 */
import {
  evaluate,
  type RenderedInputs,
  type RenderedResource,
  type Rendering,
} from "../../providers/rendering.js";

export interface PhysicalRule {
  /** Input that holds the name. */
  readonly input: string;
  readonly pattern: RegExp;
  /** Inputs that say what the name is unique in, beside the type: a resource group, a storage account. */
  readonly within?: readonly string[];
  /** `a` and `A` are the same. */
  readonly anyCase?: boolean;
  /** Unique in the account, not only in the deployment: no other deployment may have the same. */
  readonly shared?: boolean;
}

const plain = (pattern: RegExp, more: Partial<PhysicalRule> = {}): PhysicalRule => ({
  input: "name",
  pattern,
  shared: true,
  ...more,
});
const label63 = /^[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const inGroup = (input: string, pattern: RegExp): PhysicalRule => ({
  input,
  pattern,
  within: ["resourceGroupName"],
  anyCase: true,
  shared: true,
});
const inAccount = (input: string, pattern: RegExp): PhysicalRule => ({
  input,
  pattern,
  within: ["accountName"],
  shared: true,
});
const s3Bucket = /^(?!xn--|sthree-|amzn-s3-demo-)[a-z0-9][a-z0-9-]{1,61}[a-z0-9](?<!-s3alias)$/;
const googleBucket = /^(?!goog)(?!.*(?:google|g00gle))[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/;
const blob = /^(?!.*--)[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/;
const azureNetwork = /^[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,78}[A-Za-z0-9_])?$/;

export const physicalRules: Readonly<Record<string, PhysicalRule>> = {
  "aws:cloudwatch/eventApiDestination:EventApiDestination": plain(/^[A-Za-z0-9_.-]{1,64}$/),
  "aws:cloudwatch/eventConnection:EventConnection": plain(/^[A-Za-z0-9_.-]{1,64}$/),
  "aws:cloudwatch/eventRule:EventRule": plain(/^[A-Za-z0-9_.-]{1,64}$/),
  "aws:cloudwatch/logGroup:LogGroup": plain(/^(?!aws\/)[A-Za-z0-9_./#-]{1,512}$/),
  "aws:cloudwatch/metricAlarm:MetricAlarm": plain(/^[\x20-\x7e]{1,255}$/),
  "aws:dynamodb/table:Table": plain(/^[A-Za-z0-9_.-]{3,255}$/),
  "aws:ec2/securityGroup:SecurityGroup": plain(/^(?!sg-)[A-Za-z0-9 ._:/()#,@[\]+=&;{}!$*-]{1,255}$/),
  "aws:ecr/repository:Repository": plain(
    /^(?=.{2,256}$)(?:[a-z0-9]+(?:[._-][a-z0-9]+)*\/)*[a-z0-9]+(?:[._-][a-z0-9]+)*$/,
  ),
  "aws:ecs/cluster:Cluster": plain(/^[A-Za-z0-9_-]{1,255}$/),
  "aws:ecs/taskDefinition:TaskDefinition": plain(/^[A-Za-z0-9_-]{1,255}$/, { input: "family" }),
  "aws:iam/role:Role": plain(/^[\w+=,.@-]{1,64}$/, { anyCase: true }),
  "aws:iam/rolePolicy:RolePolicy": plain(/^[\w+=,.@-]{1,128}$/, { within: ["role"], shared: false }),
  "aws:pipes/pipe:Pipe": plain(/^[A-Za-z0-9_.-]{1,64}$/),
  "aws:s3/bucket:Bucket": plain(s3Bucket, { input: "bucket" }),
  "aws:scheduler/schedule:Schedule": plain(/^[A-Za-z0-9_.-]{1,64}$/, { within: ["groupName"] }),
  "aws:scheduler/scheduleGroup:ScheduleGroup": plain(/^[A-Za-z0-9_.-]{1,64}$/),
  "aws:secretsmanager/secret:Secret": plain(/^(?!.*-.{6}$)[A-Za-z0-9/_+=.@-]{1,512}$/),
  "aws:sfn/stateMachine:StateMachine": plain(/^[A-Za-z0-9_-]{1,80}$/),
  "aws:sns/topic:Topic": plain(/^[A-Za-z0-9_-]{1,256}$/),
  "aws:sqs/queue:Queue": plain(/^[A-Za-z0-9_-]{1,80}$/),

  "gcp:artifactregistry/repository:Repository": plain(label63, { input: "repositoryId" }),
  "gcp:cloudrunv2/job:Job": plain(/^[a-z](?:[a-z0-9-]{0,47}[a-z0-9])?$/),
  "gcp:cloudscheduler/job:Job": plain(/^[A-Za-z0-9_-]{1,500}$/),
  "gcp:compute/address:Address": plain(label63),
  "gcp:compute/network:Network": plain(label63),
  "gcp:compute/router:Router": plain(label63),
  "gcp:compute/routerNat:RouterNat": plain(label63),
  "gcp:compute/subnetwork:Subnetwork": plain(label63),
  "gcp:eventarc/trigger:Trigger": plain(label63),
  "gcp:firestore/database:Database": plain(/^[a-z][a-z0-9-]{2,61}[a-z0-9]$/),
  "gcp:logging/metric:Metric": plain(/^[A-Za-z0-9_.,+!*',()%/-]{1,100}$/),
  "gcp:logging/projectBucketConfig:ProjectBucketConfig": plain(/^[A-Za-z0-9_.-]{1,100}$/, {
    input: "bucketId",
  }),
  "gcp:logging/projectSink:ProjectSink": plain(/^[A-Za-z0-9_.-]{1,100}$/),
  "gcp:pubsub/subscription:Subscription": plain(/^(?!goog)[A-Za-z][A-Za-z0-9._~+%-]{2,254}$/),
  "gcp:pubsub/topic:Topic": plain(/^(?!goog)[A-Za-z][A-Za-z0-9._~+%-]{2,254}$/),
  "gcp:secretmanager/secret:Secret": plain(/^[A-Za-z0-9_-]{1,255}$/, { input: "secretId" }),
  "gcp:serviceaccount/account:Account": plain(/^[a-z][a-z0-9-]{4,28}[a-z0-9]$/, { input: "accountId" }),
  "gcp:storage/bucket:Bucket": plain(googleBucket),
  "gcp:workflows/workflow:Workflow": plain(/^[a-z](?:[a-z0-9_-]{0,62}[a-z0-9])?$/),

  "azure-native:app:Job": inGroup("jobName", /^(?=.{2,32}$)[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/),
  "azure-native:app:ManagedEnvironment": inGroup("environmentName", /^[a-z][a-z0-9-]{0,58}[a-z0-9]$/),
  "azure-native:authorization:RoleAssignment": {
    input: "roleAssignmentName",
    pattern: /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/,
    shared: true,
  },
  "azure-native:containerregistry:Registry": {
    input: "registryName",
    pattern: /^[A-Za-z0-9]{5,50}$/,
    anyCase: true,
    shared: true,
  },
  "azure-native:keyvault:Secret": {
    input: "secretName",
    pattern: /^[A-Za-z0-9-]{1,127}$/,
    within: ["vaultName"],
    anyCase: true,
  },
  "azure-native:logic:Workflow": inGroup("workflowName", /^[A-Za-z0-9_().-]{1,43}$/),
  "azure-native:managedidentity:UserAssignedIdentity": inGroup(
    "resourceName",
    /^[A-Za-z0-9][A-Za-z0-9_-]{2,127}$/,
  ),
  "azure-native:monitor:ActionGroup": inGroup("actionGroupName", /^[^/?#&+%]{1,260}$/),
  "azure-native:monitor:MetricAlert": inGroup("ruleName", /^[^*#&+:<>?@%{}\\/|]{1,260}(?<![ .])$/),
  "azure-native:monitor:ScheduledQueryRule": inGroup("ruleName", /^[^*#&+:<>?@%{}\\/|]{1,260}(?<![ .])$/),
  "azure-native:network:NatGateway": inGroup("natGatewayName", azureNetwork),
  "azure-native:network:PublicIPAddress": inGroup("publicIpAddressName", azureNetwork),
  "azure-native:network:VirtualNetwork": inGroup("virtualNetworkName", azureNetwork),
  "azure-native:operationalinsights:Workspace": inGroup(
    "workspaceName",
    /^[A-Za-z0-9][A-Za-z0-9-]{2,61}[A-Za-z0-9]$/,
  ),
  "azure-native:resources:ResourceGroup": {
    input: "resourceGroupName",
    pattern: /^[A-Za-z0-9_().-]{0,89}[A-Za-z0-9_()-]$/,
    anyCase: true,
    shared: true,
  },
  "azure-native:storage:BlobContainer": inAccount("containerName", blob),
  "azure-native:storage:Queue": inAccount("queueName", blob),
  "azure-native:storage:StorageAccount": { input: "accountName", pattern: /^[a-z0-9]{3,24}$/, shared: true },
  "azure-native:storage:Table": inAccount("tableName", /^[A-Za-z][A-Za-z0-9]{2,62}$/),
};

export interface PhysicalName {
  readonly resource: RenderedResource;
  readonly name: string;
  /** Two resources with the same can't exist beside each other. */
  readonly key: string;
  readonly rule: PhysicalRule;
}

/** Names that the rendering chooses, with references answered as an account would. */
export function physicalNames({ resources }: Rendering): PhysicalName[] {
  const byName = new Map(resources.map((resource) => [resource.name, resource]));
  const nameOf = (resource: RenderedResource): string | undefined => {
    const rule = physicalRules[resource.type];
    const value = rule ? resolved(resource.inputs, rule.input) : undefined;
    return typeof value === "string" ? value : undefined;
  };
  const resolved = (inputs: RenderedInputs, input: string): unknown =>
    evaluate(inputs[input], {
      reference: (name, output) => {
        if (/account|number/i.test(output) && !byName.has(name)) return "123456789012";
        const source = byName.get(name);
        return (source && nameOf(source)) ?? `${name}-${output}`;
      },
      secret: () => "secret",
    });
  return resources.flatMap((resource) => {
    const rule = physicalRules[resource.type];
    const name = nameOf(resource);
    if (!rule || name === undefined) return [];
    const scope = (rule.within ?? []).map((input) => String(resolved(resource.inputs, input)));
    const key = [resource.type, ...scope, name].join(" | ");
    return [{ resource, name, rule, key: rule.anyCase ? key.toLowerCase() : key }];
  });
}
