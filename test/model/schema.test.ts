import { expect } from "chai";
import { projectJsonSchema } from "../../model/schema.js";

type Node = { readonly [key: string]: unknown };

describe("projectJsonSchema", () => {
  it("is a schema of version 1 that describes every key", () => {
    const schema = projectJsonSchema() as Node;
    expect(schema.$schema).to.equal("https://json-schema.org/draft/2020-12/schema");
    expect(schema.title).to.equal("handoff project.yml");
    expect(schema.required).to.deep.equal(["version", "tasks"]);
    let count = 0;
    const visit = (value: unknown, at: string): void => {
      if (typeof value !== "object" || value === null) return;
      const node = value as Node;
      if (typeof node.properties === "object" && node.properties !== null) {
        expect(node.additionalProperties, at).to.equal(false);
        for (const [key, inner] of Object.entries(node.properties)) {
          expect((inner as Node).description, `${at}.${key}`)
            .to.be.a("string")
            .and.not.equal("");
          count++;
        }
      }
      for (const [key, inner] of Object.entries(node)) visit(inner, `${at}.${key}`);
    };
    visit(schema, "");
    expect(count).to.be.greaterThan(70);
  });
});
