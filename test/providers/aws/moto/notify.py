"""Runs the notifier of a rendering on moto: what it reads from S3, mails by SNS and puts on the event bus.

stdin: {"rendering": ..., "endings": {key in the bucket: text}, "events": [{"rule": name in Pulumi, "event": ...}]}
stdout: for each event {"status", "error", "mails": [{"subject", "text"}], "posts": [{"rule", "detail"}]}.
Rules' patterns are moto's to match, and so is the state machine to run; EventBridge's templates are filled in here.
"""
import json
import os
import sys
import time
import urllib.request

from botocore.response import StreamingBody
from create import client, create_all, made, resolve, server
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import state_task_service_aws_sdk as sdk

host, port = server.get_host_and_port()
# Where the state machine's own calls go.
os.environ["MOTO_PORT"] = str(port)

call = sdk.StateTaskServiceAwsSdk._eval_service_task


def call_and_read(self, env, *args, **given):
    """Step Functions gives a body as text; moto leaves it a stream."""
    call(self, env, *args, **given)
    answer = env.stack[-1]
    for key, value in answer.items():
        if isinstance(value, StreamingBody):
            answer[key] = value.read().decode()


sdk.StateTaskServiceAwsSdk._eval_service_task = call_and_read


def configure(settings):
    request = urllib.request.Request(f"http://{host}:{port}/moto-api/config", json.dumps(settings).encode())
    urllib.request.urlopen(request).read()


def queue(name):
    url = client("sqs").create_queue(QueueName=name)["QueueUrl"]
    arn = client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    return url, arn


def drain(url):
    bodies = []
    while True:
        messages = client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        if not messages:
            return bodies
        for message in messages:
            bodies.append(json.loads(message["Body"]))
            client("sqs").delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


def ended(execution):
    for _ in range(600):
        found = client("stepfunctions").describe_execution(executionArn=execution)
        if found["status"] != "RUNNING":
            return found
        time.sleep(0.05)
    raise SystemExit("the notifier doesn't end")


def main():
    given = json.load(sys.stdin)
    rendering = given["rendering"]
    # Before the first machine is made.
    configure({"stepfunctions": {"execute_state_machine": True}})
    create_all(rendering)
    resources = {resource["name"]: resource for resource in rendering["resources"]}
    mail, mail_arn = queue("mails")
    for name, resource in resources.items():
        if resource["type"].endswith(":Topic"):
            client("sns").subscribe(TopicArn=made[name]["arn"], Protocol="sqs", Endpoint=mail_arn)
    posts = {}
    for name, resource in resources.items():
        if not resource["type"].endswith(":EventTarget"):
            continue
        inputs = resolve(resource["inputs"])
        if "inputPath" not in inputs:
            continue
        assert inputs["inputPath"] == "$.detail", inputs
        # A queue in the place of each webhook.
        url, arn = queue(f"{inputs['targetId']}-{len(posts)}")
        client("events").remove_targets(Rule=inputs["rule"], Ids=[inputs["targetId"]])
        client("events").put_targets(Rule=inputs["rule"], Targets=[{"Id": inputs["targetId"], "Arn": arn}])
        posts[name] = url
    [bucket] = [made[name]["bucket"] for name, r in resources.items() if r["type"].endswith(":Bucket") and name.endswith("-artifacts")]
    # It lets nobody in without TLS, which moto's server has not.
    client("s3").delete_bucket_policy(Bucket=bucket)
    for key, text in given["endings"].items():
        client("s3").put_object(Bucket=bucket, Key=key, Body=text.encode())
    results = []
    for one in given["events"]:
        [target] = client("events").list_targets_by_rule(Rule=made[one["rule"]]["name"])["Targets"]
        template = target["InputTransformer"]["InputTemplate"]
        text = template.replace("<aws.events.event.json>", json.dumps(one["event"]))
        started = client("stepfunctions").start_execution(
            stateMachineArn=target["Arn"], name=f"notice-{len(results)}", input=text
        )
        end = ended(started["executionArn"])
        results.append(
            {
                "status": end["status"],
                "error": end.get("cause"),
                "mails": [{"subject": m["Subject"], "text": m["Message"]} for m in drain(mail)],
                "posts": [{"target": name, "detail": m["detail"]} for name, url in posts.items() for m in drain(url)],
            }
        )
    print(json.dumps(results))
    server.stop()


main()
