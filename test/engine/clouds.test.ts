/**
 * Each cloud through the real engine, against simulated clouds that reject what the real ones would. Failures are tried on a
 * small project: the second call of each update that changes something fails, so that all of them do but the first, until all is there.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { destroy, up } from "../../deploy/stack.js";
import { UserError } from "../../model/diagnostic.js";
import { contents } from "../deploy/fixture.js";
import { parseJson, resourcesOfPolicy } from "../simulated-cloud/iam.js";
import { textsIn } from "../simulated-cloud/values.js";
import { type Clouds, makeClouds, type PackageName } from "./clouds.js";
import {
  type CloudName,
  clouds,
  configure,
  largeProject,
  secretValue,
  setSecrets,
  smallProject,
} from "./project.js";

const packageOf: Readonly<Record<CloudName, PackageName>> = { aws: "aws", gcp: "gcp", azure: "azure-native" };

/** What may be left by a destroy: where data is, what it is in, and what keeps it private and versioned. */
const dataTypes =
  /^(aws:s3\/|aws:dynamodb\/table|gcp:storage\/bucket|gcp:firestore\/|azure-native:(storage:|resources:ResourceGroup))/;

const buckets: Readonly<Record<CloudName, string>> = {
  aws: "aws:s3/bucket:Bucket",
  gcp: "gcp:storage/bucket:Bucket",
  azure: "azure-native:storage:BlobContainer",
};

/** Names of what the last operation changed. */
function changed(repo: Clouds): string[] {
  const found = repo.events.flatMap((event) =>
    event.kind === "resource" &&
    event.status === "done" &&
    !["same", "refresh", "read"].includes(event.op) &&
    !event.type.startsWith("pulumi:")
      ? [event.name]
      : [],
  );
  return [...new Set(found)];
}

/** What stands in the arguments of the processes that run now. */
function argumentsOfProcesses(): string {
  const found = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return found
    .map((pid) => {
      try {
        return readFileSync(join("/proc", pid, "cmdline"), "latin1");
      } catch {
        return "";
      }
    })
    .join("\n");
}

