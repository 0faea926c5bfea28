/** Each cloud's operator, with its SDKs, is loaded when a stack of it is asked for something. */
import type { Cloud, OpenOperator } from "./operate.js";

const operators: Readonly<Record<Cloud, () => Promise<OpenOperator>>> = {
  aws: async () => (await import("./aws/operate.js")).awsOperator,
  gcp: async () => (await import("./gcp/operate.js")).gcpOperator,
  azure: async () => (await import("./azure/operate.js")).azureOperator,
};

export const operatorOf = (cloud: Cloud): Promise<OpenOperator> => operators[cloud]();
