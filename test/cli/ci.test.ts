import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { parse } from "yaml";
import { goProgram, npmPackage } from "../support/tools.js";
import { cli, root, temporaryFolder } from "./support.js";

interface Job {
  readonly if: string;
  readonly permissions: Readonly<Record<string, string>>;
  readonly steps: readonly { readonly run?: string; readonly uses?: string; readonly env?: object }[];
}

describe("cli: ci", function () {
  this.timeout(600_000);
  let folder: ReturnType<typeof temporaryFolder>;
  let env: Record<string, string | undefined>;

  beforeEach(() => {
    folder = temporaryFolder("handoff-ci-");
    env = { PATH: process.env.PATH, HOME: folder.dir, NO_COLOR: "1" };
    execFileSync("git", ["init", "-q", "-b", "main"], { cwd: folder.dir });
    write("Pulumi.yaml", "name: pipelines\nruntime: nodejs\nbackend:\n  url: s3://state\n");
    write("package-lock.json", "{}\n");
    write("Pulumi.a.yaml", "config:\n  handoff:cloud: aws\n  aws:region: eu-west-1\n");
  });
  afterEach(() => folder.remove());

  const write = (file: string, text: string, place = folder.dir) => {
    mkdirSync(join(place, file, ".."), { recursive: true });
    writeFileSync(join(place, file), text);
  };
  const handoff = (...argv: string[]) => cli(["ci", ...argv], { cwd: folder.dir, env });
  const workflow = () => readFileSync(join(folder.dir, ".github/workflows/handoff.yml"), "utf8");
  const jobs = () => (parse(workflow()) as { jobs: Record<string, Job> }).jobs;
  const allClouds = () => {
    write("Pulumi.b.yaml", "config:\n  handoff:cloud: gcp\n");
    write("Pulumi.c.yaml", "config:\n  handoff:cloud: azure\n");
    write("Pulumi.dev.yaml", "config:\n  handoff:cloud: local\n");
  };

  it("github: actionlint has nothing to say, for one cloud and for all, in a subfolder too", async () => {
    const actionlint = goProgram("actionlint", "github.com/rhysd/actionlint/cmd/actionlint", "v1.7.12");
    const lint = () =>
      spawnSync(actionlint, ["-no-color", ".github/workflows/handoff.yml"], {
        cwd: folder.dir,
        encoding: "utf8",
      }).stdout;
    expect((await handoff("github")).code).to.equal(0);
    expect(lint()).to.equal("");
    allClouds();
    expect((await handoff("github", "--branch", "release/1.x", "--drift", "0 4 * * 1")).code).to.equal(0);
    expect(lint()).to.equal("");
    expect(workflow()).to.include("refs/heads/release/1.x").and.include("0 4 * * 1");
    for (const file of ["Pulumi.yaml", "Pulumi.a.yaml"])
      write(`infra/${file}`, readFileSync(join(folder.dir, file), "utf8"));
    const { code } = await cli(["ci", "github"], { cwd: join(folder.dir, "infra"), env });
    expect(code).to.equal(0);
    expect(lint()).to.equal("");
    expect(workflow()).to.include("working-directory: infra").and.include("infra/package-lock.json");
    // It can find something.
    write(".github/workflows/handoff.yml", workflow().replace("runs-on: ubuntu-latest", "runs-on: nowhere"));
    expect(lint()).to.include('"nowhere"');
  });

  it("gitlab: its schema is met, and its jobs are there when they should be", async () => {
    allClouds();
    expect((await handoff("gitlab")).code).to.equal(0);
    const list = () => {
      const program = join(npmPackage("gitlab-ci-local", "4.53.0"), "node_modules/.bin/gitlab-ci-local");
      execFileSync("git", ["add", "-A"], { cwd: folder.dir });
      return spawnSync(process.execPath, [program, "--list-csv-all"], {
        cwd: folder.dir,
        encoding: "utf8",
        env: { ...process.env, HOME: folder.dir },
      });
    };
    execFileSync("git", ["remote", "add", "origin", "git@gitlab.example.com:data/pipelines.git"], {
      cwd: folder.dir,
    });
    const listed = list();
    expect(listed.status, listed.stderr).to.equal(0);
    for (const job of ["preview", "up", "drift"]) expect(listed.stdout).to.match(new RegExp(`^${job};`, "m"));
    write(
      ".gitlab-ci.yml",
      readFileSync(join(folder.dir, ".gitlab-ci.yml"), "utf8").replace(
        "interruptible: true",
        "interruptible: often",
      ),
    );
    expect(list().status).not.to.equal(0);
  });

  it("a preview can't change anything, and forks get no identity", async () => {
    allClouds();
    await handoff("github");
    const { preview, up, drift } = jobs();
    expect(preview?.if).to.include("head.repo.full_name == github.repository");
    expect(JSON.stringify([preview, drift])).not.to.match(/_DEPLOY_|handoff up/);
    expect(JSON.stringify(up)).not.to.include("_PREVIEW_");
    expect(preview?.permissions).to.deep.equal({
      contents: "read",
      "id-token": "write",
      "pull-requests": "write",
    });
    expect(up?.permissions).to.deep.equal({ contents: "read", "id-token": "write" });
  });

  it("stores no key of a cloud; a passphrase is there only where secrets need one", async () => {
    await handoff("github");
    expect(workflow()).to.include("secrets.PULUMI_CONFIG_PASSPHRASE");
    expect(
      workflow()
        .match(/secrets\.\w+/g)
        ?.every((name) => name === "secrets.PULUMI_CONFIG_PASSPHRASE"),
    ).to.equal(true);
    write(
      "Pulumi.a.yaml",
      "secretsprovider: awskms://alias/acme\nconfig:\n  handoff:cloud: aws\n  aws:region: eu-west-1\n",
    );
    const { stderr } = await handoff("github");
    expect(workflow()).not.to.include("secrets.");
    expect(stderr).not.to.include("- Secrets");
    write("Pulumi.yaml", "name: pipelines\nruntime: nodejs\nbackend:\n  url: https://api.pulumi.com\n");
    await handoff("github");
    expect(workflow()).to.include("secrets.PULUMI_ACCESS_TOKEN");
  });

  it("its commands are ones that handoff has, and run here", async () => {
    allClouds();
    await handoff("github");
    await handoff("gitlab");
    const gitlab = parse(readFileSync(join(folder.dir, ".gitlab-ci.yml"), "utf8")) as Record<
      string,
      { script?: string[] }
    >;
    const commands = [
      ...Object.values(jobs()).flatMap(({ steps }) => steps.map(({ run = "" }) => run)),
      ...Object.values(gitlab).flatMap(({ script = [] }) => script),
    ].filter((line) => line.startsWith("npx handoff "));
    expect(commands).to.have.length(6);
    for (const command of new Set(commands)) {
      const { code, stderr } = await cli([...command.split(" ").slice(2), "--help"], {
        cwd: folder.dir,
        env,
      });
      expect(code, `${command}: ${stderr}`).to.equal(0);
    }
  });

  it("previews and comments, deploys, and finds no drift, in a repository of this machine", async () => {
    // As CI would: the steps' own lines, by a shell, with `gh` standing in for GitHub's.
    const bin = join(folder.dir, "bin");
    write(
      "npx",
      `#!/bin/sh\nshift\nexec '${process.execPath}' '${join(root, "bin", "handoff")}' "$@"\n`,
      bin,
    );
    write("gh", `#!/bin/sh\nprintf '%s\\n' "$*" >> '${join(folder.dir, "gh.txt")}'\n`, bin);
    for (const name of ["npx", "gh"]) chmodSync(join(bin, name), 0o755);
    write("Pulumi.yaml", "name: pipelines\nruntime: nodejs\n");
    write("project.yml", "version: 1\nname: fx\ntasks:\n- {name: load, commands: [{command: echo hello}]}\n");
    await handoff("github");
    write("Pulumi.a.yaml", "config:\n  handoff:cloud: local\n");
    write("Pulumi.b.yaml", "config:\n  handoff:cloud: local\n");
    const summary = join(folder.dir, "step-summary.md");
    const run = (job: string) => {
      for (const { run: line } of jobs()[job]?.steps ?? []) {
        if (line === undefined || line === "npm ci") continue;
        const { status, stdout, stderr } = spawnSync("bash", ["-e", "-c", line], {
          cwd: folder.dir,
          encoding: "utf8",
          env: {
            ...process.env,
            ...{ PATH: `${bin}:${process.env.PATH}`, CI: "true", PR: "7", GITHUB_STEP_SUMMARY: summary },
            ...{ HANDOFF_HOME: join(folder.dir, "home"), PULUMI_CONFIG_PASSPHRASE: "x" },
          },
        });
        expect(status, `${job}: ${line}\n${stdout}${stderr}`).to.equal(0);
      }
    };
    // They select the clouds' stacks: here those of this machine stand in for them.
    write(".github/workflows/handoff.yml", workflow().replaceAll("--all", "--select cloud=local"));
    run("preview");
    expect(readFileSync(join(folder.dir, "gh.txt"), "utf8")).to.equal(
      "pr comment 7 --body-file handoff-summary.md --edit-last --create-if-none\n",
    );
    expect(readFileSync(summary, "utf8")).to.match(/\ba\b/).and.match(/\bb\b/);
    expect(existsSync(join(folder.dir, "home", "deployments"))).to.equal(false);
    run("up");
    expect(existsSync(join(folder.dir, "home", "deployments", "pipelines-a"))).to.equal(true);
    run("drift");
    expect(readFileSync(join(folder.dir, "handoff-junit.xml"), "utf8")).to.include("<testcase");
  });

  it("says what is to be set by hand", async () => {
    write("Pulumi.yaml", "name: pipelines\nruntime: nodejs\n");
    allClouds();
    const { stderr, stdout } = await handoff("gitlab", "--print");
    expect(parse(stdout)).to.have.property("preview");
    expect(existsSync(join(folder.dir, ".gitlab-ci.yml"))).to.equal(false);
    expect(stderr).to.include("set backend.url in Pulumi.yaml to a bucket");
    expect(stderr).to.include("AZURE_SUBSCRIPTION_ID").and.include("GITLAB_TOKEN");
    expect(stderr).to.include("dev: on a machine of yours");
  });

  it("writes its own file anew, and nobody else's", async () => {
    await handoff("gitlab");
    expect((await handoff("gitlab")).stderr).to.include("is as it should be");
    allClouds();
    expect((await handoff("gitlab")).stderr).to.include("is written anew");
    write(".gitlab-ci.yml", "mine: {script: [make]}\n");
    const refused = await handoff("gitlab");
    expect(refused.code).to.equal(2);
    expect(refused.stderr).to.include("--print").and.include("--force");
    expect((await handoff("gitlab", "--force")).code).to.equal(0);
  });

  for (const [argv, message] of [
    [["github", "--branch", "a b"], "no name of a branch"],
    [["github", "--drift", "daily"], "no cron expression of 5 fields"],
    [["github", "--drift", "0 6 * * ? *"], "no cron expression of 5 fields"],
  ] as const) {
    it(`refuses ${argv.join(" ")}`, async () => {
      const { code, stderr } = await handoff(...argv);
      expect(code).to.equal(2);
      expect(stderr).to.include(message);
    });
  }

  it("has nothing to do without a stack on a cloud", async () => {
    write("Pulumi.a.yaml", "config:\n  handoff:cloud: local\n");
    const { code, stderr } = await handoff("github");
    expect(code).to.equal(2);
    expect(stderr).to.include("none is on a cloud");
  });
});
