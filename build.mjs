// Builds dist/: the CLI, the agent, the provider plugin and the library share chunks; the runner is a folder by itself.

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, renameSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL(".", import.meta.url));
// An installed package has dist/ already and no sources.
if (process.argv.includes("--if-source") && !existsSync(`${root}/model`)) process.exit(0);

const { build } = await import("esbuild");
const common = {
  absWorkingDir: root,
  bundle: true,
  platform: "node",
  target: "node20",
  format: "esm",
  // Names stay, for the stacks of errors. Without white space and comments there is a third less to read at start.
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: "none",
  // Says which Node the library's next versions need: that is the package's to know, not its user's.
  define: { "process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED": '"true"' },
  logLevel: "warning",
  // Packages written as CommonJS call require() for Node's own modules.
  banner: {
    js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
  },
};

// Beside it first: a build that fails leaves the last good one where it is.
const fresh = `.cache/dist-${process.pid}`;
process.on("exit", () => rmSync(`${root}/${fresh}`, { recursive: true, force: true }));
await build({
  ...common,
  entryPoints: {
    "cli/main": "cli/main.ts",
    "agent/main": "providers/local/agent/main.ts",
    "plugin/main": "providers/local/plugin.ts",
    "fleet/worker": "deploy/fleet/worker.ts",
    index: "providers/index.ts",
    aws: "providers/library/aws.ts",
    gcp: "providers/library/gcp.ts",
    azure: "providers/library/azure.ts",
  },
  outdir: fresh,
  splitting: true,
  chunkNames: "chunks/[name]-[hash]",
  external: ["@pulumi/*", "libsql"],
});
// Its chunks are the clouds' libraries, of which a run loads one at most.
await build({
  ...common,
  entryPoints: { main: "runner-image/src/main.ts" },
  outdir: `${fresh}/runner`,
  splitting: true,
  chunkNames: "chunks/[name]-[hash]",
});

/** What a run loads only where it is told to: one file each, beside the hot one. */
const observers = ["spans", "lineage"];
const observersBeside = {
  name: "observers-beside",
  setup({ onResolve }) {
    onResolve({ filter: new RegExp(`^\\./(${observers.join("|")})\\.js$`) }, ({ path }) => ({
      path: path.replace(/\.js$/, ".cjs"),
      external: true,
    }));
  },
};
// CommonJS starts sooner, and its compiled code can be kept from one start to the next: see cli/start.ts.
const commonJs = { ...common, format: "cjs", outdir: `${fresh}/cli`, outExtension: { ".js": ".cjs" } };
await build({
  ...commonJs,
  entryPoints: ["cli/hot.ts"],
  plugins: [observersBeside],
  // A script has no import(), but a require() it has.
  supported: { "dynamic-import": false },
  banner: { js: 'const __moduleUrl = require("node:url").pathToFileURL(__filename).href;' },
  define: { ...common.define, "import.meta.url": "__moduleUrl" },
});
await build({
  ...commonJs,
  entryPoints: observers.map((name) => `runner-image/src/observe/${name}.ts`),
  banner: {},
});
const digest = createHash("sha256")
  .update(readFileSync(`${root}/${fresh}/cli/hot.cjs`))
  .digest("hex");
await build({
  ...commonJs,
  entryPoints: ["cli/start.ts"],
  banner: {},
  define: { ...common.define, HOT_DIGEST: JSON.stringify(digest) },
});
rmSync(`${root}/dist`, { recursive: true, force: true });
renameSync(`${root}/${fresh}`, `${root}/dist`);

if (!process.argv.includes("--no-types")) {
  execFileSync(process.execPath, [`${root}/node_modules/typescript/bin/tsc`, "-p", "tsconfig.build.json"], {
    cwd: root,
    stdio: "inherit",
  });
}
