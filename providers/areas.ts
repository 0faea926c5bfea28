/** What each type of resource is for, in the words of the model: how `handoff plan` groups and explains a deployment. */

/** Groups of a plan, in the order in which they are shown. */
export const areas = [
  "Jobs",
  "Schedules",
  "Order and retries",
  "Triggers",
  "Data",
  "Secrets",
  "Image",
  "Network",
  "Identity",
  "Logs",
  "Alerts",
  "Other",
] as const;
export type Area = (typeof areas)[number];

export interface Purpose {
  readonly area: Area;
  /** Under 60 characters. */
  readonly text: string;
}

/** Purpose of a Pulumi type token; `Other` for one that a `transform` or a later version adds. */
export function purposeOf(type: string): Purpose {
  for (const area of areas) {
    const text = purposes[area]?.[type];
    if (text !== undefined) return { area, text };
  }
  return { area: "Other", text: type.split(":").at(-1) ?? type };
}

/** Whether the table below has the type. */
export function hasPurpose(type: string): boolean {
  return areas.some((area) => purposes[area]?.[type] !== undefined);
}

const purposes: Readonly<Partial<Record<Area, Readonly<Record<string, string>>>>> = {
  Jobs: {
    "handoff:local:Job": "what a run does",
    "aws:ecs/cluster:Cluster": "where the jobs run",
    "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders":
      "Fargate, and Fargate Spot where it is asked for",
    "aws:ecs/taskDefinition:TaskDefinition": "the job: image, size, environment",
    "gcp:cloudrunv2/job:Job": "the job: image, size, environment",
    "azure-native:app:ManagedEnvironment": "where the jobs run",
    "azure-native:app:Job": "the job: image, size, environment",
  },
  Schedules: {
    "handoff:local:Schedule": "starts the job at its times",
    "aws:scheduler/scheduleGroup:ScheduleGroup": "the schedules of this stack",
    "aws:scheduler/schedule:Schedule": "starts the job at its times",
    "gcp:cloudscheduler/job:Job": "starts the job at its times",
  },
  "Order and retries": {
    "aws:sfn/stateMachine:StateMachine": "runs the jobs in order and retries them",
    "gcp:workflows/workflow:Workflow": "runs the jobs in order and retries them",
    "azure-native:logic:Workflow": "starts the jobs, in order and again",
  },
  Triggers: {
    "handoff:local:Trigger": "a queue: a run for each message",
    "aws:sqs/queue:Queue": "messages, or starts and messages that failed",
    "aws:sqs/queuePolicy:QueuePolicy": "who may put messages into the queue",
    "aws:pipes/pipe:Pipe": "a run for each message",
    "gcp:pubsub/topic:Topic": "messages, and those that could not be worked off",
    "gcp:pubsub/subscription:Subscription": "hands messages on",
    "gcp:eventarc/trigger:Trigger": "a run for each message",
    "azure-native:storage:Queue": "messages, and those that could not be worked off",
  },
  Data: {
    "handoff:local:Store": "files kept from run to run, or a declared store",
    "aws:s3/bucket:Bucket": "files kept from run to run, or a declared store",
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": "when old files go",
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": "files belong to the account",
    "aws:s3/bucketPolicy:BucketPolicy": "refuses connections without TLS",
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": "nothing in it is public",
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": "encrypted",
    "aws:s3/bucketVersioning:BucketVersioning": "what was overwritten can be had back",
    "aws:dynamodb/table:Table": "a declared table",
    "gcp:storage/bucket:Bucket": "files kept from run to run, or a declared store",
    "gcp:firestore/database:Database": "the declared tables",
    "gcp:firestore/document:Document": "marks a declared table",
    "azure-native:storage:StorageAccount": "holds the files, tables and queues",
    "azure-native:storage:BlobServiceProperties": "versions, and how long what was deleted is kept",
    "azure-native:storage:BlobContainer": "files kept from run to run, or a declared store",
    "azure-native:storage:ManagementPolicy": "when old files go",
    "azure-native:storage:Table": "a declared table",
  },
  Secrets: {
    "handoff:local:Secret": "a file that only the owner can read",
    "aws:secretsmanager/secret:Secret": "a place for a value",
    "aws:secretsmanager/secretVersion:SecretVersion": "the value, encrypted",
    "gcp:secretmanager/secret:Secret": "a place for a value",
    "gcp:secretmanager/secretVersion:SecretVersion": "the value, encrypted",
    "azure-native:keyvault:Vault": "holds the values",
    "azure-native:keyvault:Secret": "the value, encrypted",
  },
  Image: {
    "handoff:local:Image": "what runs are containers of",
    "handoff:local:Code": "the project's files, copied",
    "handoff:local:Venvs": "the environments of its installs",
    "aws:ecr/repository:Repository": "holds the runner's images",
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": "old images go",
    "gcp:artifactregistry/repository:Repository": "holds the runner's images; old ones go",
    "azure-native:containerregistry:Registry": "holds the runner's images",
    "azure-native:containerregistry:Task": "old images go",
    "docker-build:index:Image": "the runner with the project in it, built and pushed",
  },
  Network: {
    "aws:ec2/vpc:Vpc": "a network of its own",
    "aws:ec2/subnet:Subnet": "its part in one zone",
    "aws:ec2/internetGateway:InternetGateway": "the way out",
    "aws:ec2/natGateway:NatGateway": "one fixed address to the outside",
    "aws:ec2/eip:Eip": "the address",
    "aws:ec2/routeTable:RouteTable": "where packets go",
    "aws:ec2/routeTableAssociation:RouteTableAssociation": "a subnet's routes",
    "aws:ec2/securityGroup:SecurityGroup": "out: everything; in: nothing",
    "aws:ec2/vpcEndpoint:VpcEndpoint": "a service without the way through the internet",
    "gcp:compute/network:Network": "a network of its own",
    "gcp:compute/subnetwork:Subnetwork": "its part in the region",
    "gcp:compute/router:Router": "the way out",
    "gcp:compute/routerNat:RouterNat": "one fixed address to the outside",
    "gcp:compute/address:Address": "the address",
    "azure-native:network:VirtualNetwork": "a network of its own",
    "azure-native:network:Subnet": "its part for the jobs",
    "azure-native:network:NatGateway": "one fixed address to the outside",
    "azure-native:network:PublicIPAddress": "the address",
  },
  Identity: {
    "aws:iam/role:Role": "who a job, a schedule or a flow is",
    "aws:iam/rolePolicy:RolePolicy": "what it may do, thing by thing",
    "gcp:serviceaccount/account:Account": "who a job, a schedule or a flow is",
    "gcp:cloudrunv2/jobIamMember:JobIamMember": "who may start the job",
    "gcp:storage/bucketIAMMember:BucketIAMMember": "who may read and write the files",
    "gcp:secretmanager/secretIamMember:SecretIamMember": "who may read the value",
    "gcp:projects/iAMMember:IAMMember": "what it may do in the project",
    "gcp:projects/iAMCustomRole:IAMCustomRole": "exactly the permissions that are needed",
    "gcp:serviceaccount/iAMMember:IAMMember": "who may act as it",
    "gcp:pubsub/topicIAMMember:TopicIAMMember": "who may put messages into it",
    "gcp:pubsub/subscriptionIAMMember:SubscriptionIAMMember": "who may take messages from it",
    "gcp:artifactregistry/repositoryIamMember:RepositoryIamMember": "who may pull the images",
    "azure-native:managedidentity:UserAssignedIdentity": "who a job or a flow is",
    "azure-native:authorization:RoleAssignment": "what it may do, on one thing",
    "azure-native:authorization:RoleDefinition": "exactly the permissions that are needed",
  },
  Logs: {
    "aws:cloudwatch/logGroup:LogGroup": "the logs, and how long they are kept",
    "gcp:logging/projectBucketConfig:ProjectBucketConfig": "the logs, and how long they are kept",
    "gcp:logging/projectSink:ProjectSink": "puts the jobs' lines there",
    "gcp:logging/projectExclusion:ProjectExclusion": "keeps the jobs' lines from being kept twice",
    "azure-native:operationalinsights:Workspace": "the logs, and how long they are kept",
  },
  Alerts: {
    "aws:sns/topic:Topic": "who is told",
    "aws:sns/topicSubscription:TopicSubscription": "an e-mail address",
    "aws:cloudwatch/eventRule:EventRule": "notices how a run ended",
    "aws:cloudwatch/eventTarget:EventTarget": "passes it on",
    "aws:cloudwatch/eventConnection:EventConnection": "how the webhook is called",
    "aws:cloudwatch/eventApiDestination:EventApiDestination": "the webhook",
    "aws:cloudwatch/metricAlarm:MetricAlarm": "notices a run that never started",
    "gcp:monitoring/notificationChannel:NotificationChannel": "an e-mail address or webhook",
    "gcp:monitoring/alertPolicy:AlertPolicy": "notices how a run ended",
    "gcp:logging/metric:Metric": "counts what the logs say",
    "azure-native:monitor:ActionGroup": "who is told",
    "azure-native:monitor:ScheduledQueryRule": "notices how a run ended",
    "azure-native:monitor:MetricAlert": "notices how a run ended",
  },
  Other: {
    "handoff:local:Pipeline": "the pipeline as a whole",
    "handoff:aws:Pipeline": "the pipeline as a whole",
    "handoff:gcp:Pipeline": "the pipeline as a whole",
    "handoff:azure:Pipeline": "the pipeline as a whole",
    "gcp:projects/service:Service": "switches on an API; stays on",
    "azure-native:resources:ResourceGroup": "holds all of it",
  },
};
