/** What Google Cloud says to the project's notifications. */
import type { Diagnostic } from "../../model/diagnostic.js";
import type { DeployPlan } from "../../model/plan-types.js";
import { isOrchestrated } from "../flows.js";
import { capabilities } from "./capabilities.js";
import { info, warning } from "./findings.js";

export function checkNotifications(plan: DeployPlan): Diagnostic[] {
  const { notifications, settings } = plan;
  const commands = notifications.filter(({ target }) => target.kind === "command");
  const timeouts = notifications.some(
    ({ on }) => on.includes("timeout") && (isOrchestrated(plan) || on.includes("failure")),
  );
  const unheard =
    isOrchestrated(plan) && notifications.some(({ on }) => on.includes("timeout") && !on.includes("failure"));
  const unset = notifications.flatMap(({ target }) =>
    target.kind === "webhook" && target.secret !== undefined && !settings.secretKeys.includes(target.secret)
      ? [target.secret]
      : [],
  );
  return [
    ...unset.map((key) =>
      warning(
        "gcp-webhook-not-set",
        `the webhook of secret ${key} will not be called: the stack has no value for it`,
        `handoff secrets set ${key} -s ${settings.stack}`,
      ),
    ),
    ...commands.map(() =>
      warning(
        "gcp-no-command",
        `a notification's command is not run: ${capabilities.command.how}`,
        "add a notification with email or webhook for this stack",
      ),
    ),
    ...(unheard
      ? [
          warning(
            "gcp-timeout-not-told",
            "a notification on timeout alone is never sent with granularity: task: a time-out is told as a failure there",
            "add failure to its `on`",
          ),
        ]
      : timeouts
        ? [info("gcp-timeout-is-failure", "a time-out is told as a failure: Cloud Run counts it as one")]
        : []),
  ];
}
