/** Every type and function of the AWS SDK that a deployment uses: Pulumi token to class. Types alone, nothing is loaded. */

import type { EventApiDestination } from "@pulumi/aws/cloudwatch/eventApiDestination.js";
import type { EventConnection } from "@pulumi/aws/cloudwatch/eventConnection.js";
import type { EventRule } from "@pulumi/aws/cloudwatch/eventRule.js";
import type { EventTarget } from "@pulumi/aws/cloudwatch/eventTarget.js";
import type { LogGroup } from "@pulumi/aws/cloudwatch/logGroup.js";
import type { MetricAlarm } from "@pulumi/aws/cloudwatch/metricAlarm.js";
import type { Table } from "@pulumi/aws/dynamodb/table.js";
import type { Eip } from "@pulumi/aws/ec2/eip.js";
import type { getSubnet } from "@pulumi/aws/ec2/getSubnet.js";
import type { getSubnets } from "@pulumi/aws/ec2/getSubnets.js";
import type { getVpc } from "@pulumi/aws/ec2/getVpc.js";
import type { InternetGateway } from "@pulumi/aws/ec2/internetGateway.js";
import type { NatGateway } from "@pulumi/aws/ec2/natGateway.js";
import type { RouteTable } from "@pulumi/aws/ec2/routeTable.js";
import type { RouteTableAssociation } from "@pulumi/aws/ec2/routeTableAssociation.js";
import type { SecurityGroup } from "@pulumi/aws/ec2/securityGroup.js";
import type { Subnet } from "@pulumi/aws/ec2/subnet.js";
import type { Vpc } from "@pulumi/aws/ec2/vpc.js";
import type { VpcEndpoint } from "@pulumi/aws/ec2/vpcEndpoint.js";
import type { getAuthorizationToken } from "@pulumi/aws/ecr/getAuthorizationToken.js";
import type { LifecyclePolicy } from "@pulumi/aws/ecr/lifecyclePolicy.js";
import type { Repository } from "@pulumi/aws/ecr/repository.js";
import type { Cluster } from "@pulumi/aws/ecs/cluster.js";
import type { ClusterCapacityProviders } from "@pulumi/aws/ecs/clusterCapacityProviders.js";
import type { TaskDefinition } from "@pulumi/aws/ecs/taskDefinition.js";
import type { getAvailabilityZones } from "@pulumi/aws/getAvailabilityZones.js";
import type { getCallerIdentity } from "@pulumi/aws/getCallerIdentity.js";
import type { Role } from "@pulumi/aws/iam/role.js";
import type { RolePolicy } from "@pulumi/aws/iam/rolePolicy.js";
import type { Pipe } from "@pulumi/aws/pipes/pipe.js";
import type { Bucket } from "@pulumi/aws/s3/bucket.js";
import type { BucketLifecycleConfiguration } from "@pulumi/aws/s3/bucketLifecycleConfiguration.js";
import type { BucketOwnershipControls } from "@pulumi/aws/s3/bucketOwnershipControls.js";
import type { BucketPolicy } from "@pulumi/aws/s3/bucketPolicy.js";
import type { BucketPublicAccessBlock } from "@pulumi/aws/s3/bucketPublicAccessBlock.js";
import type { BucketServerSideEncryptionConfiguration } from "@pulumi/aws/s3/bucketServerSideEncryptionConfiguration.js";
import type { BucketVersioning } from "@pulumi/aws/s3/bucketVersioning.js";
import type { Schedule } from "@pulumi/aws/scheduler/schedule.js";
import type { ScheduleGroup } from "@pulumi/aws/scheduler/scheduleGroup.js";
import type { Secret } from "@pulumi/aws/secretsmanager/secret.js";
import type { SecretVersion } from "@pulumi/aws/secretsmanager/secretVersion.js";
import type { StateMachine } from "@pulumi/aws/sfn/stateMachine.js";
import type { Topic } from "@pulumi/aws/sns/topic.js";
import type { TopicSubscription } from "@pulumi/aws/sns/topicSubscription.js";
import type { Queue } from "@pulumi/aws/sqs/queue.js";
import type { QueuePolicy } from "@pulumi/aws/sqs/queuePolicy.js";
import type { Image } from "@pulumi/docker-build/image.js";
import { describing, lookingUp } from "../rendering.js";

