/** Every type and function of the Google Cloud SDK that a deployment uses: Pulumi token to class. Types alone, nothing is loaded. */

import type { Image } from "@pulumi/docker-build/image.js";
import type { Repository } from "@pulumi/gcp/artifactregistry/repository.js";
import type { Job } from "@pulumi/gcp/cloudrunv2/job.js";
import type { JobIamMember } from "@pulumi/gcp/cloudrunv2/jobIamMember.js";
import type { Job as SchedulerJob } from "@pulumi/gcp/cloudscheduler/job.js";
import type { Address } from "@pulumi/gcp/compute/address.js";
import type { Network } from "@pulumi/gcp/compute/network.js";
import type { Router } from "@pulumi/gcp/compute/router.js";
import type { RouterNat } from "@pulumi/gcp/compute/routerNat.js";
import type { Subnetwork } from "@pulumi/gcp/compute/subnetwork.js";
import type { Trigger } from "@pulumi/gcp/eventarc/trigger.js";
import type { Database } from "@pulumi/gcp/firestore/database.js";
import type { Document } from "@pulumi/gcp/firestore/document.js";
import type { Metric } from "@pulumi/gcp/logging/metric.js";
import type { ProjectBucketConfig } from "@pulumi/gcp/logging/projectBucketConfig.js";
import type { ProjectSink } from "@pulumi/gcp/logging/projectSink.js";
import type { AlertPolicy } from "@pulumi/gcp/monitoring/alertPolicy.js";
import type { NotificationChannel } from "@pulumi/gcp/monitoring/notificationChannel.js";
import type { getClientConfig } from "@pulumi/gcp/organizations/getClientConfig.js";
import type { IAMMember } from "@pulumi/gcp/projects/iammember.js";
import type { Service } from "@pulumi/gcp/projects/service.js";
import type { Subscription } from "@pulumi/gcp/pubsub/subscription.js";
import type { Topic } from "@pulumi/gcp/pubsub/topic.js";
import type { TopicIAMMember } from "@pulumi/gcp/pubsub/topicIAMMember.js";
import type { Secret } from "@pulumi/gcp/secretmanager/secret.js";
import type { SecretIamMember } from "@pulumi/gcp/secretmanager/secretIamMember.js";
import type { SecretVersion } from "@pulumi/gcp/secretmanager/secretVersion.js";
import type { Account } from "@pulumi/gcp/serviceaccount/account.js";
import type { Bucket } from "@pulumi/gcp/storage/bucket.js";
import type { BucketIAMMember } from "@pulumi/gcp/storage/bucketIAMMember.js";
import type { Workflow } from "@pulumi/gcp/workflows/workflow.js";
import { describing, lookingUp, type Typed } from "../rendering.js";

export interface Classes {
  "docker-build:index:Image": typeof Image;
  "gcp:artifactregistry/repository:Repository": typeof Repository;
  "gcp:cloudrunv2/job:Job": typeof Job;
  "gcp:cloudrunv2/jobIamMember:JobIamMember": typeof JobIamMember;
  "gcp:cloudscheduler/job:Job": typeof SchedulerJob;
  "gcp:compute/address:Address": typeof Address;
  "gcp:compute/network:Network": typeof Network;
  "gcp:compute/router:Router": typeof Router;
  "gcp:compute/routerNat:RouterNat": typeof RouterNat;
  "gcp:compute/subnetwork:Subnetwork": typeof Subnetwork;
  "gcp:eventarc/trigger:Trigger": typeof Trigger;
  "gcp:firestore/database:Database": typeof Database;
  "gcp:firestore/document:Document": typeof Document;
  "gcp:logging/metric:Metric": typeof Metric;
  "gcp:logging/projectBucketConfig:ProjectBucketConfig": typeof ProjectBucketConfig;
  "gcp:logging/projectSink:ProjectSink": typeof ProjectSink;
  "gcp:monitoring/alertPolicy:AlertPolicy": typeof AlertPolicy;
  "gcp:monitoring/notificationChannel:NotificationChannel": typeof NotificationChannel;
  "gcp:projects/iAMMember:IAMMember": typeof IAMMember;
  "gcp:projects/service:Service": typeof Service;
  "gcp:pubsub/subscription:Subscription": typeof Subscription;
  "gcp:pubsub/topic:Topic": typeof Topic;
  "gcp:pubsub/topicIAMMember:TopicIAMMember": typeof TopicIAMMember;
  "gcp:secretmanager/secret:Secret": typeof Secret;
  "gcp:secretmanager/secretIamMember:SecretIamMember": typeof SecretIamMember;
  "gcp:secretmanager/secretVersion:SecretVersion": typeof SecretVersion;
  "gcp:serviceaccount/account:Account": typeof Account;
  "gcp:storage/bucket:Bucket": typeof Bucket;
  "gcp:storage/bucketIAMMember:BucketIAMMember": typeof BucketIAMMember;
  "gcp:workflows/workflow:Workflow": typeof Workflow;
}

interface Functions {
  "gcp:organizations/getClientConfig:getClientConfig": typeof getClientConfig;
}

export const gcp = describing<Classes>();
export const lookup = lookingUp<Functions>();

/** A described resource of a type, for functions that are given one. */
export type Made<Token extends keyof Classes> = Typed<keyof InstanceType<Classes[Token]> & string>;
