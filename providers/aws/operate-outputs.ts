/** What operating needs of a stack's outputs (outputs.ts). */
import { z } from "zod";
import { UserError } from "../../model/diagnostic.js";

const shape = z.object({
  region: z.string(),
  /** ARN. */
  cluster: z.string(),
  network: z.object({
    subnets: z.array(z.string()),
    securityGroups: z.array(z.string()),
    assignPublicIp: z.boolean(),
  }),
  jobs: z.record(
    z.string(),
    z.object({
      family: z.string(),
      /** ARN without the revision: the newest is started. */
      taskDefinition: z.string(),
      container: z.string(),
      logGroup: z.string(),
    }),
  ),
  /** ARNs of state machines. */
  flows: z.record(z.string(), z.string()).default({}),
  /** Names of what each became at EventBridge Scheduler. */
  schedules: z.record(z.string(), z.array(z.string())).default({}),
  scheduleGroup: z.string().default("default"),
});

export type Outputs = z.infer<typeof shape>;

/** @throws UserError `not-deployed` for those of another version of handoff */
export function readOutputs(outputs: Readonly<Record<string, unknown>>): Outputs {
  const { data, error } = shape.safeParse(outputs);
  if (data) return data;
  const [issue] = error.issues;
  throw new UserError(`the stack's output ${issue?.path.join(".")} can't be used: ${issue?.message}`, {
    code: "not-deployed",
    hint: "deploy it again with handoff up",
  });
}
