/** Every type and function of the Azure SDK that a deployment uses: Pulumi token to class. Types alone, nothing is loaded. */
import type { Job } from "@pulumi/azure-native/app/job.js";
import type { ManagedEnvironment } from "@pulumi/azure-native/app/managedEnvironment.js";
import type { getClientConfig } from "@pulumi/azure-native/authorization/getClientConfig.js";
import type { RoleAssignment } from "@pulumi/azure-native/authorization/roleAssignment.js";
import type { listRegistryCredentials } from "@pulumi/azure-native/containerregistry/listRegistryCredentials.js";
import type { Registry } from "@pulumi/azure-native/containerregistry/registry.js";
import type { Task } from "@pulumi/azure-native/containerregistry/task.js";
import type { Secret } from "@pulumi/azure-native/keyvault/secret.js";
import type { Vault } from "@pulumi/azure-native/keyvault/vault.js";
import type { Workflow } from "@pulumi/azure-native/logic/workflow.js";
import type { UserAssignedIdentity } from "@pulumi/azure-native/managedidentity/userAssignedIdentity.js";
import type { ActionGroup } from "@pulumi/azure-native/monitor/actionGroup.js";
import type { MetricAlert } from "@pulumi/azure-native/monitor/metricAlert.js";
import type { ScheduledQueryRule } from "@pulumi/azure-native/monitor/scheduledQueryRule.js";
import type { NatGateway } from "@pulumi/azure-native/network/natGateway.js";
import type { PublicIPAddress } from "@pulumi/azure-native/network/publicIPAddress.js";
import type { Subnet } from "@pulumi/azure-native/network/subnet.js";
import type { VirtualNetwork } from "@pulumi/azure-native/network/virtualNetwork.js";
import type { getSharedKeys } from "@pulumi/azure-native/operationalinsights/getSharedKeys.js";
import type { Workspace } from "@pulumi/azure-native/operationalinsights/workspace.js";
import type { ResourceGroup } from "@pulumi/azure-native/resources/resourceGroup.js";
import type { BlobContainer } from "@pulumi/azure-native/storage/blobContainer.js";
import type { BlobServiceProperties } from "@pulumi/azure-native/storage/blobServiceProperties.js";
import type { ManagementPolicy } from "@pulumi/azure-native/storage/managementPolicy.js";
import type { Queue } from "@pulumi/azure-native/storage/queue.js";
import type { StorageAccount } from "@pulumi/azure-native/storage/storageAccount.js";
import type { Table } from "@pulumi/azure-native/storage/table.js";
import type { Image } from "@pulumi/docker-build/image.js";
import { describing, lookingUp } from "../rendering.js";

export interface Classes {
  "azure-native:app:Job": typeof Job;
  "azure-native:app:ManagedEnvironment": typeof ManagedEnvironment;
  "azure-native:authorization:RoleAssignment": typeof RoleAssignment;
  "azure-native:containerregistry:Registry": typeof Registry;
  "azure-native:containerregistry:Task": typeof Task;
  "azure-native:keyvault:Secret": typeof Secret;
  "azure-native:keyvault:Vault": typeof Vault;
  "azure-native:logic:Workflow": typeof Workflow;
  "azure-native:managedidentity:UserAssignedIdentity": typeof UserAssignedIdentity;
  "azure-native:monitor:ActionGroup": typeof ActionGroup;
  "azure-native:monitor:MetricAlert": typeof MetricAlert;
  "azure-native:monitor:ScheduledQueryRule": typeof ScheduledQueryRule;
  "azure-native:network:NatGateway": typeof NatGateway;
  "azure-native:network:PublicIPAddress": typeof PublicIPAddress;
  "azure-native:network:Subnet": typeof Subnet;
  "azure-native:network:VirtualNetwork": typeof VirtualNetwork;
  "azure-native:operationalinsights:Workspace": typeof Workspace;
  "azure-native:resources:ResourceGroup": typeof ResourceGroup;
  "azure-native:storage:BlobContainer": typeof BlobContainer;
  "azure-native:storage:BlobServiceProperties": typeof BlobServiceProperties;
  "azure-native:storage:ManagementPolicy": typeof ManagementPolicy;
  "azure-native:storage:Queue": typeof Queue;
  "azure-native:storage:StorageAccount": typeof StorageAccount;
  "azure-native:storage:Table": typeof Table;
  "docker-build:index:Image": typeof Image;
}

export interface Functions {
  "azure-native:authorization:getClientConfig": typeof getClientConfig;
  "azure-native:containerregistry:listRegistryCredentials": typeof listRegistryCredentials;
  "azure-native:operationalinsights:getSharedKeys": typeof getSharedKeys;
}

/** Describes one resource; its inputs are checked against the SDK's class. */
export const azure = describing<Classes>();
export const lookup = lookingUp<Functions>();
