import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect } from "chai";
import { readSecretSource } from "../../cli/secret-files.js";
import { UserError } from "../../model/diagnostic.js";
import { temporaryFolder } from "./support.js";

describe("cli: secrets in files", () => {
  let folder: ReturnType<typeof temporaryFolder>;
  beforeEach(() => {
    folder = temporaryFolder();
  });
  afterEach(() => folder.remove());

  const write = (file: string, text: string) => {
    mkdirSync(dirname(join(folder.dir, file)), { recursive: true });
    writeFileSync(join(folder.dir, file), text);
  };
  const read = (path: string) => readSecretSource(path, folder.dir);
  const failure = (path: string): UserError => {
    try {
      read(path);
    } catch (error) {
      if (error instanceof UserError) return error;
      throw error;
    }
    throw new Error("expected a UserError");
  };

  it("a folder has a file a secret", () => {
    write(".secrets/API_KEY", "a b=c\n");
    write(".secrets/KEY_JSON", '{\n  "a": 1\n}\n');
    write(".secrets/EMPTY", "\n");
    write(".secrets/.gitignore", "*\n");
    write(".secrets/sub/OTHER", "x");
    expect(read(".secrets")).to.deep.equal({
      values: { API_KEY: "a b=c", KEY_JSON: '{\n  "a": 1\n}' },
      skipped: ["EMPTY"],
    });
  });

  it("the Python tool's folder has a list, with values and files beside it", () => {
    const list =
      "- key: username\n  value: me\n- key: pin\n  value: 007\n  level: resource group\n" +
      "- key: client\n  file: client.json\n- key: later\n  level: resource group\n- {key: flag, value: false}\n";
    write(".secrets/dev_secrets.yml", list);
    write(".secrets/client.json", "{}\n");
    const expected = {
      values: { username: "me", pin: "7", client: "{}", flag: "false" },
      skipped: ["later"],
    };
    expect(read(".secrets")).to.deep.equal(expected);
    expect(read(".secrets/dev_secrets.yml")).to.deep.equal(expected);
  });

  it("and of several stages' lists one has to be named", () => {
    write(".secrets/dev_secrets.yml", "- {key: A, value: dev}\n");
    write(".secrets/prod_secrets.yml", "- {key: A, value: prod}\n");
    expect(failure(".secrets")).to.include({
      code: "ambiguous-secrets",
      hint: "name one of them, as in .secrets/dev_secrets.yml",
    });
    expect(read(".secrets/prod_secrets.yml").values).to.deep.equal({ A: "prod" });
  });

  it("before 0.3 it was a map", () => {
    write("secrets.yml", "username:\n  value: me\nclient:\n  file: c.json\n");
    write("c.json", "{}");
    expect(read("secrets.yml").values).to.deep.equal({ username: "me", client: "{}" });
  });

  it("any other file has lines as .env has them", () => {
    write("a.env", "# comment\nA=1\nexport B=\"two\\nlines\"\nC='$x # y'\nD=\nE=a=b # note\n");
    expect(read("a.env")).to.deep.equal({
      values: { A: "1", B: "two\nlines", C: "$x # y", E: "a=b" },
      skipped: ["D"],
    });
  });

  it("what can't be used is said without a value", () => {
    write("broken.yml", "- {key: A, value: hunter2\n");
    write("list.yml", "- {key: A, value: [hunter2]}\n");
    write("keyless.yml", "- {value: hunter2}\n");
    write("gone.yml", "- {key: A, file: gone.json}\n");
    write("empty.env", "# nothing\n");
    const cases = [
      ["broken.yml", "invalid-secrets-file"],
      ["list.yml", "invalid-secrets-file"],
      ["keyless.yml", "invalid-secrets-file"],
      ["gone.yml", "no-file"],
      ["empty.env", "no-secrets"],
      ["nowhere", "no-file"],
    ] as const;
    for (const [path, code] of cases) {
      const error = failure(path);
      expect(error.code, path).to.equal(code);
      expect(`${error.message} ${error.hint}`).not.to.include("hunter2");
    }
  });
});
