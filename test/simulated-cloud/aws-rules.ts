/** Types of AWS resources: names, references, outputs (docs/cloud-facts.md: limits of the API model). */
import { defaultSubnets, defaultVpc } from "./aws-functions.js";
import type { NameRule, TypeRule } from "./cloud.js";
import { eventBridgeProblem, isZone } from "./cron.js";
import { checkPolicy, checkTrust, parseJson } from "./iam.js";
import { type Failure, isObject, type Props, textAt, unknownValue, valuesAt } from "./values.js";
import { digits, hex, type World } from "./world.js";

const role = "aws:iam/role:Role";
const cluster = "aws:ecs/cluster:Cluster";
const taskDefinition = "aws:ecs/taskDefinition:TaskDefinition";
const bucket = "aws:s3/bucket:Bucket";
const vpc = "aws:ec2/vpc:Vpc";
const subnet = "aws:ec2/subnet:Subnet";
const securityGroup = "aws:ec2/securityGroup:SecurityGroup";
const queue = "aws:sqs/queue:Queue";
const topic = "aws:sns/topic:Topic";
const logGroup = "aws:cloudwatch/logGroup:LogGroup";
const stateMachine = "aws:sfn/stateMachine:StateMachine";

const named = (max: number, pattern: RegExp, input = "name", min = 1): NameRule => ({
  input,
  pattern,
  min,
  max,
});
const word = /^[0-9A-Za-z_.-]+$/;
const plainWord = /^[0-9A-Za-z_-]+$/;

/** A setting of a bucket: it is the bucket's, and a second PUT replaces it. */
const ofBucket: TypeRule = {
  refs: { bucket: [bucket] },
  replaceOn: ["bucket"],
  isSetting: true,
  id: (inputs) => String(inputs.bucket),
};

const arnOf =
  (service: string, resource: (id: string) => string): NonNullable<TypeRule["outputs"]> =>
  (_inputs, { account, region }, id) => ({ arn: `arn:aws:${service}:${region}:${account}:${resource(id)}` });

