import { expect } from "chai";
import fc from "fast-check";
import { createMasker, lineMasker } from "../../runner-image/src/mask.js";

describe("runner/mask", () => {
  const secret = `p@ss w0rd/"it's"+ü`;

  it("masks the value and the forms that tools print it in", () => {
    const { mask } = createMasker([secret]);
    const forms = [
      secret,
      Buffer.from(secret).toString("base64"),
      Buffer.from(secret).toString("base64url"),
      encodeURIComponent(secret),
      encodeURIComponent(secret).replaceAll("%20", "+"),
      JSON.stringify(secret).slice(1, -1),
      secret.replaceAll("'", "'\\''"),
      secret.replaceAll("'", `'"'"'`),
    ];
    for (const form of forms) expect(mask(`a=${form};`), form).to.equal("a=[secret];");
    expect(mask("nothing here")).to.equal("nothing here");
  });

  it("masks a value inside base64 of a longer text, as in basic authentication", () => {
    const { mask } = createMasker(["hunter2-hunter2"]);
    for (const user of ["u", "us", "use", "user"]) {
      const header = Buffer.from(`${user}:hunter2-hunter2`).toString("base64");
      expect(mask(header), user).to.contain("[secret]");
      const decoded = Buffer.from(mask(header).replace("[secret]", ""), "base64").toString();
      expect(decoded).not.to.contain("hunter");
    }
  });

  it("masks a secret of several lines line by line, but not its short lines", () => {
    const { mask } = createMasker(["{\n  first-line-of-key\r\n  second-line\n}\n"]);
    expect(mask("first-line-of-key")).to.equal("[secret]");
    expect(mask("x second-line y")).to.equal("x [secret] y");
    expect(mask("} {")).to.equal("} {");
  });

  it("masks all that overlapping values cover", () => {
    expect(createMasker(["abcd", "abcdef"]).mask("abcdef!")).to.equal("[secret]!");
    expect(createMasker(["abcdef", "defghi"]).mask("xabcdefghix")).to.equal("x[secret]x");
    expect(createMasker(["aaaa"]).mask("aaaaaaa")).to.equal("[secret]");
  });

  it("masks a very short value only where it stands alone", () => {
    const { mask } = createMasker(["ab", "", "7"]);
    expect(mask("ab: about ab7 =ab= 7 17")).to.equal("[secret]: about ab7 =[secret]= [secret] 17");
  });

  it("leaves text alone without values", () => {
    expect(createMasker([]).mask("x")).to.equal("x");
    expect(createMasker([""]).mask("x")).to.equal("x");
  });

  it("never lets a value through, whatever surrounds it", () => {
    const value = fc.string({ minLength: 4, maxLength: 20, unit: "binary" });
    void fc.assert(
      fc.property(
        fc.array(value, { minLength: 1, maxLength: 4 }),
        fc.string({ unit: "binary" }),
        fc.string(),
        (values, left, right) => {
          const { mask } = createMasker(values);
          for (const one of values) {
            // What the mask itself says doesn't count.
            const shown = mask(left + one + right).replaceAll("[secret]", "\u0000");
            if (!left.includes(one) && !right.includes(one) && !one.includes("\u0000"))
              expect(shown.includes(one)).to.equal(false);
          }
        },
      ),
    );
  });

  it("gives the same for text in pieces as for the whole", () => {
    const values = ["hunter2", "hunter2-long", "ter2x", "ab"];
    const { mask } = createMasker(values);
    const piece = fc.constantFrom(
      "hunter2",
      "hunter2-lo",
      "ng",
      "hun",
      "ter2",
      "x",
      " ",
      "ab",
      "a",
      "b",
      "\n",
    );
    void fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        const stream = createMasker(values).stream();
        const shown = pieces.map((text) => stream.write(text)).join("") + stream.end();
        expect(shown).to.equal(mask(pieces.join("")));
      }),
    );
  });

  it("holds back no more than could become a secret", () => {
    const stream = createMasker(["hunter2"]).stream();
    expect(stream.write("hello\n")).to.equal("hello\n");
    expect(stream.write("so hunt")).to.equal("so ");
    expect(stream.write("er2!")).to.equal("[secret]!");
    expect(stream.end()).to.equal("");
  });

  it("finds a secret that a long line is cut through, and begins anew with the next line", () => {
    const masked = lineMasker(createMasker(["hunter2"]));
    expect(masked("plain hun", true)).to.equal("plain hun");
    expect(masked("long hun", false)).to.equal("long ");
    expect(masked("ter", false)).to.equal("");
    expect(masked("2 end", true)).to.equal("[secret] end");
    expect(masked("ter2", true)).to.equal("ter2");
    expect(masked("cut for good hunte", false)).to.equal("cut for good ");
  });
});
