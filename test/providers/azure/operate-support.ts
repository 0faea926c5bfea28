/** What the tests of Azure's operator ask and compare. */
import { UserError } from "../../../model/diagnostic.js";
import type { LogLine } from "../../../model/run.js";
import { newRunId } from "../../../model/run-id.js";
import type { FollowOptions, Operator, RunView } from "../../../providers/operate.js";
import type { ServedExecution } from "./operate-server.js";

export async function refusal(call: Promise<unknown>): Promise<UserError> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof UserError) return error;
  throw new Error(`expected a UserError, got ${error instanceof Error ? error.stack : String(error)}`);
}

/** An id such as a run of that time has. */
export const idAt = (time: string): string => newRunId(new Date(time));

/** Of the container that was started. */
export const variables = ({
  properties: { template },
}: ServedExecution): Record<string, string | undefined> =>
  Object.fromEntries(template.containers[0]?.env?.map(({ name, value }) => [name, value]) ?? []);

export async function linesOf(operator: Operator, run: RunView, options?: FollowOptions): Promise<LogLine[]> {
  const lines: LogLine[] = [];
  for await (const line of operator.logs(run, options)) lines.push(line);
  return lines;
}

export const messages = (lines: readonly LogLine[]): string[] => lines.map(({ message }) => message);
