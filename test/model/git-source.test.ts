import { expect } from "chai";
import { gitRefProblem, gitUrlProblem, repositoryName } from "../../model/git-source.js";

describe("model/git-source", () => {
  const addresses: readonly (readonly [string, "fine" | "invalid-value" | "secret-in-file"])[] = [
    ["https://example.com/team/x.git", "fine"],
    ["https://reader@example.com/team/x", "fine"],
    ["http://127.0.0.1:8080/x.git", "fine"],
    ["file:///srv/git/x.git", "fine"],
    ["https://u:p@example.com/x", "secret-in-file"],
    ["https://ghp_abc@example.com/x", "secret-in-file"],
    ["https://glpat-abc@example.com/x", "secret-in-file"],
    ["ssh://git@example.com/x.git", "invalid-value"],
    ["git@example.com:team/x.git", "invalid-value"],
    ["git://example.com/x.git", "invalid-value"],
    ["ext::sh -c id", "invalid-value"],
    ["--upload-pack=id", "invalid-value"],
    ["/srv/git/x.git", "invalid-value"],
    ["https://example.com", "invalid-value"],
    ["https://example.com/a b", "invalid-value"],
    ["", "invalid-value"],
  ];
  for (const [address, expected] of addresses) {
    it(`takes ${JSON.stringify(address)} for ${expected}`, () => {
      expect(gitUrlProblem(address)?.code ?? "fine").to.equal(expected);
    });
  }

  it("doesn't repeat a password that it finds", () => {
    expect(JSON.stringify(gitUrlProblem("https://u:hunter2@example.com/x"))).not.to.contain("hunter2");
  });

  it("knows refs as git does", () => {
    const good = ["main", "release/1.2", "v1.0.0", "a@b", "0123456789012345678901234567890123456789"];
    const bad = [
      "",
      "@",
      "-x",
      "+x",
      "a:b",
      "a b",
      "a..b",
      "a~1",
      "a^",
      "a/",
      "/a",
      "a.lock",
      "a@{1}",
      "a\nb",
      ".a",
    ];
    expect(good.filter((ref) => gitRefProblem(ref))).to.deep.equal([]);
    expect(bad.filter((ref) => !gitRefProblem(ref))).to.deep.equal([]);
  });

  it("names a clone's folder as git does", () => {
    expect(
      ["https://h/team/fx.git", "https://h/fx/", "file:///a/b c.git", "https://h/..git", "https://h/.."].map(
        repositoryName,
      ),
    ).to.deep.equal(["fx", "fx", "b_c", "repository", "repository"]);
  });
});
