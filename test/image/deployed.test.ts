/**
 * The image that `up` builds: by the real engine, the real docker-build plugin and a real BuildKit, pushed to a registry that
 * stands for each cloud's. The clouds themselves are simulated.
 */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { gunzipSync } from "node:zlib";
import { expect } from "chai";
import { destroy, preview, up } from "../../deploy/stack.js";
import { contents } from "../deploy/fixture.js";
import { type Clouds, makeClouds, type PackageName } from "../engine/clouds.js";
import { type CloudName, clouds, configure, secretValue, setSecrets } from "../engine/project.js";
import { textsIn } from "../simulated-cloud/values.js";
import { baseImage, needDocker, nodeImage } from "../support/docker.js";
import { TestBuildKit } from "./builder/buildkit.js";
import { builderPrograms } from "./builder/programs.js";
import { TestRegistry } from "./registry.js";
import { runContainer } from "./support.js";

const yaml = `version: 1
name: fx
installs:
- {venv: own, command: pip install ./files/package}
secrets:
- {key: API_KEY}
tasks:
- name: fetch
  commands:
  - {command: "cat files/note.txt; python -c 'import handoff_test; print(handoff_test.name)'", venv: own}
`;
const files = {
  "project.yml": yaml,
  "files/note.txt": "one\n",
  "files/package/setup.py":
    "from setuptools import setup\nsetup(name='handoff-test', version='1', py_modules=['handoff_test'])\n",
  "files/package/handoff_test.py": "name = 'from a venv'\n",
};

/** The project, its spec, and the folder that a container starts in. */
const projectLayers = 3;

const packageOf: Readonly<Record<CloudName, PackageName>> = { aws: "aws", gcp: "gcp", azure: "azure-native" };

/** Where a job's image stands in what the cloud holds. */
const jobOf: Readonly<Record<CloudName, string>> = {
  aws: "aws:ecs/taskDefinition:TaskDefinition",
  gcp: "gcp:cloudrunv2/job:Job",
  azure: "azure-native:app:Job",
};

/** What the simulated clouds give to sign in with; the name on Azure is the registry's. */
const passwords = {
  aws: "simulated-ecr-password",
  gcp: "simulated-gcp-token",
  azure: "simulated-registry-password",
} as const;

interface Manifest {
  readonly mediaType: string;
  readonly config: { readonly digest: string };
  readonly layers: readonly { readonly digest: string }[];
}