for (const cloud of clouds) {
  describe(`a stack on a simulated ${cloud}, through the real engine`, function () {
    this.timeout(15 * 60_000);
    let repo: Clouds;
    const nextUp = async () => {
      repo.events.length = 0;
      return await up(repo.options);
    };

    before(async () => {
      repo = makeClouds();
      await setSecrets(repo);
      configure(repo, cloud);
      repo.write("project.yml", largeProject("project"));
    });
    after(() => repo.remove());

    it("is created with everything that a project can have", async () => {
      let seen = "";
      const onEvent: typeof repo.options.onEvent = (event) => {
        repo.events.push(event);
        if (repo.events.length % 10 === 1) seen += argumentsOfProcesses();
      };
      const { changes, outputs } = await up({ ...repo.options, onEvent });
      expect(changes).to.include({ update: 0, replace: 0, delete: 0, same: 0 });
      // The pipeline itself is in the state alone.
      expect(repo.held(packageOf[cloud])).to.have.length(changes.create - 1);
      expect(Object.keys(outputs)).to.include("jobs");
      expect(seen).to.include("pulumi").and.not.include(secretValue);
    });

    it("has the secret in no state, file, log or event", () => {
      const files = Object.entries({
        ...contents(repo.root),
        ...contents(repo.home),
        ...contents(repo.folder),
      });
      expect(files.length).to.be.greaterThan(5);
      expect(files.filter(([, text]) => text.includes(secretValue)).map(([name]) => name)).to.deep.equal([]);
      expect(JSON.stringify(repo.events)).not.to.include(secretValue);
    });

    it("names in its policies only what is there", () => {
      const held = repo.held(packageOf[cloud]);
      const known = held.flatMap(({ outputs }) => [outputs.arn, outputs.arnWithoutRevision]);
      const named = held
        .flatMap(({ inputs }) => textsIn(inputs))
        .filter(({ path, text }) => /polic/i.test(path) && parseJson(text) !== undefined)
        .flatMap(({ text }) => resourcesOfPolicy(text))
        .filter((arn) => /:123456789012:|:s3:::/.test(arn) && !arn.includes("StepFunctions"))
        // Every account has one.
        .filter((arn) => !arn.endsWith(":event-bus/default"));
      // Objects of a bucket, tasks of a cluster: what they are in has to be there.
      const owner = (arn: string) =>
        arn
          .replace(/^(arn:aws:s3:::[^/]+)\/.*$/, "$1")
          .replace(/:task\/([^/]+)\/\*$/, ":cluster/$1")
          .replace(/[:/]\*$/, "");
      expect(named.filter((arn) => !known.includes(arn) && !known.includes(owner(arn)))).to.deep.equal([]);
    });

    it("is left alone by a second up", async () => {
      const before = repo.held(packageOf[cloud]);
      const { changes } = await nextUp();
      expect([changed(repo), changes.same]).to.deep.equal([[], before.length + 1]);
      expect(repo.held(packageOf[cloud])).to.deep.equal(before);
    });

    it("is changed in one resource by an edit of one schedule", async () => {
      repo.write("project.yml", largeProject("project").replace('"0 2 * * *"', '"0 3 * * *"'));
      const { changes } = await nextUp();
      expect(changed(repo)).to.have.length(1);
      expect(changes).to.include({ create: 0, replace: 0, delete: 0 });
    });

    it("has an orchestrator with granularity task, and goes back", async () => {
      repo.write("project.yml", largeProject("task"));
      await nextUp();
      expect((await nextUp()) && changed(repo)).to.deep.equal([]);
      repo.write("project.yml", largeProject("project"));
      await nextUp();
    });

    it("leaves its data to a destroy, says so, and adopts it afterwards", async () => {
      repo.fill(buckets[cloud]);
      const { kept } = await destroy(repo.options);
      expect(kept.length).to.be.greaterThan(1);
      const left = repo.held(packageOf[cloud]);
      expect(left.map(({ type }) => type).filter((type) => !dataTypes.test(type))).to.deep.equal([]);
      expect(left.filter(({ data }) => data).length).to.be.greaterThan(1);

      await nextUp();
      const adopted = repo.held(packageOf[cloud]);
      for (const { type, id, data } of left.filter((held) => held.data))
        expect(adopted.find((held) => held.type === type && held.id === id)?.data, id).to.deep.equal(data);
      await nextUp();
      expect(changed(repo)).to.deep.equal([]);
    });

    it("leaves nothing when the stack says so", async () => {
      configure(repo, cloud, "handoff:deleteData: true");
      const { kept } = await destroy(repo.options);
      expect(kept).to.deep.equal([]);
      expect(repo.everything()).to.deep.equal([]);
    });

    it("is completed after failures as if there had been none", async () => {
      repo.write("project.yml", smallProject);
      repo.clearCalls();
      await up(repo.options);
      const undisturbed = repo.held(packageOf[cloud]);
      await destroy(repo.options);
      expect(repo.everything()).to.deep.equal([]);

      const failures: string[] = [];
      for (let time = 0; time <= undisturbed.length; time++) {
        const error = await up({ ...repo.options, env: repo.failingAt(2) }).then(
          () => undefined,
          (reason: unknown) => reason,
        );
        if (error === undefined) break;
        if (!(error instanceof UserError)) throw error;
        expect(error).to.include({ code: "deployment-failed", exitCode: 1 });
        failures.push(error.message);
      }
      expect(failures.length).to.be.greaterThan(1);
      expect(failures.join("\n")).to.match(/ThrottlingException|Error 503|TooManyRequests/);
      expect(sorted(repo.held(packageOf[cloud]))).to.deep.equal(sorted(undisturbed));
      await destroy(repo.options);
      expect(repo.everything()).to.deep.equal([]);
    });
  });
}

function sorted<T extends { id: string; type: string }>(held: readonly T[]): T[] {
  const key = ({ type, id }: T) => `${type} ${id}`;
  return [...held].sort((a, b) => (key(a) < key(b) ? -1 : 1));
}

describe("a stack that moves from cloud to cloud", function () {
  this.timeout(15 * 60_000);
  let repo: Clouds;
  before(async () => {
    repo = makeClouds();
    await setSecrets(repo);
    repo.write("project.yml", smallProject);
  });
  after(() => repo.remove());

  it("is in the new one and gone from the old one after one update each, its data aside", async () => {
    let from: CloudName | undefined;
    for (const cloud of [...clouds, "local"] as const) {
      configure(repo, cloud);
      const { changes, kept } = await up(repo.options);
      expect(changes.create, cloud).to.be.greaterThan(2);
      if (cloud !== "local") expect(repo.held(packageOf[cloud])).to.have.length(changes.create - 1);
      if (from) {
        const left = repo.held(packageOf[from]).map(({ type }) => type);
        expect(left.length, from).to.be.greaterThan(1);
        expect(
          left.filter((type) => !dataTypes.test(type)),
          from,
        ).to.deep.equal([]);
        expect(kept.length, from).to.be.greaterThan(1);
      }
      from = cloud === "local" ? undefined : cloud;
    }
    expect(Object.keys(contents(join(repo.home, "deployments"))).join("\n")).to.include(
      "schedules/daily.json",
    );
    await destroy(repo.options);
  });
});
