import { expect } from "chai";
import fc from "fast-check";
import { type NameRule, physicalName } from "../../model/names.js";

const rules: Readonly<Record<string, NameRule>> = {
  "an S3 bucket": {
    max: 63,
    allowed: /[a-z0-9-]/,
    start: /[a-z0-9]/,
    end: /[a-z0-9]/,
    lowercase: true,
    separator: "-",
    noDoubleSeparator: true,
  },
  "an Azure job": {
    max: 32,
    allowed: /[a-z0-9-]/,
    start: /[a-z]/,
    end: /[a-z0-9]/,
    lowercase: true,
    separator: "-",
    noDoubleSeparator: true,
  },
  "an Azure storage account": { max: 24, allowed: /[a-z0-9]/, lowercase: true, separator: "" },
  "a Python-like name": { max: 40, allowed: /[A-Za-z0-9_]/, start: /[A-Za-z_]/, separator: "_" },
  "the shortest": {
    max: 12,
    allowed: /[a-z0-9-]/,
    start: /[a-z]/,
    end: /[a-z0-9]/,
    lowercase: true,
    separator: "-",
    noDoubleSeparator: true,
  },
};
const bucket = rules["an S3 bucket"] as NameRule;

describe("physicalName", () => {
  it("joins parts that fit as they are", () => {
    expect(physicalName(bucket, ["handoff", "acme", "fx"])).to.equal("handoff-acme-fx");
  });

  it("appends a hash to what it changed or cut", () => {
    expect(physicalName(bucket, ["Acme GmbH", "Kurse"])).to.match(/^acme-gmbh-kurse-[a-z2-7]{8}$/);
    expect(physicalName(bucket, ["Zürich", "x"])).to.match(/^zurich-x-[a-z2-7]{8}$/);
    const long = physicalName(bucket, ["a".repeat(100), "b"]);
    expect(long)
      .to.match(/^a+-[a-z2-7]{8}$/)
      .and.have.length(63);
  });

  it("keeps apart what joins, cuts or folds to the same", () => {
    const pairs: [string[], string[]][] = [
      [
        ["a-b", "c"],
        ["a", "b-c"],
      ],
      [["a", "b"], ["a-b"]],
      [["A"], ["a"]],
      [["a b"], ["a_b"]],
      [["x".repeat(99)], ["x".repeat(98)]],
      [["日本"], ["中国"]],
      [["a"], ["a", ""]],
    ];
    for (const [a, b] of pairs) expect(physicalName(bucket, a)).to.not.equal(physicalName(bucket, b));
    // Somebody names a thing what another one's hashed name would be.
    for (const original of [["A B"], ["日本"], ["日本", "中国"]]) {
      const hashed = physicalName(bucket, original);
      for (const parts of [[hashed], hashed.split("-")])
        expect(physicalName(bucket, parts)).to.not.equal(hashed);
    }
  });

  for (const [what, rule] of Object.entries(rules)) {
    it(`holds length, characters, determinism and uniqueness for ${what}`, () => {
      const part = fc.oneof(
        fc.fullUnicodeString(),
        fc.stringMatching(/^[a-zA-Z0-9_. -]{0,70}$/),
        fc.constantFrom("a", "b", "a-b", "-", ""),
      );
      const parts = fc.array(part, { minLength: 1, maxLength: 4 });
      void fc.assert(
        fc.property(parts, parts, (a, b) => {
          const name = physicalName(rule, a);
          expect(name).to.have.length.within(1, rule.max);
          for (const c of name) expect(c).to.match(rule.allowed);
          if (rule.start) expect(name[0]).to.match(rule.start);
          if (rule.end) expect(name.at(-1)).to.match(rule.end);
          if (rule.noDoubleSeparator) expect(name).to.not.include(rule.separator + rule.separator);
          expect(physicalName(rule, [...a])).to.equal(name);
          if (JSON.stringify(a) !== JSON.stringify(b)) expect(physicalName(rule, b)).to.not.equal(name);
        }),
        { numRuns: 500, examples: [[["a", "b"], ["a-b"]]] },
      );
    });
  }

  it("refuses no parts, and a rule without room", () => {
    expect(() => physicalName(bucket, [])).to.throw(/at least one part/);
    expect(() => physicalName({ ...bucket, max: 8 }, ["a"])).to.throw(/no room/);
  });
});
