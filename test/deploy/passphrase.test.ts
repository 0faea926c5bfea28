import { expect } from "chai";
import { isPassphraseOf } from "../../deploy/passphrase.js";

// Written by Pulumi 3.250 for the passphrase "correct horse".
const salt = "v1:DvL4yzUH79A=:v1:FiawgcBgiekAzRBu:vFWSsyAfgdQ2y3BOSCZaMb8EMXa5dQ==";

describe("a stack's passphrase, tried", function () {
  this.timeout(60_000);

  it("is the one that the engine took, and no other", async () => {
    expect(await isPassphraseOf(salt, "correct horse")).to.equal(true);
    expect(await isPassphraseOf(salt, "correct horse ")).to.equal(false);
    expect(await isPassphraseOf(salt, "")).to.equal(false);
  });

  it("of what is no salt there is none", async () => {
    for (const text of ["", "v1", "v2:a:v1:b:c", "v1:AAAA:v1:AAAA:AAAA", `${salt}:x`])
      expect(await isPassphraseOf(text, "correct horse"), text).to.equal(false);
  });
});