export const awsRules: Readonly<Record<string, TypeRule>> = {
  [cluster]: {
    name: named(255, plainWord),
    id: (inputs, { account, region }) => `arn:aws:ecs:${region}:${account}:cluster/${String(inputs.name)}`,
    outputs: (_inputs, _place, id) => ({ arn: id }),
    refuseDelete(held, world) {
      const used = world.ofType("aws:ecs/clusterCapacityProviders:ClusterCapacityProviders");
      return used.some(({ inputs }) => inputs.clusterName === held.inputs.name)
        ? "ClusterContainsCapacityProviderException: remove its capacity providers first"
        : undefined;
    },
  },
  "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders": {
    refs: { clusterName: [cluster] },
    replaceOn: ["clusterName"],
    id: (inputs) => String(inputs.clusterName),
    check: ({ capacityProviders }) =>
      [capacityProviders]
        .flat()
        .filter((name) => name !== undefined && name !== "FARGATE" && name !== "FARGATE_SPOT")
        .map((name) => ({
          property: "capacityProviders",
          reason: `there is no capacity provider ${String(name)}`,
        })),
  },
  [taskDefinition]: {
    name: { input: "family", pattern: plainWord, max: 255 },
    // Every change is a new revision: the provider replaces it.
    replaceOn: [
      "containerDefinitions",
      "cpu",
      "memory",
      "executionRoleArn",
      "taskRoleArn",
      "networkMode",
      "requiresCompatibilities",
      "runtimePlatform",
      "ephemeralStorage",
      "volumes",
    ],
    refs: { executionRoleArn: [role], taskRoleArn: [role] },
    check: checkTaskDefinition,
    accept: (inputs, world) => [
      ...["executionRoleArn", "taskRoleArn"].flatMap((property) =>
        checkTrust(property, textAt(inputs, property), "ecs-tasks.amazonaws.com", world),
      ),
      ...containersOf(inputs).flatMap((container) => {
        const group = textAt(container, "logConfiguration.options.awslogs-group");
        return group === undefined || world.named([logGroup], group)
          ? []
          : [{ property: "containerDefinitions", reason: `there is no log group ${group}` }];
      }),
    ],
    id: (inputs) => `${String(inputs.family)}:${hex(JSON.stringify(inputs), 6)}`,
    outputs(inputs, { account, region }, id) {
      const base = `arn:aws:ecs:${region}:${account}:task-definition`;
      return { arn: `${base}/${id}`, arnWithoutRevision: `${base}/${String(inputs.family)}`, revision: 1 };
    },
  },
  "aws:scheduler/scheduleGroup:ScheduleGroup": {
    name: named(64, word),
    outputs: arnOf("scheduler", (id) => `schedule-group/${id}`),
  },
  "aws:scheduler/schedule:Schedule": {
    name: named(64, word),
    replaceOn: ["groupName"],
    refs: {
      groupName: ["aws:scheduler/scheduleGroup:ScheduleGroup"],
      "target.roleArn": [role],
      "target.ecsParameters.networkConfiguration.securityGroups[]": [securityGroup],
    },
    check: checkSchedule,
    accept: (inputs, world) => [
      ...checkTrust("target.roleArn", textAt(inputs, "target.roleArn"), "scheduler.amazonaws.com", world),
      ...checkOverrides(inputs, world),
      ...knownNetwork(
        inputs,
        "target.ecsParameters.networkConfiguration.subnets[]",
        [subnet],
        defaultSubnets,
        world,
      ),
    ],
    id: (inputs) => `${String(inputs.groupName ?? "default")}/${String(inputs.name)}`,
    outputs: arnOf("scheduler", (id) => `schedule/${id}`),
  },
  [role]: {
    name: named(64, /^[\w+=,.@-]+$/),
    check: ({ assumeRolePolicy, inlinePolicies, managedPolicyArns }) => [
      ...checkPolicy(assumeRolePolicy, "assumeRolePolicy", "trust"),
      ...(inlinePolicies === undefined ? [] : [{ property: "inlinePolicies", reason: "is deprecated" }]),
      ...(managedPolicyArns === undefined
        ? []
        : [{ property: "managedPolicyArns", reason: "is deprecated" }]),
    ],
    outputs: (_inputs, { account }, id) => ({
      arn: `arn:aws:iam::${account}:role/${id}`,
      uniqueId: `AROA${hex(id, 16).toUpperCase()}`,
    }),
    refuseDelete(held, world) {
      const attached = [
        "aws:iam/rolePolicy:RolePolicy",
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
      ].flatMap((type) => world.ofType(type).filter(({ inputs }) => inputs.role === held.id));
      return attached.length > 0
        ? "DeleteConflict: Cannot delete entity, must detach all policies first"
        : undefined;
    },
  },
  "aws:iam/rolePolicy:RolePolicy": {
    name: named(128, /^[\w+=,.@-]+$/),
    replaceOn: ["role"],
    refs: { role: [role] },
    check: ({ policy }) => checkPolicy(policy, "policy", "identity"),
    id: (inputs, _place, name) => `${String(inputs.role)}:${String(inputs.name ?? name)}`,
  },
  "aws:iam/rolePolicyAttachment:RolePolicyAttachment": {
    replaceOn: ["role", "policyArn"],
    refs: { role: [role] },
    check: ({ policyArn }) =>
      typeof policyArn !== "string" || /^arn:aws:iam::(aws|\d{12}):policy\/[\w+=,.@/-]+$/.test(policyArn)
        ? []
        : [{ property: "policyArn", reason: `'${policyArn}' is no policy` }],
    id: (inputs) => `${String(inputs.role)}-${String(inputs.policyArn)}`,
  },
  [logGroup]: {
    name: named(512, /^(?!aws\/)[./#\w-]+$/),
    check: ({ retentionInDays: days }) =>
      typeof days !== "number" || retentionDays.includes(days)
        ? []
        : [
            {
              property: "retentionInDays",
              reason: `expected retentionInDays to be one of ${retentionDays}, got ${days}`,
            },
          ],
    outputs: arnOf("logs", (id) => `log-group:${id}`),
  },
  "aws:cloudwatch/eventRule:EventRule": {
    name: named(64, word),
    check: (inputs) => checkJson(inputs, "eventPattern"),
    outputs: arnOf("events", (id) => `rule/${id}`),
    refuseDelete: (held, world) =>
      world.ofType("aws:cloudwatch/eventTarget:EventTarget").some(({ inputs }) => inputs.rule === held.id)
        ? "ValidationException: Rule can't be deleted since it has targets."
        : undefined,
  },
  "aws:cloudwatch/eventTarget:EventTarget": {
    replaceOn: ["rule", "targetId"],
    refs: { rule: ["aws:cloudwatch/eventRule:EventRule"], roleArn: [role] },
    check: (inputs) => [
      ...checkJson(inputs, "input"),
      ...(typeof inputs.targetId === "string" && !/^[\w.-]{1,64}$/.test(inputs.targetId)
        ? [{ property: "targetId", reason: `'${inputs.targetId}' is no id` }]
        : []),
      ...(/:(states|events):/.test(String(inputs.arn)) && inputs.roleArn === undefined
        ? [{ property: "roleArn", reason: `RoleArn is required for target ${String(inputs.arn)}` }]
        : []),
    ],
    accept: (inputs, world) =>
      checkTrust("roleArn", textAt(inputs, "roleArn"), "events.amazonaws.com", world),
    id: (inputs, _place, name) => `${String(inputs.rule)}-${String(inputs.targetId ?? name)}`,
  },
  "aws:cloudwatch/eventConnection:EventConnection": {
    name: named(64, word),
    outputs: (inputs, { account, region }, id) => ({
      arn: `arn:aws:events:${region}:${account}:connection/${id}`,
      secretArn: `arn:aws:secretsmanager:${region}:${account}:secret:events!connection/${String(inputs.name)}`,
    }),
  },
  "aws:cloudwatch/eventApiDestination:EventApiDestination": {
    name: named(64, word),
    check: ({ invocationEndpoint: url }) =>
      typeof url !== "string" || /^https:\/\//.test(url)
        ? []
        : [{ property: "invocationEndpoint", reason: "must be an https address" }],
    outputs: arnOf("events", (id) => `api-destination/${id}`),
  },
  "aws:cloudwatch/metricAlarm:MetricAlarm": {
    name: named(255, /^[^:]+$/),
    outputs: arnOf("cloudwatch", (id) => `alarm:${id}`),
  },
  "aws:pipes/pipe:Pipe": {
    name: named(64, /^[.\w-]+$/),
    replaceOn: ["source"],
    refs: { roleArn: [role] },
    accept: (inputs, world) => checkTrust("roleArn", textAt(inputs, "roleArn"), "pipes.amazonaws.com", world),
    outputs: arnOf("pipes", (id) => `pipe/${id}`),
  },
  [stateMachine]: {
    name: named(80, plainWord),
    replaceOn: ["type"],
    refs: { roleArn: [role] },
    check: checkStateMachine,
    accept: (inputs, world) =>
      checkTrust("roleArn", textAt(inputs, "roleArn"), "states.amazonaws.com", world),
    id: (inputs, { account, region }) =>
      `arn:aws:states:${region}:${account}:stateMachine:${String(inputs.name)}`,
    outputs: (_inputs, _place, id) => ({ arn: id }),
  },
  [queue]: {
    name: named(80, /^[\w-]+(\.fifo)?$/),
    check: (inputs) => [
      ...checkPolicy(inputs.policy, "policy", "resource"),
      ...checkJson(inputs, "redrivePolicy"),
      ...range(inputs, "visibilityTimeoutSeconds", 0, 43_200),
      ...range(inputs, "messageRetentionSeconds", 60, 1_209_600),
    ],
    id: (inputs, { account, region }) =>
      `https://sqs.${region}.amazonaws.com/${account}/${String(inputs.name)}`,
    outputs: (inputs, { account, region }, id) => ({
      arn: `arn:aws:sqs:${region}:${account}:${String(inputs.name)}`,
      url: id,
    }),
  },
  "aws:sqs/queuePolicy:QueuePolicy": {
    refs: { queueUrl: [queue] },
    check: ({ policy }) => checkPolicy(policy, "policy", "resource"),
    id: (inputs) => String(inputs.queueUrl),
  },
  "aws:sqs/redriveAllowPolicy:RedriveAllowPolicy": {
    refs: { queueUrl: [queue] },
    id: (inputs) => String(inputs.queueUrl),
  },
  [topic]: {
    name: named(256, plainWord),
    check: ({ policy }) => checkPolicy(policy, "policy", "resource"),
    id: (inputs, { account, region }) => `arn:aws:sns:${region}:${account}:${String(inputs.name)}`,
    outputs: (_inputs, _place, id) => ({ arn: id }),
  },
  "aws:sns/topicSubscription:TopicSubscription": {
    replaceOn: ["topic", "protocol", "endpoint"],
    check: ({ protocol, endpoint }) => {
      const forms: Readonly<Record<string, RegExp>> = {
        email: /^[^@\s]+@[^@\s]+$/,
        https: /^https:\/\//,
        http: /^http:\/\//,
      };
      const form = typeof protocol === "string" ? forms[protocol] : undefined;
      return form && typeof endpoint === "string" && !form.test(endpoint)
        ? [
            {
              property: "endpoint",
              reason: `InvalidParameter: '${endpoint}' is no ${String(protocol)} endpoint`,
            },
          ]
        : [];
    },
    refs: { topic: [topic] },
    id: (inputs) =>
      `${String(inputs.topic)}:${hex(`${String(inputs.protocol)}${String(inputs.endpoint)}`, 12)}`,
    outputs: (_inputs, _place, id) => ({ arn: id }),
  },
  "aws:secretsmanager/secret:Secret": {
    name: named(512, /^(?!.*-[A-Za-z0-9]{6}$)[\w/+=.@-]+$/),
    id: (inputs, { account, region }) =>
      `arn:aws:secretsmanager:${region}:${account}:secret:${String(inputs.name)}-${hex(String(inputs.name), 6)}`,
    outputs: (_inputs, _place, id) => ({ arn: id }),
  },
  "aws:secretsmanager/secretVersion:SecretVersion": {
    replaceOn: ["secretId"],
    refs: { secretId: ["aws:secretsmanager/secret:Secret"] },
    id: (inputs) => `${String(inputs.secretId)}|${digits(String(inputs.secretId), 8)}`,
    outputs: (inputs) => ({ arn: inputs.secretId }),
  },
  [bucket]: {
    name: named(63, /^[a-z0-9](?!.*\.\.)[a-z0-9.-]*[a-z0-9]$/, "bucket", 3),
    id: (inputs) => String(inputs.bucket),
    outputs: (_inputs, { region }, id) => ({
      arn: `arn:aws:s3:::${id}`,
      bucketDomainName: `${id}.s3.amazonaws.com`,
      bucketRegionalDomainName: `${id}.s3.${region}.amazonaws.com`,
      hostedZoneId: "Z3AQBSTGFYJSTF",
    }),
    refuseDelete: ({ id, inputs, data }) =>
      data && data.length > 0 && inputs.forceDestroy !== true
        ? `BucketNotEmpty: The bucket ${id} you tried to delete is not empty`
        : undefined,
    // Settings of a bucket go with it.
    contains: (held, other) => /^aws:s3\/bucket\w+:/.test(other.type) && other.inputs.bucket === held.id,
  },
  "aws:s3/bucketVersioning:BucketVersioning": ofBucket,
  "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": ofBucket,
  "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": ofBucket,
  "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": ofBucket,
  "aws:s3/bucketOwnershipControls:BucketOwnershipControls": ofBucket,
  "aws:s3/bucketPolicy:BucketPolicy": {
    ...ofBucket,
    check: ({ policy }) => checkPolicy(policy, "policy", "resource"),
  },
  "aws:dynamodb/table:Table": {
    name: named(255, word, "name", 3),
    replaceOn: ["hashKey", "rangeKey"],
    outputs: arnOf("dynamodb", (id) => `table/${id}`),
    refuseDelete: ({ id, inputs }) =>
      inputs.deletionProtectionEnabled === true
        ? `ValidationException: Resource cannot be deleted as it is currently protected against deletion: ${id}`
        : undefined,
  },
  "aws:ecr/repository:Repository": {
    name: named(256, /^(?:[a-z0-9]+(?:[._-][a-z0-9]+)*\/)*[a-z0-9]+(?:[._-][a-z0-9]+)*$/, "name", 2),
    outputs: (_inputs, { account, region, registry = `${account}.dkr.ecr.${region}.amazonaws.com` }, id) => ({
      arn: `arn:aws:ecr:${region}:${account}:repository/${id}`,
      registryId: account,
      repositoryUrl: `${registry}/${id}`,
    }),
  },
  "aws:ecr/lifecyclePolicy:LifecyclePolicy": {
    replaceOn: ["repository"],
    refs: { repository: ["aws:ecr/repository:Repository"] },
    id: (inputs) => String(inputs.repository),
    check: (inputs) => checkJson(inputs, "policy"),
  },
  [vpc]: {
    id: (inputs, _place, name) => `vpc-${hex(`${name} ${JSON.stringify(inputs)}`, 17)}`,
    outputs: arnOf("ec2", (id) => `vpc/${id}`),
  },
  [subnet]: {
    replaceOn: ["vpcId", "cidrBlock", "availabilityZone"],
    refs: { vpcId: [vpc] },
    id: (inputs, _place, name) => `subnet-${hex(`${name} ${JSON.stringify(inputs)}`, 17)}`,
    outputs: arnOf("ec2", (id) => `subnet/${id}`),
  },
  [securityGroup]: {
    name: named(255, /^(?!sg-)[\w .:/()#,@[\]+=&;{}!$*-]+$/),
    replaceOn: ["vpcId", "description"],
    id: (inputs, _place, name) => `sg-${hex(`${name} ${JSON.stringify(inputs)}`, 17)}`,
    outputs: arnOf("ec2", (id) => `security-group/${id}`),
    accept: (inputs, world) => knownNetwork(inputs, "vpcId", [vpc], [defaultVpc], world),
  },
};

const retentionDays = [
  0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
];

/** Memory in MiB of each cpu: from, to, step. */
const fargate: Readonly<Record<string, readonly [number, number, number]>> = {
  512: [1024, 4096, 1024],
  1024: [2048, 8192, 1024],
  2048: [4096, 16_384, 1024],
  4096: [8192, 30_720, 1024],
  8192: [16_384, 61_440, 4096],
  16384: [32_768, 122_880, 8192],
};

function isFargateSize(cpu: string, memory: number): boolean {
  if (cpu === "256") return [512, 1024, 2048].includes(memory);
  const [from, to, step] = fargate[cpu] ?? [0, -1, 1];
  return memory >= from && memory <= to && (memory - from) % step === 0;
}

function checkTaskDefinition(inputs: Props): Failure[] {
  const { cpu, memory, networkMode, containerDefinitions } = inputs;
  const failures: Failure[] = [];
  if (!isFargateSize(String(cpu), Number(memory)))
    failures.push({
      property: "cpu",
      reason: `ClientException: No Fargate configuration exists for given values: ${String(cpu)} CPU, ${String(memory)} memory`,
    });
  if (networkMode !== "awsvpc")
    failures.push({ property: "networkMode", reason: "Fargate only supports network mode awsvpc" });
  failures.push(...range(inputs, "ephemeralStorage.sizeInGib", 21, 200));
  if (containerDefinitions === unknownValue) return failures;
  const invalid = (reason: string) => failures.push({ property: "containerDefinitions", reason });
  const containers = containersOf(inputs);
  if (containers.length === 0) invalid("holds no container");
  for (const container of containers) {
    for (const key of ["name", "image"]) if (!textAt(container, key)) invalid(`a container has no ${key}`);
    if (/null|undefined/.test(JSON.stringify(Object.values(container))))
      invalid("a container has null in it");
    if (textAt(container, "logConfiguration.logDriver") === "awslogs") {
      for (const key of ["awslogs-group", "awslogs-region", "awslogs-stream-prefix"])
        if (!textAt(container, `logConfiguration.options.${key}`)) invalid(`the log has no ${key}`);
    }
    const variables = valuesAt(container, "environment[].name");
    if (new Set(variables).size !== variables.length) invalid("a variable is there twice");
    for (const from of valuesAt(container, "secrets[].valueFrom"))
      if (!/^arn:aws:(secretsmanager|ssm):/.test(String(from)))
        invalid(`a secret's valueFrom is ${String(from)}`);
    failures.push(...range(container, "stopTimeout", 2, 120));
  }
  return failures;
}

function containersOf(inputs: Props): Props[] {
  const parsed =
    typeof inputs.containerDefinitions === "string" ? parseJson(inputs.containerDefinitions) : undefined;
  return Array.isArray(parsed) ? parsed.filter(isObject) : [];
}

function checkSchedule(inputs: Props): Failure[] {
  const failures: Failure[] = [];
  const { scheduleExpression: expression, scheduleExpressionTimezone: zone, state } = inputs;
  const problem = typeof expression === "string" ? eventBridgeProblem(expression) : undefined;
  if (problem)
    failures.push({
      property: "scheduleExpression",
      reason: `ValidationException: ${String(expression)} ${problem}`,
    });
  if (zone !== undefined && !isZone(zone))
    failures.push({ property: "scheduleExpressionTimezone", reason: `there is no zone ${String(zone)}` });
  if (state !== undefined && state !== "ENABLED" && state !== "DISABLED")
    failures.push({ property: "state", reason: `is ${String(state)}` });
  const mode = textAt(inputs, "flexibleTimeWindow.mode");
  if (mode !== "OFF" && mode !== "FLEXIBLE")
    failures.push({ property: "flexibleTimeWindow.mode", reason: `is ${String(mode)}` });
  failures.push(...range(inputs, "target.retryPolicy.maximumRetryAttempts", 0, 185));
  failures.push(...range(inputs, "target.retryPolicy.maximumEventAgeInSeconds", 60, 86_400));
  const ecs = valuesAt(inputs, "target.ecsParameters")[0];
  if (isObject(ecs) && "launchType" in ecs && "capacityProviderStrategies" in ecs)
    failures.push({
      property: "target.ecsParameters",
      reason: "has both launchType and capacityProviderStrategies",
    });
  return failures;
}

/** The input of a schedule's ECS target: overrides of containers that the task has, in at most 8192 characters. */
function checkOverrides(inputs: Props, world: World): Failure[] {
  const input = textAt(inputs, "target.input");
  if (input === undefined) return [];
  const property = "target.input";
  const parsed = parseJson(input);
  if (!isObject(parsed)) return [{ property, reason: "is no JSON object" }];
  const arn = textAt(inputs, "target.ecsParameters.taskDefinitionArn");
  if (arn === undefined) return [];
  if (input.length > 8192) return [{ property, reason: `has ${input.length} characters: 8192 are allowed` }];
  const task = world.named([taskDefinition], arn);
  const known = task ? containersOf(task.inputs).map(({ name }) => name) : [];
  return valuesAt(parsed, "containerOverrides[].name")
    .filter((name) => !known.includes(name))
    .map((name) => ({ property, reason: `the task has no container ${String(name)}` }));
}

function checkStateMachine(inputs: Props): Failure[] {
  const property = "definition";
  if (typeof inputs.definition !== "string") return [];
  const definition = parseJson(inputs.definition);
  if (!isObject(definition)) return [{ property, reason: "InvalidDefinition: is no JSON object" }];
  return checkStates(definition).map((reason) => ({ property, reason: `InvalidDefinition: ${reason}` }));
}

/** Amazon States Language: every state is reachable by name, and has what its type needs. */
function checkStates(machine: Props): string[] {
  const states = isObject(machine.States) ? machine.States : {};
  const problems: string[] = [];
  const exists = (name: unknown, where: string) => {
    if (typeof name !== "string" || !(name in states))
      problems.push(`${where} names no state: ${String(name)}`);
  };
  exists(machine.StartAt, "StartAt");
  for (const [name, state] of Object.entries(states)) {
    if (!isObject(state)) return [`${name} is no object`];
    if (name.length > 80) problems.push(`the name of ${name} has more than 80 characters`);
    const ends = ["Succeed", "Fail"].includes(String(state.Type));
    if (!ends && state.Type !== "Choice" && state.End !== true) exists(state.Next, `Next of ${name}`);
    for (const next of [...valuesAt(state, "Catch[].Next"), ...valuesAt(state, "Choices[].Next")])
      exists(next, `a way out of ${name}`);
    if (state.Type === "Task" && typeof state.Resource !== "string") problems.push(`${name} has no Resource`);
    for (const branch of valuesAt(state, "Branches[]"))
      if (isObject(branch)) problems.push(...checkStates(branch));
  }
  return problems;
}

function checkJson(inputs: Props, property: string): Failure[] {
  const value = inputs[property];
  if (typeof value !== "string" || parseJson(value) !== undefined) return [];
  return [{ property, reason: "is no JSON" }];
}

function range(inputs: Props, property: string, min: number, max: number): Failure[] {
  return valuesAt(inputs, property)
    .filter((value) => value !== unknownValue && !(Number(value) >= min && Number(value) <= max))
    .map((value) => ({ property, reason: `is ${String(value)}: ${min} to ${max} is allowed` }));
}

function knownNetwork(
  inputs: Props,
  property: string,
  types: readonly string[],
  defaults: readonly string[],
  world: World,
): Failure[] {
  return valuesAt(inputs, property)
    .filter((value) => typeof value === "string" && !defaults.includes(value) && !world.named(types, value))
    .map((value) => ({ property, reason: `${String(value)} does not exist` }));
}
