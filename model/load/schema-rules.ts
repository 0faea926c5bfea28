import { gitRefPattern } from "../git-source.js";

/**
 * What the JSON Schema of version 1 says beyond types and keys, so that an editor marks it while the user types. The loader
 * checks the same itself, in words that help more than those of a schema.
 */
type Rules = Readonly<Record<string, unknown>>;

/** Names of tasks, schedules, stores and triggers in version 1. */
export const namePattern = /^[A-Za-z0-9_-]+$/;
/** Names of variables, of environment variables and of secrets. */
export const identifierPattern = /^[A-Za-z_][A-Za-z0-9_]*$/;
/** Names of virtual environments in version 1. */
export const venvPattern = /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/;
export const emailPattern = /^[^\s@,;<>]+@[^\s@,;<>]+$/;

const number = "(\\d+(\\.\\d+)?|\\.\\d+)";

function oneOf(...keys: string[]): Rules {
  return { oneOf: keys.map((key) => ({ required: [key] })) };
}

const value: Rules = { type: ["string", "number", "boolean"] };

export const rules = {
  task: oneOf("pipeline", "commands", "tasks"),
  command: { required: ["command"] },
  member: {
    ...oneOf("command", "fork", "foreach"),
    dependentRequired: {
      args: ["command"],
      venv: ["command"],
      timeout: ["command"],
      max_parallel: ["foreach"],
    },
  },
  notEmpty: { minItems: 1 },
  /** Text with more in it than white space. */
  notBlank: { pattern: "\\S" },
  identifier: { pattern: identifierPattern.source },
  venv: { pattern: venvPattern.source },
  variables: { propertyNames: { pattern: identifierPattern.source } },
  /** Only the project's own `envs` can leave a value out. */
  valued: { additionalProperties: value },
  valuedItem: { required: ["key", "value"] },
  value: { anyOf: [value] },
  duration: { minimum: 0, pattern: "^\\s*(\\d+(\\.\\d+)?|(\\d+(\\.\\d+)?\\s*[smhdwSMHDW]\\s*)+)\\s*$" },
  timeout: { exclusiveMinimum: 0 },
  cpu: { exclusiveMinimum: 0, pattern: `^\\s*${number}\\s*m?\\s*$` },
  bytes: { exclusiveMinimum: 0, pattern: `^\\s*${number}\\s*([kmgtKMGT][iI]?[bB]?)?\\s*$` },
  retries: { type: "integer", minimum: 0, maximum: 100 },
  backoff: { minimum: 1, maximum: 100 },
  parallel: { minimum: 1 },
  concurrency: { minimum: 1, maximum: 1000 },
  notification: oneOf("email", "webhook", "command"),
  webhook: oneOf("secret", "url"),
  email: { pattern: emailPattern.source },
  repository: { pattern: "^([hH][tT][tT][pP][sS]?|[fF][iI][lL][eE])://" },
  ref: { pattern: gitRefPattern.source },
  address: { pattern: "^[hH][tT][tT][pP][sS]?://[^\\s/]+" },
} as const satisfies Readonly<Record<string, Rules>>;
