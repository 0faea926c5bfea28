import { readFileSync } from "node:fs";
import { expect } from "chai";
import { sdkModule, tokenOf } from "../../../providers/sdk.js";

const source = readFileSync(new URL("../../../providers/gcp/resources.ts", import.meta.url), "utf8");
const tokensOf = (name: string) => {
  const body = source.slice(source.indexOf(`interface ${name} {`)).split("\n}\n")[0] ?? "";
  return [...body.matchAll(/^ {2}"([^"]+)":/gm)].map(([, token = ""]) => token);
};

describe("Google Cloud resource types", function () {
  this.timeout(240_000);

  const classes = tokensOf("Classes");
  it("are listed", () => {
    expect(classes).to.have.length.greaterThan(25);
    expect(new Set(classes).size).to.equal(classes.length);
  });

  for (const token of classes) {
    it(`${token} is a class of the SDK`, () => {
      expect(tokenOf(sdkModule.classOf(token))).to.equal(token);
    });
  }

  it("functions are functions of the SDK", () => {
    const functions = tokensOf("Functions");
    expect(functions).to.have.length.greaterThan(0);
    for (const token of functions) {
      // Called without an engine it fails inside Pulumi, not because it isn't there.
      expect(() => sdkModule.lookup(token, {}, {}), token).not.to.throw("is not installed");
    }
  });
});
