import { expect } from "chai";
import { adopting } from "../../../providers/adopt.js";
import { gcp } from "../../../providers/gcp/index.js";
import { printable } from "../../../providers/rendering.js";
import { fullPlan } from "../plans.js";

const kept = gcp
  .render(fullPlan("gcp"), { name: "fx", pulumiProject: "pipelines" })
  .resources.filter(({ retainOnDelete }) => retainOnDelete);

type Asked = { token: string; args: Readonly<Record<string, string>> };

async function imported(there: boolean): Promise<{ ids: unknown[]; asked: Asked[] }> {
  const asked: Asked[] = [];
  const ids: unknown[] = [];
  for (const { type, name, inputs } of kept) {
    const transform = adopting(type, async (token, args) => {
      asked.push({ token, args });
      if (!there) throw new Error("404");
      return { id: `answer-of-${name}` };
    });
    // As Pulumi would have it: the database's own name is known.
    const props = {
      ...(printable(inputs) as object),
      ...(type.includes("Document") ? { database: "db" } : {}),
    };
    const result = await transform?.({ custom: true, type, name, props, opts: {} });
    ids.push((result?.opts as { import?: string } | undefined)?.import);
  }
  return { ids, asked };
}

describe("data that a deployment to Google Cloud left behind", () => {
  it("is of types that the next one can look for", () => {
    expect(kept.map(({ type }) => type)).to.deep.equal([
      "gcp:storage/bucket:Bucket",
      "gcp:storage/bucket:Bucket",
      "gcp:firestore/database:Database",
      "gcp:firestore/document:Document",
    ]);
  });

  it("is imported when it is there: the database, which can't be asked for, by the document in it", async () => {
    const { ids, asked } = await imported(true);
    const database = String(kept[2]?.inputs.name);
    expect(ids).to.deep.equal([
      "answer-of-fx-artifacts",
      "answer-of-fx-store-raw-files",
      `projects/my-project/databases/${database}`,
      "projects/my-project/databases/db/documents/_handoff/kept",
    ]);
    expect(asked[2]).to.deep.equal({
      token: "gcp:firestore/getDocument:getDocument",
      args: { project: "my-project", database, collection: "_handoff", documentId: "kept" },
    });
  });

  it("is made anew when it isn't", async () => {
    expect((await imported(false)).ids).to.deep.equal([undefined, undefined, undefined, undefined]);
  });
});
