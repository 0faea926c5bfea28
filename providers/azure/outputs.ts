/** What the stack shows. */
import type { RenderedInputs, RenderedResource, RenderedValue } from "../rendering.js";
import type { MadeJob, RenderedFlow } from "./flows.js";
import type { RenderedSchedules } from "./schedules.js";
import type { Scope, Text } from "./scope.js";
import type { RenderedTriggers } from "./triggers.js";

export interface Made {
  readonly jobs: readonly MadeJob[];
  readonly flows: readonly RenderedFlow[];
  readonly schedules: RenderedSchedules;
  readonly triggers: RenderedTriggers;
  readonly artifacts: Text;
  readonly stores: Readonly<Record<string, Text>>;
  readonly workspaceId: Text;
  readonly image: RenderedValue;
  readonly address?: Text;
}

export function outputs(scope: Scope, made: Made): RenderedInputs {
  const idOf = ({ name }: RenderedResource): RenderedValue => ({ $ref: [name, "id"] });
  return {
    jobs: Object.fromEntries(made.jobs.map(({ job, id }) => [job.name, id])),
    ...(made.flows.length === 0
      ? {}
      : { flows: Object.fromEntries(made.flows.map(({ flow, workflow }) => [flow.name, idOf(workflow)])) }),
    schedules: Object.fromEntries(
      Object.entries(made.schedules.made).map(([name, resource]) => [name, idOf(resource)]),
    ),
    triggers: Object.fromEntries(
      made.triggers.made.map(({ trigger, queue, deadLetters }) => [trigger.name, { queue, deadLetters }]),
    ),
    stores: { artifacts: made.artifacts, ...made.stores },
    resourceGroup: scope.group,
    dataResourceGroup: scope.dataGroup,
    logs: made.workspaceId,
    image: made.image,
    ...(made.address === undefined ? {} : { address: made.address }),
    console: {
      $join: [
        "https://portal.azure.com/#resource/subscriptions/",
        scope.subscription,
        "/resourceGroups/",
        scope.group,
      ],
    },
  };
}
