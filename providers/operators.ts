/** Each cloud's operator, with its SDKs, is loaded when a stack of it is asked for something. */
import { UserError } from "../model/diagnostic.js";
import type { Cloud, OpenOperator } from "./operate.js";

const operators: Partial<Readonly<Record<Cloud, () => Promise<OpenOperator>>>> = {
  aws: async () => (await import("./aws/operate.js")).awsOperator,
  gcp: async () => (await import("./gcp/operate.js")).gcpOperator,
};

/** @throws UserError `not-local` for a cloud that has none */
export async function operatorOf(cloud: Cloud): Promise<OpenOperator> {
  const load = operators[cloud];
  if (load) return await load();
  throw new UserError(`the stack is on ${cloud}, and this command knows local stacks alone`, {
    code: "not-local",
    hint: "name a stack with `handoff:cloud: local`, with -s",
  });
}
