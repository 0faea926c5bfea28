"""Creates a rendering's resources on a moto server of this process, by the AWS SDK.

stdin: {"resources": [...], "lookups": [...]} with expressions, as `render` gives them.
stdout: {"created": {type: count}, "task": ..., "schedules": [...], ...}, what the server says of them afterwards.
Every call goes through botocore, which checks it against the API's model, and over HTTP to the server.
"""
import json
import sys

import boto3
from moto.server import ThreadedMotoServer

REGION = "us-east-1"
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
host, port = server.get_host_and_port()
clients = {}


def client(service):
    if service not in clients:
        clients[service] = boto3.client(
            service,
            region_name=REGION,
            endpoint_url=f"http://{host}:{port}",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )
    return clients[service]


made = {}


def resolve(value):
    if isinstance(value, list):
        return [resolve(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "$ref" in value:
        name, path = value["$ref"]
        found = made[name]
        for key in path.split("."):
            found = found[int(key)] if isinstance(found, list) else found[key]
        return found
    if "$secret" in value:
        return "value-of-" + value["$secret"] if value["$secret"] != "SLACK_URL" else "https://hooks.example.com/s"
    if "$json" in value:
        return json.dumps(resolve(value["$json"]))
    if "$sorted" in value:
        return sorted(resolve(value["$sorted"]))
    if "$join" in value:
        return "".join(str(resolve(part)) for part in value["$join"])
    return {key: resolve(item) for key, item in value.items()}


def capital(name):
    return name[0].upper() + name[1:]


def capitals(value, keep=()):
    """The API's spelling of the SDK's names: `maximumRetryAttempts` is MaximumRetryAttempts."""
    if isinstance(value, list):
        return [capitals(item, keep) for item in value]
    if not isinstance(value, dict):
        return value
    return {capital(key): item if key in keep else capitals(item, keep) for key, item in value.items()}


def tags(inputs, key="Key", value="Value"):
    return [{key: name, value: text} for name, text in inputs.get("tags", {}).items()]


def lookups(type, inputs):
    if type.endswith("getCallerIdentity"):
        return {"accountId": client("sts").get_caller_identity()["Account"]}
    if type.endswith("getVpc"):
        found = client("ec2").describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
        return {"id": found[0]["VpcId"]}
    if type.endswith("getSubnets"):
        filters = [{"Name": item["name"], "Values": item["values"]} for item in inputs["filters"]]
        found = client("ec2").describe_subnets(Filters=filters)["Subnets"]
        return {"ids": [subnet["SubnetId"] for subnet in found]}
    if type.endswith("getAuthorizationToken"):
        return {"userName": "AWS", "password": "password"}
    raise SystemExit(f"no lookup {type}")


def create(type, i):
    kind = type.split(":")[-1]
    s3, iam, ecs, sqs, sns = client("s3"), client("iam"), client("ecs"), client("sqs"), client("sns")
    if kind == "Bucket":
        s3.create_bucket(Bucket=i["bucket"])
        return {"bucket": i["bucket"], "arn": f"arn:aws:s3:::{i['bucket']}"}
    if kind == "BucketVersioning":
        s3.put_bucket_versioning(Bucket=i["bucket"], VersioningConfiguration=capitals(i["versioningConfiguration"]))
    elif kind == "BucketServerSideEncryptionConfiguration":
        rules = [
            {
                "ApplyServerSideEncryptionByDefault": {
                    "SSEAlgorithm": rule["applyServerSideEncryptionByDefault"]["sseAlgorithm"]
                },
                "BucketKeyEnabled": rule["bucketKeyEnabled"],
            }
            for rule in i["rules"]
        ]
        s3.put_bucket_encryption(Bucket=i["bucket"], ServerSideEncryptionConfiguration={"Rules": rules})
    elif kind == "BucketPublicAccessBlock":
        block = capitals({key: value for key, value in i.items() if key != "bucket"})
        s3.put_public_access_block(Bucket=i["bucket"], PublicAccessBlockConfiguration=block)
    elif kind == "BucketOwnershipControls":
        s3.put_bucket_ownership_controls(Bucket=i["bucket"], OwnershipControls={"Rules": [capitals(i["rule"])]})
    elif kind == "BucketLifecycleConfiguration":
        rules = [{("ID" if key == "Id" else key): value for key, value in rule.items()} for rule in capitals(i["rules"])]
        s3.put_bucket_lifecycle_configuration(Bucket=i["bucket"], LifecycleConfiguration={"Rules": rules})
    elif kind == "BucketPolicy":
        s3.put_bucket_policy(Bucket=i["bucket"], Policy=i["policy"])
    elif kind == "Table":
        made_table = client("dynamodb").create_table(
            TableName=i["name"],
            BillingMode=i["billingMode"],
            KeySchema=[{"AttributeName": i["hashKey"], "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": a["name"], "AttributeType": a["type"]} for a in i["attributes"]],
            DeletionProtectionEnabled=i["deletionProtectionEnabled"],
            Tags=tags(i),
        )
        client("dynamodb").update_continuous_backups(
            TableName=i["name"],
            PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": i["pointInTimeRecovery"]["enabled"]},
        )
        return {"name": i["name"], "arn": made_table["TableDescription"]["TableArn"]}
    elif kind == "Secret":
        arn = client("secretsmanager").create_secret(Name=i["name"], Description=i["description"], Tags=tags(i))["ARN"]
        return {"id": arn, "arn": arn}
    elif kind == "SecretVersion":
        client("secretsmanager").put_secret_value(SecretId=i["secretId"], SecretString=i["secretString"])
    elif kind == "SecurityGroup":
        found = client("ec2").create_security_group(
            GroupName=i["name"], Description=i["description"], VpcId=i["vpcId"]
        )
        return {"id": found["GroupId"]}
    elif kind == "Repository":
        found = client("ecr").create_repository(
            repositoryName=i["name"],
            imageTagMutability=i["imageTagMutability"],
            imageScanningConfiguration=i["imageScanningConfiguration"],
            encryptionConfiguration=i["encryptionConfigurations"][0],
            tags=tags(i),
        )["repository"]
        return {"name": i["name"], "arn": found["repositoryArn"], "repositoryUrl": found["repositoryUri"]}
    elif kind == "LifecyclePolicy":
        client("ecr").put_lifecycle_policy(repositoryName=i["repository"], lifecyclePolicyText=i["policy"])
    elif kind == "Image":
        return {"digest": f"sha256:{'0' * 64}"}
    elif kind == "Cluster":
        found = ecs.create_cluster(clusterName=i["name"], settings=i["settings"], tags=tags(i, "key", "value"))
        return {"name": i["name"], "arn": found["cluster"]["clusterArn"]}
    elif kind == "ClusterCapacityProviders":
        ecs.put_cluster_capacity_providers(
            cluster=i["clusterName"], capacityProviders=i["capacityProviders"], defaultCapacityProviderStrategy=[]
        )
    elif kind == "TaskDefinition":
        given = {key: value for key, value in i.items() if key not in ("containerDefinitions", "tags", "requiresCompatibilities")}
        found = ecs.register_task_definition(
            **given,
            requiresCompatibilities=i["requiresCompatibilities"],
            containerDefinitions=json.loads(i["containerDefinitions"]),
            tags=tags(i, "key", "value"),
        )["taskDefinition"]
        arn = found["taskDefinitionArn"]
        return {"arn": arn, "arnWithoutRevision": arn.rsplit(":", 1)[0]}
    elif kind == "LogGroup":
        client("logs").create_log_group(logGroupName=i["name"], tags=i["tags"])
        client("logs").put_retention_policy(logGroupName=i["name"], retentionInDays=i["retentionInDays"])
        return {"name": i["name"], "arn": f"arn:aws:logs:{REGION}:{made['account']}:log-group:{i['name']}"}
    elif kind == "Role":
        found = iam.create_role(
            RoleName=i["name"], Path=i["path"], AssumeRolePolicyDocument=i["assumeRolePolicy"], Tags=tags(i)
        )["Role"]
        return {"name": i["name"], "arn": found["Arn"]}
    elif kind == "RolePolicy":
        iam.put_role_policy(RoleName=i["role"], PolicyName=i["name"], PolicyDocument=i["policy"])
    elif kind == "ScheduleGroup":
        client("scheduler").create_schedule_group(Name=i["name"], Tags=tags(i))
        return {"name": i["name"]}
    elif kind == "Schedule":
        create_schedule(i)
    elif kind == "Queue":
        attributes = {
            "MessageRetentionPeriod": i["messageRetentionSeconds"],
            "SqsManagedSseEnabled": str(i["sqsManagedSseEnabled"]).lower(),
        }
        if "redrivePolicy" in i:
            attributes["RedrivePolicy"] = i["redrivePolicy"]
            attributes["VisibilityTimeout"] = i["visibilityTimeoutSeconds"]
        url = sqs.create_queue(
            QueueName=i["name"], Attributes={key: str(value) for key, value in attributes.items()}, tags=i["tags"]
        )["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        return {"name": i["name"], "url": url, "arn": arn}
    elif kind == "StateMachine":
        given = {}
        if "loggingConfiguration" in i:
            logging = i["loggingConfiguration"]
            given["loggingConfiguration"] = {
                "level": logging["level"],
                "includeExecutionData": logging["includeExecutionData"],
                "destinations": [{"cloudWatchLogsLogGroup": {"logGroupArn": logging["logDestination"]}}],
            }
        found = client("stepfunctions").create_state_machine(
            name=i["name"],
            type=i["type"],
            roleArn=i["roleArn"],
            definition=i["definition"],
            tags=tags(i, "key", "value"),
            **given,
        )
        return {"arn": found["stateMachineArn"]}
    elif kind == "Pipe":
        client("pipes").create_pipe(
            Name=i["name"],
            RoleArn=i["roleArn"],
            Source=i["source"],
            SourceParameters=capitals(i["sourceParameters"]),
            Target=i["target"],
            TargetParameters=capitals(i["targetParameters"]),
            DesiredState=i["desiredState"],
            Tags=i["tags"],
        )
    elif kind == "Topic":
        return {"arn": sns.create_topic(Name=i["name"], Tags=tags(i))["TopicArn"]}
    elif kind == "TopicSubscription":
        sns.subscribe(TopicArn=i["topic"], Protocol=i["protocol"], Endpoint=i["endpoint"])
    elif kind == "EventConnection":
        key = i["authParameters"]["apiKey"]
        found = client("events").create_connection(
            Name=i["name"],
            Description=i["description"],
            AuthorizationType=i["authorizationType"],
            AuthParameters={"ApiKeyAuthParameters": {"ApiKeyName": key["key"], "ApiKeyValue": key["value"]}},
        )
        return {"arn": found["ConnectionArn"]}
    elif kind == "EventApiDestination":
        return {"arn": client("events").create_api_destination(**capitals(i))["ApiDestinationArn"]}
    elif kind == "EventRule":
        client("events").put_rule(
            Name=i["name"], Description=i["description"], EventPattern=i["eventPattern"], State=i["state"], Tags=tags(i)
        )
        return {"name": i["name"]}
    elif kind == "EventTarget":
        target = {"Id": i["targetId"], "Arn": i["arn"], "RoleArn": i["roleArn"]}
        if "inputPath" in i:
            target["InputPath"] = i["inputPath"]
        if "inputTransformer" in i:
            target["InputTransformer"] = capitals(i["inputTransformer"])
        failed = client("events").put_targets(Rule=i["rule"], Targets=[target])["FailedEntries"]
        assert failed == [], failed
    elif kind == "MetricAlarm":
        metrics = []
        for query in i["metricQueries"]:
            metric = {"Id": query["id"]}
            if "metric" in query:
                one = query["metric"]
                metric["ReturnData"] = False
                metric["MetricStat"] = {
                    "Metric": {
                        "Namespace": one["namespace"],
                        "MetricName": one["metricName"],
                        "Dimensions": [{"Name": key, "Value": value} for key, value in one["dimensions"].items()],
                    },
                    "Period": one["period"],
                    "Stat": one["stat"],
                }
            else:
                metric.update({"Expression": query["expression"], "Label": query["label"], "ReturnData": True})
            metrics.append(metric)
        client("cloudwatch").put_metric_alarm(
            AlarmName=i["name"],
            AlarmDescription=i["alarmDescription"],
            ComparisonOperator=i["comparisonOperator"],
            Threshold=i["threshold"],
            EvaluationPeriods=i["evaluationPeriods"],
            TreatMissingData=i["treatMissingData"],
            Metrics=metrics,
            Tags=tags(i),
        )
        return {"arn": f"arn:aws:cloudwatch:{REGION}:{made['account']}:alarm:{i['name']}"}
    else:
        raise SystemExit(f"no call is known for {type}")
    return {}


def create_schedule(i):
    target = capitals(i["target"])
    if "EcsParameters" in target:
        network = target["EcsParameters"].pop("NetworkConfiguration")
        network["AssignPublicIp"] = "ENABLED" if network["AssignPublicIp"] else "DISABLED"
        target["EcsParameters"]["NetworkConfiguration"] = {"awsvpcConfiguration": network}
        strategy = target["EcsParameters"].pop("CapacityProviderStrategies", None)
        if strategy:
            target["EcsParameters"]["CapacityProviderStrategy"] = [
                {"capacityProvider": one["CapacityProvider"], "weight": one["Weight"]} for one in strategy
            ]
    given = {
        "Name": i["name"],
        "GroupName": i["groupName"],
        "ScheduleExpression": i["scheduleExpression"],
        "ScheduleExpressionTimezone": i["scheduleExpressionTimezone"],
        "FlexibleTimeWindow": capitals(i["flexibleTimeWindow"]),
        "State": i["state"],
        "Target": target,
    }
    if "description" in i:
        given["Description"] = i["description"]
    client("scheduler").create_schedule(**given)


def run_task(rendering):
    """What EventBridge Scheduler does when a schedule with an ECS target fires."""
    schedule = next((r for r in rendering["resources"] if r["type"].endswith(":Schedule")), None)
    if schedule is None or "ecsParameters" not in schedule["inputs"]["target"]:
        return None
    target = resolve(schedule["inputs"]["target"])
    parameters = target["ecsParameters"]
    network = parameters["networkConfiguration"]
    # moto adds up the memory of containers, which have none of their own on Fargate: a revision that has it.
    ecs = client("ecs")
    family = parameters["taskDefinitionArn"].split("/")[-1]
    found = ecs.describe_task_definition(taskDefinition=family)["taskDefinition"]
    containers = [{**container, "memory": int(found["memory"])} for container in found["containerDefinitions"]]
    keep = ("family", "cpu", "memory", "networkMode", "requiresCompatibilities", "executionRoleArn", "taskRoleArn")
    ecs.register_task_definition(**{key: found[key] for key in keep}, containerDefinitions=containers)
    answer = ecs.run_task(
        cluster=target["arn"],
        taskDefinition=parameters["taskDefinitionArn"],
        launchType=parameters["launchType"],
        count=parameters["taskCount"],
        overrides=json.loads(target["input"]),
        propagateTags=parameters["propagateTags"],
        networkConfiguration={
            "awsvpcConfiguration": {
                "subnets": network["subnets"],
                "securityGroups": network["securityGroups"],
                "assignPublicIp": "ENABLED",
            }
        },
    )
    assert answer["failures"] == [], answer["failures"]
    return [task["overrides"] for task in answer["tasks"]]


def create_all(rendering):
    made["account"] = client("sts").get_caller_identity()["Account"]
    for lookup in rendering["lookups"]:
        made[lookup["name"]] = lookups(lookup["type"], resolve(lookup["inputs"]))
    created = {}
    for resource in rendering["resources"]:
        if resource["parent"] is None:
            continue
        try:
            made[resource["name"]] = create(resource["type"], resolve(resource["inputs"]))
        except Exception as error:
            raise SystemExit(f"{resource['type']} {resource['name']}: {type(error).__name__}: {error}")
        created[resource["type"]] = created.get(resource["type"], 0) + 1
    return created


def main():
    rendering = json.load(sys.stdin)
    created = create_all(rendering)
    machines = client("stepfunctions").list_state_machines()["stateMachines"]
    result = {
        "created": created,
        "families": client("ecs").list_task_definition_families()["families"],
        "schedules": client("scheduler").list_schedules()["Schedules"],
        "queues": client("sqs").list_queues().get("QueueUrls", []),
        "machines": [machine["name"] for machine in machines],
        "roles": [role["Path"] + role["RoleName"] for role in client("iam").list_roles()["Roles"]],
        "overrides": run_task(rendering),
    }
    print(json.dumps(result, default=str))
    server.stop()


if __name__ == "__main__":
    main()
