/** What a user gets: the packed tarball, installed in an empty folder with a space in its path, used as a user who is not root. */
import {
  chmodSync,
  cpSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { expect } from "chai";
import { engineVersion, findPulumi } from "../../deploy/engine.js";
import { execute, type Outcome, root, temporaryFolder } from "./support.js";

/** "nobody" on Linux. */
const UNPRIVILEGED = "65534";

describe("the package", function () {
  this.timeout(900_000);
  const folder = temporaryFolder("handoff package ");
  const checkout = join(folder.dir, "checkout");
  const repository = join(folder.dir, "a user", "my pipelines");
  const handoffBin = join(repository, "node_modules/.bin/handoff");
  const home = join(folder.dir, "a user", "home");
  const cache = join(folder.dir, "engine cache");
  const env = {
    PATH: process.env.PATH,
    HOME: home,
    HANDOFF_HOME: join(home, "handoff"),
    HANDOFF_CACHE: cache,
    // Its default is in the home of the user's entry in passwd, which "nobody" has not.
    PULUMI_HOME: join(home, ".pulumi"),
    PULUMI_CONFIG_PASSPHRASE: "test",
    PULUMI_BACKEND_URL: `file://${join(home, "state")}`,
    NO_COLOR: "1",
  };
  let files: readonly string[] = [];

  /** As the user who installed it; from root, as one who is not. */
  function asUser(file: string, args: readonly string[], cwd = repository, input = ""): Promise<Outcome> {
    const drop = ["--reuid", UNPRIVILEGED, "--regid", UNPRIVILEGED, "--clear-groups", "--", file, ...args];
    return process.getuid?.() === 0
      ? execute("setpriv", drop, { cwd, env, input })
      : execute(file, args, { cwd, env, input });
  }

  async function handoff(args: readonly string[], cwd = repository): Promise<Outcome> {
    const outcome = await asUser(handoffBin, args, cwd);
    expect(outcome.code, `handoff ${args.join(" ")}\n${outcome.stdout}${outcome.stderr}`).to.equal(0);
    return outcome;
  }

  async function npm(args: readonly string[], cwd: string): Promise<string> {
    const { code, stdout, stderr } = await execute("npm", args, { cwd, env: process.env });
    expect(code, `npm ${args.join(" ")}\n${stdout}${stderr}`).to.equal(0);
    return stdout;
  }

  before(async () => {
    chmodSync(folder.dir, 0o755);
    // Packed from a copy: `prepare` builds dist/ anew, which other tests use at the same time.
    const left = new Set(["node_modules", "dist", ".git", ".cache", ".handoff"]);
    cpSync(root, checkout, { recursive: true, filter: (path) => !left.has(basename(path)) });
    symlinkSync(join(root, "node_modules"), join(checkout, "node_modules"));
    await npm(["pack", "--silent", "--pack-destination", folder.dir], checkout);
    const tarball = readdirSync(folder.dir).find((name) => name.endsWith(".tgz")) ?? "no tarball";
    const listed = await execute("tar", ["-tzf", join(folder.dir, tarball)], { cwd: folder.dir });
    files = listed.stdout.trim().split("\n");

    mkdirSync(repository, { recursive: true });
    mkdirSync(join(home, "state"), { recursive: true });
    // No --ignore-scripts: `prepare` must do no harm where there are no sources.
    await npm(["install", "--no-save", "--prefix", repository, join(folder.dir, tarball)], repository);
    const { command } = await findPulumi({ env: process.env });
    shareEngine(dirname(command), join(cache, "pulumi", engineVersion, "bin"));
    if (process.getuid?.() === 0)
      await execute("chown", ["-R", `${UNPRIVILEGED}:${UNPRIVILEGED}`, join(folder.dir, "a user")], {
        cwd: folder.dir,
      });
  });
  after(async () => {
    if (existsSync(join(repository, "Pulumi.yaml"))) await asUser(handoffBin, ["agent", "stop"]);
    folder.remove();
  });

  it("holds what runs and what is read, and neither sources nor tests", () => {
    const tops = new Set(files.map((file) => file.split("/")[1]));
    expect([...tops].sort()).to.deep.equal([
      "LICENSE",
      "README.md",
      "bin",
      "dist",
      "docs",
      "engine",
      "package.json",
      "plugin",
      "runner-image",
      "templates",
    ]);
    expect(files).to.include.members([
      "package/dist/runner/main.js",
      "package/dist/agent/main.js",
      "package/dist/types/providers/index.d.ts",
      "package/templates/dbt/files/.norender",
      "package/engine/go.mod",
      "package/dist/aws.js",
      "package/dist/types/providers/library/aws.d.ts",
    ]);
    expect(files.filter((file) => file.startsWith("package/runner-image/"))).to.deep.equal([
      "package/runner-image/Dockerfile",
      "package/runner-image/init",
    ]);
    expect(files.filter((file) => /\.test\.|node_modules|\.handoff|\.cache/.test(file))).to.deep.equal([]);
  });

  it("says its version; init, edit, validate, run, also from a subfolder", async () => {
    const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };
    expect((await handoff(["--version"])).stdout).to.equal(`${version}\n`);
    await handoff(["init"]);
    const file = join(repository, "project.yml");
    const project = readFileSync(file, "utf8").replace("top: 5", "top: 2");
    // The file is the unprivileged user's; from root it can be written all the same.
    writeFileSync(file, project);
    await handoff(["validate"]);
    await handoff(["run"]);
    const { stdout } = await handoff(["run", "--json"], join(repository, "files"));
    const record = JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "") as { readonly status: string };
    expect(record.status).to.equal("success");
  });

  it("up, trigger --wait, logs, runs, destroy", async () => {
    await handoff(["up", "dev"]);
    const subfolder = join(repository, "files");
    const { stderr } = await handoff(["trigger", "-s", "dev", "--wait"], subfolder);
    expect(stderr).to.match(/10 of|10 the|10 was|10 it/);
    expect((await handoff(["logs", "-s", "dev"], subfolder)).stdout).to.match(/10 (of|the|was|it)/);
    const { runs } = JSON.parse((await handoff(["runs", "-s", "dev", "--json"])).stdout) as {
      readonly runs: readonly { readonly status: string; readonly trigger: string }[];
    };
    expect(runs).to.have.length(1);
    expect(runs[0]).to.include({ status: "success" });
    await handoff(["up", "dev"], subfolder);
    await handoff(["destroy", "dev"], subfolder);
  });
});

/** The engine where the other user can read it: linked, since it is large, and copied when it is on another disk. Its owner stays. */
function shareEngine(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  for (const name of readdirSync(from)) {
    if (!name.startsWith("pulumi")) continue;
    try {
      linkSync(join(from, name), join(to, name));
    } catch {
      cpSync(join(from, name), join(to, name));
    }
  }
}
