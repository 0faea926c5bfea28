import { execFile } from "node:child_process";
import { symlinkSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { promisify } from "node:util";
import { expect } from "chai";
import { findPulumi } from "../../deploy/engine.js";
import { contents, type Fixture, makeRepository, packageRoot } from "./fixture.js";

const run = promisify(execFile);

describe("pulumi up, typed as it is", function () {
  this.timeout(400_000);
  let repository: Fixture;
  let env: NodeJS.ProcessEnv;

  before(async () => {
    repository = makeRepository();
    repository.write(
      "Pulumi.yaml",
      [
        "name: demo",
        'runtime: {name: nodejs, options: {typescript: false, nodeargs: "--import tsx"}}',
        "main: index.ts",
        `plugins: {providers: [{name: handoff, path: ${join(packageRoot, "plugin")}}]}`,
        "",
      ].join("\n"),
    );
    repository.write(
      "index.ts",
      `export { program as default } from ${JSON.stringify(join(packageRoot, "providers", "index.js"))};\n`,
    );
    repository.write("package.json", '{"type": "module"}\n');
    symlinkSync(join(packageRoot, "node_modules"), join(repository.root, "node_modules"));
    const { command } = await findPulumi({ env: process.env });
    env = {
      ...repository.env,
      PATH: [join(packageRoot, "test/deploy/language-host"), dirname(command), process.env.PATH].join(
        delimiter,
      ),
      PULUMI_BACKEND_URL: `file://${join(dirname(repository.root), "state").replaceAll(" ", "%20")}`,
      PULUMI_CONFIG_PASSPHRASE: "a test's passphrase",
      PULUMI_SKIP_UPDATE_CHECK: "true",
    };
    repository.write("../state/.keep", "");
    await pulumi("stack", "init", "dev");
  });

  after(() => repository.remove());

  const pulumi = (...args: string[]) =>
    run("pulumi", [...args, "--non-interactive"], {
      cwd: repository.root,
      env,
      timeout: 300_000,
      killSignal: "SIGINT",
    });
  const pulumiFails = (...args: string[]): Promise<string> =>
    pulumi(...args).then(
      () => Promise.reject(new Error("it should have failed")),
      (error: { stdout?: string; stderr?: string }) => `${error.stdout}${error.stderr}`,
    );

  it("deploys what handoff up deploys, with a secret that the state holds encrypted", async () => {
    await pulumi("config", "set", "--secret", "--path", "handoff:secrets.API_KEY", "planted-value");
    const { stdout } = await pulumi("up", "--yes");
    expect(stdout).to.match(/handoff:local:Job fx-job-fx created/);
    expect(stdout).to.match(/handoff:local:Schedule fx-schedule-weekly created/);
    const state = JSON.stringify(contents(join(dirname(repository.root), "state")));
    expect(state).to.contain("fx-job-fx").and.not.contain("planted-value");
  });

  it("changes nothing the second time", async () => {
    const { stdout } = await pulumi("up", "--yes", "--expect-no-changes");
    expect(stdout).to.match(/unchanged/);
  });

  it("says what is wrong with a project and a setting, each with its place and no stack trace", async () => {
    repository.write("project.yml", repository.read("project.yml").replace("0 6 * * *", "0 66 * * *"));
    const broken = await pulumiFails("up", "--yes");
    expect(broken).to.contain("project.yml:12:23: 66 is out of range for the hour");
    expect(broken).to.contain("the stack can't be deployed: 1 problem");
    expect(broken).to.not.match(/\n\s+at .*:\d+:\d+/);
    await pulumi("config", "set", "handoff:clod", "aws");
    expect(await pulumiFails("preview")).to.contain("did you mean `handoff:cloud`?");
  });

  it("takes everything away again", async () => {
    const { stdout } = await pulumi("destroy", "--yes");
    expect(stdout).to.match(/Resources:\s+- \d+ deleted/);
  });
});
