import type { AccessToken, TokenCredential } from "@azure/identity";
import { expect } from "chai";
import { remembering } from "../../../providers/azure/operate-credential.js";
import { failureOf, refusalOf } from "../../../providers/azure/operate-errors.js";

const hour = 3_600_000;

describe("azure: the sign-in of an operator", () => {
  let asked: string[];
  let now: number;
  let fail: Error | undefined;
  let credential: TokenCredential;

  beforeEach(() => {
    asked = [];
    now = 0;
    fail = undefined;
    credential = remembering(
      {
        async getToken(scopes): Promise<AccessToken> {
          asked.push(String(scopes));
          if (fail) throw fail;
          return { token: `t${asked.length}`, expiresOnTimestamp: now + hour };
        },
      },
      () => now,
    );
  });

  it("is made once for all that want it, and again before it expires", async () => {
    const [one, two] = await Promise.all([credential.getToken("a"), credential.getToken("a")]);
    expect([one?.token, two?.token]).to.deep.equal(["t1", "t1"]);
    now = hour - 6 * 60_000;
    expect((await credential.getToken("a"))?.token).to.equal("t1");
    now = hour - 4 * 60_000;
    expect((await credential.getToken("a"))?.token).to.equal("t2");
    await credential.getToken("b");
    expect(asked).to.deep.equal(["a", "a", "b"]);
  });

  it("that failed is tried again", async () => {
    fail = new Error("no");
    const first = await Promise.resolve(credential.getToken("a")).catch((error: unknown) => error);
    expect(first).to.equal(fail);
    fail = undefined;
    expect((await credential.getToken("a"))?.token).to.equal("t2");
  });
});

describe("azure: errors of its APIs", () => {
  const named = (name: string, message: string, more: object = {}) =>
    Object.assign(new Error(message), { name, ...more });

  it("of a sign-in are told in a line", () => {
    const message =
      "ChainedTokenCredential authentication failed.\nCredentialUnavailableError: EnvironmentCredential is unavailable.\nmore";
    expect(failureOf(named("AggregateAuthenticationError", message))).to.deep.equal({
      message:
        "ChainedTokenCredential authentication failed. CredentialUnavailableError: EnvironmentCredential is unavailable.",
      signedOut: true,
    });
  });

  it("are read with and without `error` around them, and from what is no JSON", () => {
    const read = (status: number, body: string) => failureOf(refusalOf(status, body));
    const said = { code: "JobNotFound", message: "no such job" };
    expect(read(404, JSON.stringify({ error: said }))).to.deep.equal({ status: 404, ...said });
    expect(read(404, JSON.stringify(said))).to.deep.equal({ status: 404, ...said });
    expect(read(502, "<html>")).to.deep.equal({ status: 502, message: "the answer was HTTP 502" });
    const innererror = { code: "SEM0100", message: "no such table" };
    expect(
      read(400, JSON.stringify({ error: { code: "Bad", message: "Invalid.", innererror } })),
    ).to.deep.equal({ status: 400, code: "Bad", message: "Invalid. no such table" });
  });

  it("of a connection have its code; a bug is none of them", () => {
    expect(failureOf(named("RestError", "connect ECONNREFUSED", { code: "ECONNREFUSED" }))).to.deep.equal({
      code: "ECONNREFUSED",
      message: "connect ECONNREFUSED",
    });
    expect(failureOf(named("AbortError", "aborted"))).to.include({ code: "TIMEOUT" });
    expect(failureOf(new TypeError("x is not a function"))).to.equal(undefined);
  });
});
