/** A simulated Azure subscription. */
import type { NameRule, SimulatedCloud, TypeRule } from "./cloud.js";
import { unixProblem } from "./cron.js";
import { type Failure, isObject, type Props, textAt, textsIn, unknownValue, valuesAt } from "./values.js";
import { hex, uuid, type World } from "./world.js";

const subscription = "00000000-0000-0000-0000-000000000001";
const tenant = "00000000-0000-0000-0000-00000000000f";

const group = "azure-native:resources:ResourceGroup";
const environment = "azure-native:app:ManagedEnvironment";
const storage = "azure-native:storage:StorageAccount";
const vault = "azure-native:keyvault:Vault";
const identity = "azure-native:managedidentity:UserAssignedIdentity";
const registry = "azure-native:containerregistry:Registry";
const workspace = "azure-native:operationalinsights:Workspace";
const network = "azure-native:network:VirtualNetwork";

interface ArmType {
  /** Such as `Microsoft.App/jobs`. */
  readonly path: string;
  /** Inputs with the names of the parents and its own, in the path's order. */
  readonly names: readonly string[];
  readonly name?: { readonly pattern: RegExp; readonly min?: number; readonly max: number };
  readonly rule?: TypeRule;
}

/** Resources in a resource group: their ids follow from their names. */
const types: Readonly<Record<string, ArmType>> = {
  "azure-native:app:Job": {
    path: "Microsoft.App/jobs",
    names: ["jobName"],
    name: { pattern: /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/, min: 2, max: 32 },
    rule: {
      replaceOn: ["environmentId", "location"],
      refs: { environmentId: [environment], "identity.userAssignedIdentities[]": [identity] },
      check: checkJob,
      accept: acceptJob,
      outputs: (_inputs, _place, id) => ({
        eventStreamEndpoint: `https://simulated${id}/eventstream`,
        outboundIpAddresses: [],
      }),
    },
  },
  [environment]: {
    path: "Microsoft.App/managedEnvironments",
    names: ["environmentName"],
    name: { pattern: /^[a-z][a-z0-9-]*[a-z0-9]$/, max: 60 },
    rule: {
      replaceOn: ["location", "vnetConfiguration"],
      outputs: (_inputs, _place, id) => ({ defaultDomain: `${hex(id, 8)}.example.azurecontainerapps.io` }),
      refuseDelete: (held, world) =>
        world.ofType("azure-native:app:Job").some(({ inputs }) => inputs.environmentId === held.id)
          ? "Code=ManagedEnvironmentHasContainerApps: delete its jobs first"
          : undefined,
    },
  },
  [storage]: {
    path: "Microsoft.Storage/storageAccounts",
    names: ["accountName"],
    name: { pattern: /^[a-z0-9]+$/, min: 3, max: 24 },
    rule: {
      replaceOn: ["location", "kind"],
      outputs: (inputs) => {
        const at = (service: string) => `https://${String(inputs.accountName)}.${service}.core.windows.net/`;
        return {
          primaryEndpoints: { blob: at("blob"), queue: at("queue"), table: at("table"), file: at("file") },
        };
      },
    },
  },
  "azure-native:storage:BlobServiceProperties": {
    path: "Microsoft.Storage/storageAccounts/blobServices",
    names: ["accountName", "blobServicesName"],
    rule: { isSetting: true },
  },
  "azure-native:storage:BlobContainer": {
    path: "Microsoft.Storage/storageAccounts/blobServices/containers",
    names: ["accountName", "=default", "containerName"],
    name: { pattern: /^[a-z0-9](?!.*--)[a-z0-9-]*[a-z0-9]$/, min: 3, max: 63 },
  },
  "azure-native:storage:Queue": {
    path: "Microsoft.Storage/storageAccounts/queueServices/queues",
    names: ["accountName", "=default", "queueName"],
    name: { pattern: /^[a-z0-9](?!.*--)[a-z0-9-]*[a-z0-9]$/, min: 3, max: 63 },
  },
  "azure-native:storage:Table": {
    path: "Microsoft.Storage/storageAccounts/tableServices/tables",
    names: ["accountName", "=default", "tableName"],
    name: { pattern: /^[A-Za-z][A-Za-z0-9]*$/, min: 3, max: 63 },
  },
  "azure-native:storage:ManagementPolicy": {
    path: "Microsoft.Storage/storageAccounts/managementPolicies",
    names: ["accountName", "managementPolicyName"],
  },
  [vault]: {
    path: "Microsoft.KeyVault/vaults",
    names: ["vaultName"],
    name: { pattern: /^[A-Za-z](?!.*--)[A-Za-z0-9-]*[A-Za-z0-9]$/, min: 3, max: 24 },
    rule: {
      replaceOn: ["location"],
      // The provider gives the properties back as they were, with the address.
      outputs: (inputs) => ({
        properties: {
          ...(isObject(inputs.properties) ? inputs.properties : {}),
          vaultUri: `https://${String(inputs.vaultName)}.vault.azure.net/`,
        },
      }),
    },
  },
  "azure-native:keyvault:Secret": {
    path: "Microsoft.KeyVault/vaults/secrets",
    names: ["vaultName", "secretName"],
    name: { pattern: /^[A-Za-z0-9-]+$/, max: 127 },
    rule: {
      outputs: (inputs) => {
        const uri = `https://${String(inputs.vaultName)}.vault.azure.net/secrets/${String(inputs.secretName)}`;
        return {
          properties: { secretUri: uri, secretUriWithVersion: `${uri}/${hex(JSON.stringify(inputs), 32)}` },
        };
      },
    },
  },
  [identity]: {
    path: "Microsoft.ManagedIdentity/userAssignedIdentities",
    names: ["resourceName"],
    name: { pattern: /^[A-Za-z0-9][\w-]*$/, min: 3, max: 128 },
    rule: {
      outputs: (_inputs, _place, id) => ({
        principalId: uuid(`principal ${id}`),
        clientId: uuid(`client ${id}`),
        tenantId: tenant,
      }),
    },
  },
  [registry]: {
    path: "Microsoft.ContainerRegistry/registries",
    names: ["registryName"],
    name: { pattern: /^[A-Za-z0-9]+$/, min: 5, max: 50 },
    rule: {
      replaceOn: ["location"],
      outputs: (inputs, { registry: host = `${String(inputs.registryName).toLowerCase()}.azurecr.io` }) => ({
        loginServer: host,
      }),
    },
  },
  "azure-native:containerregistry:Task": {
    path: "Microsoft.ContainerRegistry/registries/tasks",
    names: ["registryName", "taskName"],
    name: { pattern: /^[A-Za-z0-9-]+$/, min: 5, max: 50 },
  },
  [workspace]: {
    path: "Microsoft.OperationalInsights/workspaces",
    names: ["workspaceName"],
    name: { pattern: /^[A-Za-z0-9][A-Za-z0-9-]*[A-Za-z0-9]$/, min: 4, max: 63 },
    rule: {
      replaceOn: ["location"],
      check: ({ retentionInDays: days }) =>
        typeof days === "number" && (days < 7 || days > 730)
          ? [{ property: "retentionInDays", reason: `is ${days}: 7 to 730` }]
          : [],
      outputs: (_inputs, _place, id) => ({ customerId: uuid(id) }),
    },
  },
  "azure-native:logic:Workflow": {
    path: "Microsoft.Logic/workflows",
    names: ["workflowName"],
    name: { pattern: /^[\w().-]+$/, max: 80 },
    rule: {
      refs: { "identity.userAssignedIdentities[]": [identity] },
      check: checkLogicApp,
      outputs: (_inputs, _place, id) => ({ accessEndpoint: `https://simulated${id}` }),
    },
  },
  "azure-native:monitor:ActionGroup": {
    path: "Microsoft.Insights/actionGroups",
    names: ["actionGroupName"],
    name: { pattern: /^[^:<>+/&%\\?|]+$/, max: 260 },
    rule: {
      check: ({ groupShortName: short }) =>
        typeof short === "string" && short.length > 12
          ? [{ property: "groupShortName", reason: `'${short}' has more than 12 characters` }]
          : [],
    },
  },
  "azure-native:monitor:ScheduledQueryRule": {
    path: "Microsoft.Insights/scheduledQueryRules",
    names: ["ruleName"],
    name: { pattern: /^[^*#&+:<>?@%{}\\/]+$/, max: 260 },
    rule: {
      refs: {
        "actions.actionGroups[]": ["azure-native:monitor:ActionGroup"],
        "scopes[]": [workspace, environment, "azure-native:app:Job", "azure-native:logic:Workflow", storage],
      },
    },
  },
  "azure-native:monitor:MetricAlert": {
    path: "Microsoft.Insights/metricAlerts",
    names: ["ruleName"],
    name: { pattern: /^[^*#&+:<>?@%{}\\/]+$/, max: 260 },
    rule: { refs: { "actions[].actionGroupId": ["azure-native:monitor:ActionGroup"] } },
  },
  [network]: {
    path: "Microsoft.Network/virtualNetworks",
    names: ["virtualNetworkName"],
    name: { pattern: /^[A-Za-z0-9][\w.-]*$/, max: 64 },
  },
  "azure-native:network:Subnet": {
    path: "Microsoft.Network/virtualNetworks/subnets",
    names: ["virtualNetworkName", "subnetName"],
    name: { pattern: /^[A-Za-z0-9][\w.-]*$/, max: 80 },
  },
  "azure-native:network:NatGateway": { path: "Microsoft.Network/natGateways", names: ["natGatewayName"] },
  "azure-native:network:PublicIPAddress": {
    path: "Microsoft.Network/publicIPAddresses",
    names: ["publicIpAddressName"],
    rule: {
      outputs: (_inputs, _place, id) => ({ ipAddress: `203.0.113.${Number.parseInt(hex(id, 2), 16)}` }),
    },
  },
  "azure-native:eventgrid:SystemTopic": {
    path: "Microsoft.EventGrid/systemTopics",
    names: ["systemTopicName"],
  },
};

const inGroup = (inputs: Props) =>
  `/subscriptions/${subscription}/resourceGroups/${String(inputs.resourceGroupName)}`;

function armRule({ path, names, name, rule = {} }: ArmType): TypeRule {
  const own = names.at(-1) ?? "";
  const [provider = "", ...parts] = path.split("/");
  const nameRule: NameRule | undefined = name && { input: own, ...name };
  return {
    ...rule,
    ...(nameRule ? { name: nameRule } : {}),
    replaceOn: [
      ...names.filter((input) => !input.startsWith("=")),
      "resourceGroupName",
      ...(rule.replaceOn ?? []),
    ],
    refs: { resourceGroupName: [group], ...rule.refs },
    accept: (inputs, world, place) => [
      ...parents(path, names, inputs, world),
      ...(rule.accept?.(inputs, world, place) ?? []),
    ],
    id: (inputs) =>
      [
        inGroup(inputs),
        "providers",
        provider,
        ...parts.flatMap((part, index) => [part, partOf(inputs, names[index] ?? "")]),
      ].join("/"),
    outputs: (inputs, place, id) => ({
      name: id.split("/").at(-1),
      type: path,
      location: inputs.location,
      ...rule.outputs?.(inputs, place, id),
    }),
    contains: (held, other) => other.id.startsWith(`${held.id}/`),
  };
}

function partOf(inputs: Props, input: string): string {
  return input.startsWith("=") ? input.slice(1) : String(inputs[input]);
}

/** What a resource is part of has to be there: a container's account, a secret's vault. */
function parents(path: string, names: readonly string[], inputs: Props, world: World): Failure[] {
  if (names.length < 2) return [];
  const [provider, part] = path.split("/");
  const parent = `${inGroup(inputs)}/providers/${provider}/${part}/${partOf(inputs, names[0] ?? "")}`;
  return world.all().some(({ id }) => id === parent)
    ? []
    : [{ property: names[0] ?? "", reason: `Code=ParentResourceNotFound: ${parent}` }];
}

const rules: Readonly<Record<string, TypeRule>> = {
  ...Object.fromEntries(Object.entries(types).map(([type, arm]) => [type, armRule(arm)])),
  [group]: {
    name: { input: "resourceGroupName", pattern: /^[\w().-]*[\w()-]$/, max: 90 },
    replaceOn: ["location"],
    id: inGroup,
    outputs: (inputs) => ({ name: inputs.resourceGroupName, type: "Microsoft.Resources/resourceGroups" }),
    // Whatever is still in it is gone with it.
    contains: (held, other) => other.id.startsWith(`${held.id}/`),
  },
  "azure-native:authorization:RoleAssignment": {
    replaceOn: ["principalId", "roleDefinitionId", "scope", "roleAssignmentName"],
    check: ({ roleDefinitionId: role, roleAssignmentName: name, principalType }) => [
      ...(typeof role === "string" && !/\/roleDefinitions\/[0-9a-f-]{36}$/.test(role)
        ? [{ property: "roleDefinitionId", reason: `'${role}' is no role definition` }]
        : []),
      ...(typeof name === "string" && !/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(name)
        ? [{ property: "roleAssignmentName", reason: `'${name}' is no GUID` }]
        : []),
      ...(principalType === undefined
        ? [
            {
              property: "principalType",
              reason: "without it a new principal is not found (PrincipalNotFound)",
            },
          ]
        : []),
    ],
    accept: ({ principalId }, world) =>
      world.all().some(({ outputs }) => canAct(outputs, principalId))
        ? []
        : [{ property: "principalId", reason: `Code=PrincipalNotFound: ${String(principalId)}` }],
    id: (inputs, _place, name) =>
      `${String(inputs.scope)}/providers/Microsoft.Authorization/roleAssignments/${String(inputs.roleAssignmentName ?? uuid(name))}`,
    outputs: (inputs, _place, name) => ({ name: inputs.roleAssignmentName ?? uuid(name) }),
  },
};

function canAct(outputs: Props, principalId: unknown): boolean {
  return outputs.principalId === principalId || textAt(outputs, "identity.principalId") === principalId;
}

export const azureNative: SimulatedCloud = {
  packageName: "azure-native",
  rules,
  functions: {
    "azure-native:authorization:getClientConfig": () => ({
      clientId: uuid("deployer"),
      objectId: uuid("deployer object"),
      subscriptionId: subscription,
      tenantId: tenant,
    }),
    "azure-native:operationalinsights:getSharedKeys": (args, world) => {
      existing(world, workspace, args);
      return {
        primarySharedKey: `simulated-key-${hex(String(args.workspaceName), 16)}`,
        secondarySharedKey: "simulated-key-2",
      };
    },
    "azure-native:operationalinsights:getWorkspaceSharedKeys": (args, world) => {
      existing(world, workspace, args);
      return {
        primarySharedKey: `simulated-key-${hex(String(args.workspaceName), 16)}`,
        secondarySharedKey: "simulated-key-2",
      };
    },
    "azure-native:containerregistry:listRegistryCredentials": (args, world) => {
      existing(world, registry, args);
      return {
        username: String(args.registryName),
        passwords: [{ name: "password", value: "simulated-registry-password" }],
      };
    },
    ...Object.fromEntries(
      [group, ...Object.keys(types)].map((type) => [
        type.replace(/:(\w+)$/, ":get$1"),
        (args: Props, world: World) => existing(world, type, args),
      ]),
    ),
  },

  place: (config) => ({
    account: subscription,
    region: config["azure-native:config:location"] ?? "",
  }),

  id: (type, inputs, _place, name) =>
    `${inGroup(inputs)}/providers/Simulated.${type.split(":")[1]}/${type.split(":")[2]}/${name}`,

  outputs: (_type, inputs, place, id) => ({
    azureApiVersion: "2025-01-01",
    location: inputs.location ?? place.region,
    name: id.split("/").at(-1),
    provisioningState: "Succeeded",
    ...systemIdentity(inputs, id),
  }),

  accept(_type, inputs, world) {
    const known = world.all().map(({ id }) => id.toLowerCase());
    return textsIn(inputs)
      .filter(({ text }) =>
        /^\/subscriptions\/[0-9a-f-]{36}\/resourceGroups\/[^/]+\/providers\/\S+$/i.test(text),
      )
      .filter(({ text }) => !known.some((id) => id === text.toLowerCase()))
      .filter(({ text }) => !/\/(roleDefinitions|managedApis)\//.test(text))
      .map(({ path, text }) => ({ property: path, reason: `Code=ResourceNotFound: ${text}` }));
  },

  autoname: (name, characters) => `${name}${characters}`,
  duplicate: (_type, id) => `cannot create already existing resource '${id}'`,
  failure: (method, type) =>
    `Status=429 Code=TooManyRequests Message="the request limit is reached (${method} ${type.split(":")[2]})"`,
};

/** A resource whose identity is the system's gets a principal. */
function systemIdentity(inputs: Props, id: string): Props {
  if (!isObject(inputs.identity) || !String(inputs.identity.type).includes("SystemAssigned")) return {};
  return { identity: { ...inputs.identity, principalId: uuid(`principal ${id}`), tenantId: tenant } };
}

/** What `get…` finds: the resource whose names are those of the arguments. */
function existing(world: World, type: string, args: Props): Props {
  const held = world
    .ofType(type)
    .find(({ inputs }) => Object.entries(args).every(([key, value]) => (inputs[key] ?? value) === value));
  if (!held) throw new Error(`Status=404 Code=ResourceNotFound: ${type} ${JSON.stringify(args)}`);
  return { ...held.outputs, id: held.id };
}

function checkJob(inputs: Props): Failure[] {
  const failures: Failure[] = [];
  const kind = textAt(inputs, "configuration.triggerType");
  const configurations: Readonly<Record<string, string>> = {
    Schedule: "scheduleTriggerConfig",
    Manual: "manualTriggerConfig",
    Event: "eventTriggerConfig",
  };
  const wanted = kind === undefined ? undefined : configurations[kind];
  if (kind !== undefined && (!wanted || valuesAt(inputs, `configuration.${wanted}`).length === 0))
    failures.push({ property: "configuration.triggerType", reason: `is ${kind}, without ${wanted}` });
  const cron = textAt(inputs, "configuration.scheduleTriggerConfig.cronExpression");
  const problem = cron === undefined ? undefined : unixProblem(cron);
  if (problem)
    failures.push({
      property: "configuration.scheduleTriggerConfig.cronExpression",
      reason: `${cron} ${problem}`,
    });
  for (const resources of valuesAt(inputs, "template.containers[].resources")) {
    const { cpu, memory } = isObject(resources) ? resources : {};
    const fits =
      typeof cpu === "number" &&
      cpu >= 0.25 &&
      cpu <= 4 &&
      (cpu * 4) % 1 === 0 &&
      Number.parseFloat(String(memory)) === cpu * 2 &&
      /Gi$/.test(String(memory));
    if (!fits)
      failures.push({
        property: "template.containers.resources",
        reason: `Code=ContainerAppInvalidResourceTotal: cpu ${String(cpu)}, memory ${String(memory)}`,
      });
  }
  const secrets = valuesAt(inputs, "configuration.secrets[].name");
  // In a preview the whole of it may not be known yet.
  const listed = ["configuration", "configuration.secrets"].flatMap((path) => valuesAt(inputs, path));
  for (const used of valuesAt(inputs, "template.containers[].env[].secretRef"))
    if (used !== unknownValue && !listed.includes(unknownValue) && !secrets.includes(used))
      failures.push({ property: "template.containers.env", reason: `there is no secret ${String(used)}` });
  for (const name of secrets)
    if (typeof name === "string" && !/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(name))
      failures.push({ property: "configuration.secrets.name", reason: `'${name}' is no name of a secret` });
  const variables = valuesAt(inputs, "template.containers[].env[].name");
  if (new Set(variables).size !== variables.length)
    failures.push({ property: "template.containers.env", reason: "has a variable twice" });
  return failures;
}

/** Secrets of a vault that exist, read by an identity that the job has and that may read them. */
function acceptJob(inputs: Props, world: World): Failure[] {
  const own = valuesAt(inputs, "identity.userAssignedIdentities[]").map((id) => String(id).toLowerCase());
  const failures: Failure[] = [];
  for (const secret of valuesAt(inputs, "configuration.secrets[]")) {
    if (!isObject(secret) || typeof secret.keyVaultUrl !== "string") continue;
    const property = "configuration.secrets";
    const held = world
      .ofType("azure-native:keyvault:Secret")
      .find(({ outputs }) =>
        [
          textAt(outputs, "properties.secretUri"),
          textAt(outputs, "properties.secretUriWithVersion"),
        ].includes(String(secret.keyVaultUrl)),
      );
    if (!held) failures.push({ property, reason: `there is no secret ${secret.keyVaultUrl}` });
    if (typeof secret.identity !== "string" || !own.includes(secret.identity.toLowerCase()))
      failures.push({ property, reason: `the job doesn't have the identity ${String(secret.identity)}` });
    else if (held && !mayRead(held.id, secret.identity, world))
      failures.push({ property, reason: `${secret.identity} may not read ${secret.keyVaultUrl}` });
  }
  for (const registryIdentity of valuesAt(inputs, "configuration.registries[].identity"))
    if (typeof registryIdentity === "string" && !own.includes(registryIdentity.toLowerCase()))
      failures.push({
        property: "configuration.registries",
        reason: `the job doesn't have the identity ${registryIdentity}`,
      });
  return failures;
}

const secretsUser = "4633458b-17de-408a-b874-0445c86b69e6";

function mayRead(secretId: string, identityId: string, world: World): boolean {
  const principal = world.named([identity], identityId)?.outputs.principalId;
  return world
    .ofType("azure-native:authorization:RoleAssignment")
    .some(
      ({ inputs }) =>
        inputs.principalId === principal &&
        secretId.startsWith(String(inputs.scope)) &&
        String(inputs.roleDefinitionId).endsWith(secretsUser),
    );
}

/** A workflow definition: every action runs after others that are there. */
function checkLogicApp({ definition }: Props): Failure[] {
  if (!isObject(definition)) return [];
  const property = "definition";
  const failures: Failure[] = [];
  if (!isObject(definition.triggers) || Object.keys(definition.triggers).length === 0)
    failures.push({ property, reason: "Code=InvalidTemplate: there is no trigger" });
  const visit = (actions: unknown): void => {
    if (!isObject(actions)) return;
    for (const [name, action] of Object.entries(actions)) {
      if (!isObject(action)) continue;
      if (name.length > 80)
        failures.push({ property, reason: `the name of ${name} has more than 80 characters` });
      for (const after of Object.keys(isObject(action.runAfter) ? action.runAfter : {}))
        if (!(after in actions))
          failures.push({ property, reason: `${name} runs after ${after}, which is not there` });
      visit(action.actions);
      if (isObject(action.else)) visit(action.else.actions);
    }
  };
  visit(definition.actions);
  return failures;
}
