/** How a task is started, in the forms that the services write it. */
import type { RenderedValue } from "../rendering.js";
import type { Network } from "./network.js";
import type { Scope } from "./scope.js";

/** Spot is a capacity provider's; with a strategy there must be no launch type, and the other way round. */
const spotProvider = "FARGATE_SPOT";

/** EventBridge Scheduler. */
export function schedulerLaunch(scope: Scope, network: Network) {
  return {
    ...(scope.plan.settings.spot
      ? { capacityProviderStrategies: [{ capacityProvider: spotProvider, weight: 1 }] }
      : { launchType: "FARGATE" }),
    networkConfiguration: {
      subnets: network.subnets as string[],
      securityGroups: network.securityGroups as string[],
      assignPublicIp: network.publicIp,
    },
    propagateTags: "TASK_DEFINITION",
    taskCount: 1,
  };
}

/** Step Functions: RunTask's parameters in its own case. */
export function statesLaunch(scope: Scope, network: Network): Readonly<Record<string, RenderedValue>> {
  return {
    ...(scope.plan.settings.spot
      ? { CapacityProviderStrategy: [{ CapacityProvider: spotProvider, Weight: 1 }] }
      : { LaunchType: "FARGATE" }),
    NetworkConfiguration: {
      AwsvpcConfiguration: {
        Subnets: network.subnets,
        SecurityGroups: network.securityGroups,
        AssignPublicIp: network.publicIp ? "ENABLED" : "DISABLED",
      },
    },
    PropagateTags: "TASK_DEFINITION",
  };
}
