import { toJSONSchema } from "zod/mini";
import { projectSchema } from "./load/schema.js";

/** JSON Schema (draft 2020-12) of a `version: 1` project.yml, with a description for every key: for editors. */
export function projectJsonSchema(): object {
  const schema = toJSONSchema(projectSchema("1"), { io: "input", target: "draft-2020-12", reused: "inline" });
  const { $schema, properties, ...rest } = schema;
  return {
    $schema,
    $id: "urn:handoff:project.yml:1",
    title: "handoff project.yml",
    ...rest,
    properties: { ...properties, version: { const: 1, description: "Dialect of the file: 1." } },
  };
}
