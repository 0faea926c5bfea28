/** Schedules of EventBridge Scheduler. One of handoff's may be two of its: they are paused together. */
import {
  GetScheduleCommand,
  type GetScheduleCommandOutput,
  UpdateScheduleCommand,
  type UpdateScheduleCommandInput,
} from "@aws-sdk/client-scheduler";
import type { ScheduleState } from "../cloud-driver.js";
import { ask, type Clients } from "./operate-clients.js";
import type { Outputs } from "./operate-outputs.js";

export async function readSchedule(clients: Clients, outputs: Outputs, name: string): Promise<ScheduleState> {
  const found = await Promise.all(physical(outputs, name).map((one) => get(clients, outputs, one)));
  const [first] = found;
  return {
    paused: found.length > 0 && found.every(({ State }) => State === "DISABLED"),
    ...(first?.ScheduleExpression === undefined ? {} : { expression: first.ScheduleExpression }),
    ...(first?.ScheduleExpressionTimezone === undefined
      ? {}
      : { timezone: first.ScheduleExpressionTimezone }),
  };
}

export async function pauseSchedule(
  clients: Clients,
  outputs: Outputs,
  name: string,
  paused: boolean,
): Promise<void> {
  const State = paused ? "DISABLED" : "ENABLED";
  for (const one of physical(outputs, name)) {
    const found = await get(clients, outputs, one);
    if (found.State === State) continue;
    // It replaces all that there is: what isn't said again falls back to its default.
    const { $metadata: _, Arn: __, CreationDate: ___, LastModificationDate: ____, ...rest } = found;
    const input = { ...rest, State } as UpdateScheduleCommandInput;
    await ask(`${paused ? "pause" : "resume"} ${name}`, "scheduler:UpdateSchedule, iam:PassRole", () =>
      clients.scheduler.send(new UpdateScheduleCommand(input)),
    );
  }
}

function physical({ schedules }: Outputs, name: string): readonly string[] {
  return Object.hasOwn(schedules, name) ? (schedules[name] ?? []) : [];
}

async function get(
  { scheduler }: Clients,
  { scheduleGroup: GroupName }: Outputs,
  Name: string,
): Promise<GetScheduleCommandOutput> {
  return await ask(`look at the schedule ${Name}`, "scheduler:GetSchedule", () =>
    scheduler.send(new GetScheduleCommand({ GroupName, Name })),
  );
}
