/** That what `resources.ts` of a cloud names is in the cloud's SDK. */
import { readFileSync } from "node:fs";
import { expect } from "chai";
import { sdkModule, tokenOf } from "../../providers/sdk.js";

export interface SdkTypes {
  readonly title: string;
  readonly folder: "aws" | "gcp";
  /** So many are named at least: a list that can't be read is not an empty one. */
  readonly classes: number;
  readonly functions: number;
}

/** Declares the tests of a cloud whose SDK has one class a token. */
export function testSdkTypes(cloud: SdkTypes): void {
  const source = readFileSync(
    new URL(`../../providers/${cloud.folder}/resources.ts`, import.meta.url),
    "utf8",
  );
  const tokensOf = (name: string) => {
    const body = source.slice(source.indexOf(`interface ${name} {`)).split("\n}\n")[0] ?? "";
    return [...body.matchAll(/^ {2}"([^"]+)":/gm)].map(([, token = ""]) => token);
  };

  describe(`${cloud.title} resource types`, function () {
    this.timeout(240_000);

    const classes = tokensOf("Classes");
    it("are listed", () => {
      expect(classes).to.have.length.greaterThan(cloud.classes);
      expect(new Set(classes).size).to.equal(classes.length);
    });

    for (const token of classes) {
      it(`${token} is a class of the SDK`, () => {
        expect(tokenOf(sdkModule.classOf(token))).to.equal(token);
      });
    }

    it("functions are functions of the SDK", () => {
      const functions = tokensOf("Functions");
      expect(functions).to.have.length.greaterThan(cloud.functions);
      for (const token of functions) {
        // Called without an engine it fails inside Pulumi, not because it isn't there.
        expect(() => sdkModule.lookup(token, {}, {}), token).not.to.throw("is not installed");
      }
    });
  });
}
