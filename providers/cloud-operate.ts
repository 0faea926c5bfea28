/** Operating a stack in a cloud: all that is the same on AWS, GCP and Azure. */
export type * from "./cloud-driver.js";
export {
  type CallDescription,
  CloudError,
  type CloudFailure,
  cloudError,
  isPassing,
} from "./cloud-errors.js";
