import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { expect } from "chai";
import { ExitCode, UserError } from "../../model/diagnostic.js";
import type { GitSource } from "../../model/project.js";
import { type ArtifactStore, openArtifactStore } from "../../runner-image/src/artifacts.js";
import { type OpenSource, openSource, type SourceOptions } from "../../runner-image/src/source/open.js";
import { restoreVenvs } from "../../runner-image/src/source/venv-store.js";
import { type GitServer, startGitServer, TestRepository, temporaryFolder } from "../support/git-server.js";

const token = "planted-token-7f3a";
const yaml = (name = "fx", more = "") =>
  `version: 1\nname: ${name}\n${more}tasks: [{name: load, commands: [{command: "cat files/x"}]}]\n`;

describe("runner/source: a project that is cloned", function () {
  this.timeout(120_000);
  const folder = temporaryFolder();
  const repository = new TestRepository(folder.dir, "served/team/fx.git");
  let server: GitServer;
  let first = "";
  let counter = 0;

  before(async () => {
    first = repository.commit({ "project.yml": yaml("first"), "files/x": "1\n" });
    repository.git("tag", "-a", "v1", "-m", "annotated");
    repository.git("tag", "light");
    repository.commit({ "project.yml": yaml("second"), "projects/rates/project.yml": yaml("rates") });
    repository.git("checkout", "--quiet", "-b", "release/2");
    repository.commit({ "project.yml": yaml("third") });
    repository.git("checkout", "--quiet", "main");
    server = await startGitServer(join(folder.dir, "served"), { credentials: `x-access-token:${token}` });
  });
  after(async () => {
    await server.close();
    folder.remove();
  });

  function source(more: Partial<GitSource> = {}): GitSource {
    return {
      kind: "git",
      url: `${server.url}/team/fx.git`,
      ref: "main",
      path: ".",
      token: "GIT_TOKEN",
      ...more,
    };
  }

  function open(git: GitSource, more: Partial<SourceOptions> = {}): Promise<OpenSource> {
    return openSource(git, {
      dir: join(folder.dir, "clones", String(counter++)),
      cacheDir: join(folder.dir, "cache"),
      env: { PATH: process.env.PATH, HOME: folder.dir },
      secret: (key) => (key === "GIT_TOKEN" ? `${token}\n` : undefined),
      hasStore: () => false,
      log: () => {},
      retryDelays: [],
      ...more,
    });
  }

  async function refused(git: GitSource, more: Partial<SourceOptions> = {}): Promise<UserError> {
    const dir = join(folder.dir, "clones", String(counter++));
    try {
      await open(git, { dir, ...more });
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      expect(existsSync(dir), "what is left of a source that can't be used").to.equal(false);
      expect(JSON.stringify([error.message, error.hint])).not.to.contain(token);
      return error;
    }
    throw new Error("it was cloned");
  }

  for (const [what, ref, name] of [
    ["a branch", "main", "second"],
    ["a branch with a slash", "release/2", "third"],
    ["a tag", "light", "first"],
    ["an annotated tag", "v1", "first"],
  ] as const) {
    it(`is that of ${what}`, async () => {
      const opened = await open(source({ ref }));
      expect(opened.spec.project.name).to.equal(name);
      expect(opened.commit).to.equal(repository.git("rev-parse", `${ref}^{commit}`));
      expect(readFileSync(join(opened.codeDir, "files/x"), "utf8")).to.equal("1\n");
      await opened.close();
      expect(existsSync(opened.codeDir)).to.equal(false);
    });
  }

  it("is that of a commit, also of one that no branch or tag ends with", async () => {
    const between = repository.commit({ "project.yml": yaml("between") });
    repository.commit({ "project.yml": yaml("second") });
    const opened = await open(source({ ref: between }));
    expect(opened.commit).to.equal(between);
    expect(opened.spec.project.name).to.equal("between");
    await opened.close();
  });

  it("is in a folder of the repository, whose name it gets where it has no other", async () => {
    repository.commit({ "projects/unnamed/project.yml": yaml("x").replace("name: x\n", "") });
    const opened = await open(source({ path: "projects/unnamed" }));
    expect(opened.spec.project.name).to.equal("unnamed");
    expect(basename(opened.codeDir)).to.equal("unnamed");
    await opened.close();
    repository.commit({ "project.yml": yaml("second").replace("name: second\n", "") });
    const top = await open(source());
    expect(top.spec.project.name).to.equal("fx");
    await top.close();
  });

  it("comes without history, tags and submodules", async () => {
    const other = new TestRepository(folder.dir, "served/team/module.git");
    other.commit({ inside: "1" });
    repository.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", other.dir, "module");
    repository.commit({});
    const opened = await open(source());
    const git = (...args: string[]) => execFileSync("git", args, { cwd: opened.codeDir, encoding: "utf8" });
    expect(git("rev-list", "--count", "--all", "HEAD").trim()).to.equal("1");
    expect(git("tag").trim()).to.equal("");
    expect(readdirSync(join(opened.codeDir, "module"))).to.deep.equal([]);
    await opened.close();
    repository.git("rm", "--quiet", "-f", "module", ".gitmodules");
    repository.commit({});
  });

  it("is cloned from a folder too, without a token", async () => {
    const opened = await open(source({ url: `file://${repository.dir}` }));
    expect(opened.commit).to.equal(repository.git("rev-parse", "main"));
    await opened.close();
  });

  it("takes the user that the address names", async () => {
    const own = await startGitServer(join(folder.dir, "served"), { credentials: `reader:${token}` });
    try {
      const url = `${own.url.replace("//", "//reader@")}/team/fx.git`;
      await (await open(source({ url }))).close();
      expect((await refused(source({ url: `${own.url}/team/fx.git` }))).code).to.equal("source-denied");
    } finally {
      await own.close();
    }
  });

  it("gives the token to the repository's own server alone", async () => {
    const other = await startGitServer(join(folder.dir, "served"), { credentials: "anybody:else" });
    const redirecting = await startGitServer(join(folder.dir, "served"), {
      before: (request, response) => {
        response.writeHead(301, { location: `${other.url}${request.url}` }).end();
        return true;
      },
    });
    try {
      const error = await refused(source({ url: `${redirecting.url}/team/fx.git` }));
      expect(error.code).to.equal("source-denied");
      expect(other.seen).to.deep.equal([]);
    } finally {
      await redirecting.close();
      await other.close();
    }
  });

  it("needs no configuration of the machine's, and nobody else's repository", async () => {
    const env = {
      PATH: process.env.PATH,
      HOME: folder.dir,
      GIT_DIR: "/nowhere",
      GIT_WORK_TREE: "/nowhere",
      GIT_CONFIG_COUNT: "1",
      GIT_CONFIG_KEY_0: "url.https://elsewhere.example/.insteadOf",
      GIT_CONFIG_VALUE_0: server.url,
    };
    await (await open(source(), { env })).close();
  });

  it("leaves the token in no file, argument, log or message", async () => {
    // A server that is slow enough to look at the processes while they are there.
    const seen: string[] = [];
    const slow = await startGitServer(join(folder.dir, "served"), {
      credentials: `x-access-token:${token}`,
      before: () => {
        seen.push(...processArguments());
        return false;
      },
    });
    const lines: string[] = [];
    const dir = join(folder.dir, "clones", "kept");
    try {
      const url = `${slow.url}/team/fx.git`;
      const opened = await open(source({ url }), { dir, log: (_, message) => lines.push(message) });
      expect(slow.seen).to.include(`x-access-token:${token}`);
      expect(seen.filter((line) => line.includes("git")).join("\n")).to.match(/git.*fetch/);
      expect(seen.filter((line) => line.includes(token))).to.deep.equal([]);
      expect(lines.join("\n")).to.contain(opened.commit).and.not.to.contain(token);
      const files = filesBelow(dir);
      expect(files.some((file) => file.endsWith(".git/config"))).to.equal(true);
      expect(files.filter((file) => readFileSync(file).includes(token))).to.deep.equal([]);
      await opened.close();
    } finally {
      await slow.close();
    }
  });

  describe("that can't be used", () => {
    it("says that a host is not there, and that another attempt may do", async () => {
      const error = await refused(source({ url: "http://nowhere.invalid/fx.git" }));
      expect(error).to.include({ code: "source-unreachable", exitCode: ExitCode.failed });
      expect(error.message).to.contain("http://nowhere.invalid/fx.git can't be reached");
      expect(error.hint).to.contain("network");
    });

    it("asks for a token, or for another one", async () => {
      const without = await refused({ kind: "git", url: source().url, ref: "main", path: "." });
      expect(without).to.include({ code: "source-denied", exitCode: ExitCode.invalid });
      expect(without.hint).to.contain("deploy.source.git.token");
      const wrong = await refused(source(), { secret: () => "another" });
      expect(wrong.code).to.equal("source-denied");
      expect(wrong.hint).to.contain("`GIT_TOKEN` is refused");
      const unset = await refused(source(), { secret: () => undefined });
      expect(unset.code).to.equal("secret-missing");
      expect(unset.hint).to.contain("handoff secrets set GIT_TOKEN");
    });

    it("knows no repository, ref, commit or folder of that name", async () => {
      const repositoryGone = await refused(source({ url: `${server.url}/team/gone.git` }));
      expect(repositoryGone.code).to.equal("source-not-found");
      const branch = await refused(source({ ref: "nope" }));
      expect(branch.code).to.equal("source-ref");
      expect(branch.message).to.contain("no branch, tag or commit `nope`");
      expect((await refused(source({ ref: "0".repeat(39).concat("1") }))).code).to.equal("source-ref");
      expect((await refused(source({ ref: first.slice(0, 8) }))).hint).to.contain("whole id");
      const path = await refused(source({ path: "projects/none" }));
      expect(path.code).to.equal("source-path");
      expect(path.hint).to.contain("`projects/rates`");
    });

    it("shows a server's error, and tries those again that pass", async () => {
      let failures = 2;
      const shaky = await startGitServer(join(folder.dir, "served"), {
        before: (_, response) => {
          if (failures-- <= 0) return false;
          response.writeHead(503).end();
          return true;
        },
      });
      const warnings: string[] = [];
      try {
        const git: GitSource = { kind: "git", url: `${shaky.url}/team/fx.git`, ref: "main", path: "." };
        const log: SourceOptions["log"] = (level, message) => level === "warn" && warnings.push(message);
        await (await open(git, { retryDelays: [1, 1], log })).close();
        expect(warnings).to.have.length(2);
        expect(warnings[0]).to.contain("503").and.to.contain("trying again");
        failures = 3;
        expect((await refused(git, { retryDelays: [1, 1] })).code).to.equal("source-unreachable");
      } finally {
        await shaky.close();
      }
    });

    it("stops at once while a server doesn't answer", async () => {
      const stop = new AbortController();
      const mute = await startGitServer(join(folder.dir, "served"), {
        before: () => {
          stop.abort("SIGTERM");
          return true;
        },
      });
      try {
        const git: GitSource = { kind: "git", url: `${mute.url}/team/fx.git`, ref: "main", path: "." };
        const error = await refused(git, { signal: stop.signal });
        expect(error.exitCode).to.equal(ExitCode.terminated);
        expect(processArguments().filter((line) => line.includes(mute.url))).to.deep.equal([]);
      } finally {
        await mute.close();
      }
    });

    it("has everything that is wrong with its project.yml, with the place in the repository", async () => {
      repository.commit({ "projects/bad/project.yml": "version: 1\nname: a b\ntasks: []\n" });
      const error = await refused(source({ path: "projects/bad" }));
      expect(error).to.include({ code: "invalid-project", exitCode: ExitCode.invalid });
      expect(error.diagnostics.length).to.be.at.least(2);
      expect(error.diagnostics[0]?.location?.file).to.equal("projects/bad/project.yml");
    });

    it("declares a secret or a store that the deployment doesn't have", async () => {
      const more = "secrets: [{key: GIT_TOKEN}, {key: NEW_KEY}]\nstores: [{name: rates, kind: table}]\n";
      repository.commit({ "projects/new/project.yml": yaml("new", more) });
      const error = await refused(source({ path: "projects/new" }));
      expect(error.code).to.equal("not-in-deployment");
      expect(error.message).to.contain("secret `NEW_KEY`, store `rates`").and.not.to.contain("GIT_TOKEN");
      expect(error.hint).to.contain("handoff up");
      const known: Partial<SourceOptions> = { secret: () => token, hasStore: (name) => name === "rates" };
      await (await open(source({ path: "projects/new" }), known)).close();
    });

    it("says that there is no git", async () => {
      const error = await refused(source(), { env: { PATH: folder.dir } });
      expect(error.code).to.equal("git-missing");
      expect(error.hint).to.contain("handoff image build");
    });
  });

  describe("with virtual environments", () => {
    const install = (command: string) => `installs: [{venv: tool, command: "${command}"}]\n`;
    async function installed(path: string): Promise<{ venvs: string; lines: string[] }> {
      const lines: string[] = [];
      const opened = await open(source({ path }), { log: (_, message) => lines.push(message) });
      const venvs = opened.venvsDir;
      await opened.install();
      await opened.close();
      return { venvs, lines };
    }

    it("installs once for the same installs and files, whatever else a commit changes", async () => {
      const command = "touch $VIRTUAL_ENV/made && cat files/requirements.txt";
      const files = (requirements: string, other: string) =>
        repository.commit({
          "projects/venv/project.yml": yaml("venv", install(command)),
          "projects/venv/files/requirements.txt": requirements,
          "projects/venv/files/other": other,
        });
      files("one", "1");
      const before = await installed("projects/venv");
      expect(existsSync(join(before.venvs, "tool", "made"))).to.equal(true);
      expect(before.lines.join("\n")).to.contain("installed tool");
      files("one", "2");
      const again = await installed("projects/venv");
      expect(again.venvs).to.equal(before.venvs);
      expect(again.lines.join("\n")).not.to.contain("installed tool");
      files("two", "2");
      expect((await installed("projects/venv")).venvs).not.to.equal(before.venvs);
    });

    it("fetches from the store what another machine has installed there, and makes it where that fails", async () => {
      repository.commit({
        "projects/stored/project.yml": yaml("stored", install("touch $VIRTUAL_ENV/made")),
      });
      const store = openArtifactStore(join(folder.dir, "store"));
      // The same path, as in each container; its disk is empty.
      const cacheDir = join(folder.dir, "container");
      const start = async (venvStore: ArtifactStore) => {
        rmSync(cacheDir, { recursive: true, force: true });
        const lines: string[] = [];
        const log: SourceOptions["log"] = (_, message) => lines.push(message);
        const opened = await open(source({ path: "projects/stored" }), { cacheDir, venvStore, log });
        await opened.install();
        await opened.close();
        expect(existsSync(join(opened.venvsDir, "tool", "made"))).to.equal(true);
        expect(readdirSync(join(cacheDir, "venvs"))).to.have.length(1);
        execFileSync(join(opened.venvsDir, "tool", "bin", "python"), ["-c", "import pip"]);
        return lines.join("\n");
      };
      expect(await start(store))
        .to.contain("installed tool")
        .and.not.to.contain("fetched");
      expect(await start(store))
        .to.contain("fetched the virtual")
        .and.not.to.contain("installed tool");
      for (const { runId } of await store.list())
        writeFileSync(join(folder.dir, "store", "runs", runId, "venvs.tar.gz"), "half");
      expect(await start(store))
        .to.contain("tar ended with")
        .and.to.contain("installed tool");
    });

    it("says why the store could not help", async () => {
      const store = openArtifactStore(join(folder.dir, "no-store"));
      const lines: string[] = [];
      const options = {
        store: { ...store, get: () => Promise.reject(new Error("no such luck")) },
        env: { PATH: process.env.PATH },
        log: (level: string, message: string) => lines.push(`${level}: ${message}`),
      };
      const dir = join(folder.dir, "nowhere", "abc");
      expect(await restoreVenvs(dir, options)).to.equal(false);
      expect(lines.join()).to.match(/^warn: .*no such luck/);
      lines.length = 0;
      // A store without them is no reason to say anything.
      expect(await restoreVenvs(dir, { ...options, store })).to.equal(false);
      expect(lines).to.deep.equal([]);
      expect(readdirSync(join(folder.dir, "nowhere"))).to.deep.equal([]);
    });

    it("removes environments that no run has used for 30 days", async () => {
      const files = { "projects/old/project.yml": yaml("old", install("true")) };
      repository.commit(files);
      const { venvs } = await installed("projects/old");
      const [month, day] = [31, 29].map((days) => new Date(Date.now() - days * 86_400_000)) as [Date, Date];
      const unused = join(folder.dir, "cache/venvs/unused");
      const recent = join(folder.dir, "cache/venvs/recent");
      for (const [dir, at] of [
        [unused, month],
        [recent, day],
        [venvs, month],
      ] as const) {
        mkdirSync(dir, { recursive: true });
        writeFileSync(join(dir, ".used"), "");
        utimesSync(join(dir, ".used"), at, at);
      }
      await installed("projects/old");
      expect([unused, recent, venvs].map((dir) => existsSync(dir))).to.deep.equal([false, true, true]);
    });

    it("keeps an environment that refers to the clone no longer than the clone", async () => {
      repository.commit({ "projects/edit/project.yml": yaml("edit", install("true -e files")) });
      const { venvs } = await installed("projects/edit");
      expect(existsSync(venvs)).to.equal(false);
    });
  });
});

/** Command lines of all processes on this machine. */
function processArguments(): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        return [readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ")];
      } catch {
        return [];
      }
    });
}

function filesBelow(dir: string): string[] {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