export interface Classes {
  "aws:cloudwatch/eventApiDestination:EventApiDestination": typeof EventApiDestination;
  "aws:cloudwatch/eventConnection:EventConnection": typeof EventConnection;
  "aws:cloudwatch/eventRule:EventRule": typeof EventRule;
  "aws:cloudwatch/eventTarget:EventTarget": typeof EventTarget;
  "aws:cloudwatch/logGroup:LogGroup": typeof LogGroup;
  "aws:cloudwatch/metricAlarm:MetricAlarm": typeof MetricAlarm;
  "aws:dynamodb/table:Table": typeof Table;
  "aws:ec2/eip:Eip": typeof Eip;
  "aws:ec2/internetGateway:InternetGateway": typeof InternetGateway;
  "aws:ec2/natGateway:NatGateway": typeof NatGateway;
  "aws:ec2/routeTable:RouteTable": typeof RouteTable;
  "aws:ec2/routeTableAssociation:RouteTableAssociation": typeof RouteTableAssociation;
  "aws:ec2/securityGroup:SecurityGroup": typeof SecurityGroup;
  "aws:ec2/subnet:Subnet": typeof Subnet;
  "aws:ec2/vpc:Vpc": typeof Vpc;
  "aws:ec2/vpcEndpoint:VpcEndpoint": typeof VpcEndpoint;
  "aws:ecr/lifecyclePolicy:LifecyclePolicy": typeof LifecyclePolicy;
  "aws:ecr/repository:Repository": typeof Repository;
  "aws:ecs/cluster:Cluster": typeof Cluster;
  "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders": typeof ClusterCapacityProviders;
  "aws:ecs/taskDefinition:TaskDefinition": typeof TaskDefinition;
  "aws:iam/role:Role": typeof Role;
  "aws:iam/rolePolicy:RolePolicy": typeof RolePolicy;
  "aws:pipes/pipe:Pipe": typeof Pipe;
  "aws:s3/bucket:Bucket": typeof Bucket;
  "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": typeof BucketLifecycleConfiguration;
  "aws:s3/bucketOwnershipControls:BucketOwnershipControls": typeof BucketOwnershipControls;
  "aws:s3/bucketPolicy:BucketPolicy": typeof BucketPolicy;
  "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": typeof BucketPublicAccessBlock;
  "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": typeof BucketServerSideEncryptionConfiguration;
  "aws:s3/bucketVersioning:BucketVersioning": typeof BucketVersioning;
  "aws:scheduler/schedule:Schedule": typeof Schedule;
  "aws:scheduler/scheduleGroup:ScheduleGroup": typeof ScheduleGroup;
  "aws:secretsmanager/secret:Secret": typeof Secret;
  "aws:secretsmanager/secretVersion:SecretVersion": typeof SecretVersion;
  "aws:sfn/stateMachine:StateMachine": typeof StateMachine;
  "aws:sns/topic:Topic": typeof Topic;
  "aws:sns/topicSubscription:TopicSubscription": typeof TopicSubscription;
  "aws:sqs/queue:Queue": typeof Queue;
  "aws:sqs/queuePolicy:QueuePolicy": typeof QueuePolicy;
  "docker-build:index:Image": typeof Image;
}

export interface Functions {
  "aws:ec2/getSubnet:getSubnet": typeof getSubnet;
  "aws:ec2/getSubnets:getSubnets": typeof getSubnets;
  "aws:ec2/getVpc:getVpc": typeof getVpc;
  "aws:ecr/getAuthorizationToken:getAuthorizationToken": typeof getAuthorizationToken;
  "aws:index/getAvailabilityZones:getAvailabilityZones": typeof getAvailabilityZones;
  "aws:index/getCallerIdentity:getCallerIdentity": typeof getCallerIdentity;
}

/** Describes one resource; its inputs are checked against the SDK's class. */
export const aws = describing<Classes>();
export const lookup = lookingUp<Functions>();