describe("the image of an up, by the real engine, plugin and BuildKit", function () {
  // The programs are built, unless that has been done.
  this.timeout(20 * 60_000);
  let programs: string;
  let bases: TestRegistry;
  let registry: TestRegistry;
  let buildkit: TestBuildKit;
  before(async function () {
    await needDocker(this);
    programs = await builderPrograms();
    bases = await TestRegistry.start();
    registry = await TestRegistry.start((_name, password) =>
      Object.values<string>(passwords).includes(password),
    );
    buildkit = await TestBuildKit.start(programs);
    // BuildKit knows nothing of what Docker has: an image that it starts from is in a registry.
    for (const image of [baseImage, nodeImage]) {
      const there = `${bases.address}/${image}`;
      await docker("tag", image, there);
      await docker("push", "--quiet", there);
      await docker("image", "rm", "--no-prune", there);
    }
  });
  after(async () => {
    await buildkit?.stop();
    await bases?.close();
    await registry?.close();
  });

  for (const cloud of clouds) {
    describe(`on a simulated ${cloud}`, () => {
      let repo: Clouds;
      let deployed: string;

      before(async () => {
        const made = makeClouds({ plugins: [programs], registry: registry.address });
        const env = { ...made.options.env, DOCKER_CONFIG: buildkit.config };
        repo = { ...made, options: { ...made.options, env } };
        await setSecrets(repo);
        configure(repo, cloud);
        const built = [
          `imageBase: ${bases.address}/${baseImage}`,
          `imageNode: ${bases.address}/${nodeImage}`,
        ];
        const lines = built.map((line) => `  handoff:${line}\n`).join("");
        repo.write("Pulumi.dev.yaml", repo.read("Pulumi.dev.yaml").replace(/^ *handoff:image:.*\n/m, lines));
        for (const [name, text] of Object.entries(files)) repo.write(name, text);
      });
      beforeEach(() => {
        registry.sent.length = 0;
        registry.users.clear();
        repo.events.length = 0;
      });
      after(() => repo?.remove());

      /** The jobs' image, as the cloud has it. */
      const imageOfJobs = (): string => {
        const held = repo.held(packageOf[cloud]).filter(({ type }) => type === jobOf[cloud]);
        const texts = held.flatMap(({ inputs }) => textsIn(inputs)).map(({ text }) => text);
        const found = texts.flatMap(
          (text) => text.match(/127\.0\.0\.1:\d+\/[\w./-]+@sha256:[0-9a-f]{64}/g) ?? [],
        );
        expect(new Set(found).size, texts.join("\n")).to.equal(1);
        return found[0] ?? "";
      };
      const manifestOf = (image: string): Manifest => {
        const [repository = "", digest = ""] = image.slice(registry.address.length + 1).split("@");
        const found = registry.manifests.get(`${repository}:${digest}`);
        if (found === undefined) throw new Error(`the registry has no ${image}`);
        return JSON.parse(found.toString()) as Manifest;
      };
      const layersOf = (image: string) => manifestOf(image).layers.map(({ digest }) => digest);

      it("is neither built nor pushed by a preview", async () => {
        const { changes } = await preview(repo.options);
        expect(changes.create).to.be.greaterThan(5);
        expect(registry.sent).to.deep.equal([]);
        expect([...registry.users]).to.deep.equal([]);
        // The plugin is of the version that the SDK is for.
        expect(JSON.stringify(repo.events))
          .to.include("docker-build")
          .and.not.include("expected to have version");
      });

      it("is pushed with the cloud's own login, and the jobs name the digest that the registry has", async () => {
        const { outputs } = await up(repo.options);
        deployed = imageOfJobs();
        expect(outputs.image).to.equal(deployed);
        expect(registry.sent).to.include(deployed.split("@")[1]);
        // One image, not an index of it and its provenance: the plugin asks BuildKit for none.
        expect(manifestOf(deployed).mediaType).to.match(
          /\.(distribution\.manifest|image\.manifest)\.v\d\+json$/,
        );
        const held = repo
          .held("azure-native")
          .find(({ type }) => type.endsWith("containerregistry:Registry"));
        const names = { aws: "AWS", gcp: "oauth2accesstoken", azure: String(held?.inputs.registryName) };
        expect([...registry.users]).to.deep.equal([names[cloud]]);
      });

      it("runs, pulled by that digest", async () => {
        const auth = Buffer.from(`any:${passwords[cloud]}`).toString("base64");
        const config = mkdtempSync(join(tmpdir(), "handoff-docker-login-"));
        try {
          const signedIn = { auths: { [registry.address]: { auth } } };
          writeFileSync(join(config, "config.json"), JSON.stringify(signedIn));
          await docker("--config", config, "pull", "--quiet", deployed);
          const info = await runContainer(deployed, { args: ["info"] });
          expect(JSON.parse(info.stdout)).to.deep.include({
            project: "fx",
            tasks: ["fetch"],
            venvs: ["own"],
          });
          const run = await runContainer(deployed, { env: { HANDOFF_SECRET_API_KEY: secretValue } });
          expect(run.code, run.stdout + run.stderr).to.equal(0);
          expect(run.stdout).to.include("one").and.include("from a venv");
        } finally {
          rmSync(config, { recursive: true, force: true });
          await docker("image", "rm", "--force", deployed).catch(() => {});
        }
      });

      it("is left alone by a second up, on a machine that has built nothing yet too", async () => {
        const before = repo.held(packageOf[cloud]);
        for (const machine of ["the same", "another"]) {
          if (machine === "another") {
            rmSync(join(repo.root, ".handoff", "image"), { recursive: true });
            const old = new Date("2020-01-01T00:00:00Z");
            utimesSync(join(repo.root, "files/note.txt"), old, old);
          }
          const { changes } = await up(repo.options);
          expect(changes, machine).to.include({ create: 0, update: 0, replace: 0, delete: 0 });
        }
        expect(registry.sent).to.deep.equal([]);
        expect([...registry.users]).to.deep.equal([]);
        expect(repo.held(packageOf[cloud])).to.deep.equal(before);
      });

      it("sends some kilobytes after a change of a file, and the jobs get the new digest", async () => {
        repo.write("files/note.txt", "two\n");
        await preview(repo.options);
        expect(registry.sent).to.deep.equal([]);
        await up(repo.options);
        const changed = imageOfJobs();
        expect(changed.split("@")[0]).to.equal(deployed.split("@")[0]);
        expect(changed).not.to.equal(deployed);
        const [before, now] = [layersOf(deployed), layersOf(changed)];
        const fresh = now.filter((layer) => !before.includes(layer));
        // The base, Node, process 1, the runner and the environments are as they were.
        expect(now).to.have.length(before.length);
        expect(now.slice(0, -projectLayers)).to.deep.equal(before.slice(0, -projectLayers));
        const { config } = manifestOf(changed);
        const blobs = registry.sent.filter((digest) => registry.blobs.has(digest));
        expect([...fresh, config.digest]).to.include.members(blobs);
        expect(blobs.reduce((sum, digest) => sum + (registry.blobs.get(digest)?.length ?? 0), 0)).to.be.below(
          20_000,
        );
        deployed = changed;
      });

      it("has no secret in it, and the state has neither the secret nor the login", () => {
        const sent: Record<string, string> = {};
        for (const [digest, blob] of [...registry.blobs, ...registry.manifests]) {
          sent[digest] = blob.toString("latin1");
          // The base's layers are no work of ours, and large.
          if (blob[0] === 0x1f && blob.length < 20_000_000)
            sent[`${digest} unpacked`] = gunzipSync(blob).toString("latin1");
        }
        expect(Object.values(sent).join("\n")).to.include("from a venv");
        const all = { ...sent, ...contents(repo.root), ...contents(repo.home), ...contents(repo.folder) };
        for (const secret of [secretValue, passwords[cloud]]) {
          const found = Object.entries(all).filter(([, text]) => text.includes(secret));
          expect(found.map(([name]) => name)).to.deep.equal([]);
        }
      });

      it("goes with the stack", async () => {
        await destroy(repo.options);
        expect(repo.held(packageOf[cloud]).filter(({ type }) => type === jobOf[cloud])).to.deep.equal([]);
      });
    });
  }
});

/** Not synchronous: Docker asks the registry, which is in this process. */
function docker(...args: string[]): Promise<string> {
  return promisify(execFile)("docker", args).then(({ stdout }) => stdout);
}
