import { expect } from "chai";
import {
  base64,
  evaluate,
  json,
  printable,
  type RenderedValue,
  ref,
  referencesIn,
  secret,
  sorted,
  text,
} from "../../providers/rendering.js";

const bucket = { type: "x:y:Bucket", name: "fx-bucket", parent: "fx", inputs: {} };
const arn = ref<string>(bucket, "arn");

describe("rendering: expressions", () => {
  it("are data that says where a value is from", () => {
    expect(arn).to.deep.equal({ $ref: ["fx-bucket", "arn"] });
    expect(secret("API_KEY")).to.deep.equal({ $secret: "API_KEY" });
    expect(text`${arn}/*`).to.deep.equal({ $join: [arn, "/*"] });
    expect(text`plain`).to.deep.equal({ $join: ["plain"] });
  });

  it("print as placeholders, in texts, JSON, Base64 and lists too", () => {
    const value = {
      policy: json({ Resource: [arn, text`${arn}/*`], b: 1, a: null }),
      body: base64(json({ key: secret("API_KEY") })),
      list: [arn, "x", true, null],
      plain: { $other: 1 },
    };
    const placeholder = ["$", "{fx-bucket.arn}"].join("");
    expect(printable(value)).to.deep.equal({
      policy: `{"Resource":["${placeholder}","${placeholder}/*"],"b":1,"a":null}`,
      body: Buffer.from('{"key":"[secret]"}').toString("base64"),
      list: [placeholder, "x", true, null],
      plain: { $other: 1 },
    });
  });

  it("are evaluated with whatever answers there are, from the inside out", () => {
    const value: RenderedValue = json({ id: text`${arn}:${secret("A")}`, n: 1 });
    const answers = { reference: () => "arn:1", secret: () => 's"1' };
    expect(evaluate(value, answers)).to.equal('{"id":"arn:1:s\\"1","n":1}');
  });

  it("with answers that come later: `later` sees each composed value once, with the answers inside of it", () => {
    const calls: unknown[] = [];
    evaluate(json([text`a${arn}`]), { reference: () => "later", secret: () => "" }, (value, apply) => {
      calls.push(value);
      return apply(value);
    });
    expect(calls).to.deep.equal([["a", "later"], ["alater"]]);
  });

  it("put a list in order that a cloud answers in any order; a plan shows where it is from", () => {
    const expression = json(sorted({ $ref: ["subnets", "ids"] }));
    const answers = { reference: () => ["c", "a", "b"], secret: () => "" };
    expect(evaluate(expression, answers)).to.equal('["a","b","c"]');
    expect(printable(expression)).to.equal(JSON.stringify(["$", "{subnets.ids}"].join("")));
  });

  it("list the references in them, in order and with repeats", () => {
    const other = { $ref: ["vault", "properties.vaultUri"] } as const;
    expect(referencesIn({ a: json([arn, { b: text`x${other}` }]), c: [arn], d: null })).to.deep.equal([
      arn,
      other,
      arn,
    ]);
  });
});
