/** Operating a stack on AWS: ECS runs it, Step Functions orders it, CloudWatch Logs and EventBridge Scheduler know the rest. */
import type { CloudDriver } from "../cloud-driver.js";
import { type CloudOperatorOptions, cloudOperator } from "../cloud-operate.js";
import type { DeployedStack, Operator } from "../operate.js";
import { openClients } from "./operate-clients.js";
import { describeFlow, listFlows, startFlow } from "./operate-flows.js";
import { readTaskLog } from "./operate-log.js";
import { readOutputs } from "./operate-outputs.js";
import { pauseSchedule, readSchedule } from "./operate-schedules.js";
import { describeTask, listTasks, listTasksOf, runTask } from "./operate-tasks.js";

export function awsOperator(stack: DeployedStack, options: CloudOperatorOptions = {}): Operator {
  return cloudOperator(stack, awsDriver(stack), options);
}

function awsDriver({ outputs: given, env: users, config = {}, settings, now }: DeployedStack): CloudDriver {
  const outputs = readOutputs(given);
  // As Pulumi: who deploys many clients has the account of each in its stack's config.
  const profile = config["aws:profile"];
  const env = typeof profile === "string" && profile !== "" ? { ...users, AWS_PROFILE: profile } : users;
  const clients = openClients(outputs.region, env);
  const recordDays = settings.artifactRetentionDays;
  return {
    // What is printed last is there some seconds after the task's end.
    logDelayMs: 15_000,
    storeEnv: { ...env, AWS_REGION: outputs.region },
    async executions(limit) {
      const [tasks, flows] = await Promise.all([
        listTasks(clients, outputs, limit, { recordDays, now }),
        listFlows(clients, outputs, limit),
      ]);
      return [...tasks, ...flows];
    },
    execution: (found) =>
      found.kind === "flow" ? describeFlow(clients, outputs, found) : describeTask(clients, outputs, found),
    jobsOf: (runId) => listTasksOf(clients, outputs, runId),
    start: (call) =>
      call.flow === null ? runTask(clients, outputs, call, settings.spot) : startFlow(clients, outputs, call),
    log: (target) => readTaskLog(clients, outputs, target),
    schedule: (name) => readSchedule(clients, outputs, name),
    setPaused: (name, paused) => pauseSchedule(clients, outputs, name, paused),
  };
}
