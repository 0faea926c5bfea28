/** A command loads the libraries that it needs, and no others: looked up in what the build would write. */
import { join, relative } from "node:path";
import { expect } from "chai";
import { build, type Metafile } from "esbuild";
import { root } from "./support.js";

const sdks = {
  aws: /node_modules\/@aws-sdk\//,
  gcp: /node_modules\/(@googleapis|@google-cloud|google-auth-library|gaxios)\//,
  azure: /node_modules\/@azure\//,
} as const;

describe("cli: what is loaded when", function () {
  this.timeout(120_000);
  let made: Metafile;

  before(async () => {
    const { metafile } = await build({
      absWorkingDir: root,
      entryPoints: ["cli/main.ts"],
      bundle: true,
      splitting: true,
      platform: "node",
      format: "esm",
      write: false,
      outdir: "unwritten",
      metafile: true,
      external: ["@pulumi/*", "libsql"],
      logLevel: "silent",
    });
    made = metafile;
  });

  /** Sources in a file of the build and in all that it imports at once. */
  function loadedWith(source: string): string[] {
    const file = Object.entries(made.outputs).find(
      ([, { entryPoint }]) => entryPoint === relative(root, join(root, source)),
    )?.[0];
    expect(file, `${source} is loaded by itself`).to.be.a("string");
    const seen = new Set<string>();
    const visit = (name: string | undefined): void => {
      const output = name === undefined ? undefined : made.outputs[name];
      if (name === undefined || !output || seen.has(name)) return;
      seen.add(name);
      for (const { path, kind } of output.imports) if (kind !== "dynamic-import") visit(path);
    };
    visit(file);
    return [...seen].flatMap((name) => Object.keys(made.outputs[name]?.inputs ?? {}));
  }

  it("no cloud's SDK with the command line itself", () => {
    const loaded = loadedWith("cli/main.ts");
    expect(loaded).to.include("cli/main.ts");
    for (const sdk of Object.values(sdks)) expect(loaded.filter((file) => sdk.test(file))).to.deep.equal([]);
  });

  for (const cloud of ["aws", "gcp", "azure"] as const) {
    it(`of the clouds' SDKs ${cloud}'s alone with its operator`, () => {
      const loaded = loadedWith(`providers/${cloud}/operate.ts`);
      for (const [other, sdk] of Object.entries(sdks))
        expect(
          loaded.some((file) => sdk.test(file)),
          other,
        ).to.equal(other === cloud);
    });
  }
});
