import { expect } from "chai";
import { UserError } from "../../../model/diagnostic.js";
import { parseLocation } from "../../../runner-image/src/store/location.js";
import { failureOf, storeError } from "../../../runner-image/src/store/store-error.js";

describe("runner/store: where artifacts are", () => {
  it("understands a folder and the three clouds' URLs", () => {
    expect(parseLocation("/mnt/state")).to.deep.equal({ kind: "folder", dir: "/mnt/state" });
    expect(parseLocation("s3://b/p/q/")).to.deep.include({ kind: "s3", bucket: "b", prefix: "p/q/" });
    expect(parseLocation("gs://b")).to.deep.include({ kind: "gcs", bucket: "b", prefix: "" });
    expect(parseLocation("https://acc.blob.core.windows.net/c/p/q")).to.deep.include({
      kind: "blob",
      endpoint: "https://acc.blob.core.windows.net",
      container: "c",
      prefix: "p/q/",
    });
    expect(parseLocation("http://127.0.0.1:1/acc/c/p")).to.deep.include({
      endpoint: "http://127.0.0.1:1/acc",
      container: "c",
      prefix: "p/",
    });
  });

  it("says what is none", () => {
    for (const wrong of [
      "state",
      "s3:/b",
      "ftp://h/p",
      "https://acc.blob.core.windows.net",
      "https://h/acc",
    ]) {
      expect(() => parseLocation(wrong), wrong).to.throw(UserError, `HANDOFF_ARTIFACTS is ${wrong}`);
    }
  });

  it("says of each library's error what it means", () => {
    const hint = (error: unknown) => storeError("s3://b", "read last", failureOf(error)).hint;
    expect(hint({ name: "AccessDenied", $metadata: { httpStatusCode: 403 }, message: "x" })).to.contain(
      "right to",
    );
    expect(hint({ code: 404, message: "No such bucket" })).to.contain("isn't there");
    expect(hint({ statusCode: 503, code: "ServerBusy", message: "x" })).to.contain("overloaded");
    expect(hint({ code: "ECONNREFUSED", message: "" })).to.contain("can't be reached");
    expect(hint({ name: "CredentialsProviderError", message: "x" })).to.contain("an identity");
    expect(storeError("s3://b", "read last", failureOf(new Error("no\nmore"))).message).to.equal(
      "can't read last in s3://b: no",
    );
  });
});
