import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import {
  defaultParallel,
  memoryPerStackMiB,
  memoryWarning,
  parseParallel,
  thisMachine,
} from "../../deploy/fleet/parallel.js";
import { type Selection, selectStacks } from "../../deploy/fleet/selection.js";
import { findRepository } from "../../deploy/repository.js";
import { UserError } from "../../model/diagnostic.js";

describe("fleet: which stacks", () => {
  let root: string;
  const stack = (name: string, text: string) => writeFileSync(join(root, `Pulumi.${name}.yaml`), text);
  const select = (selection: Selection) => selectStacks(findRepository(root), selection, {});
  const refused = (selection: Selection): UserError => {
    try {
      select(selection);
    } catch (error) {
      if (error instanceof UserError) return error;
      throw error;
    }
    throw new Error("expected a UserError");
  };
  before(() => {
    root = mkdtempSync(join(tmpdir(), "handoff select "));
    mkdirSync(join(root, "projects/fx"), { recursive: true });
    writeFileSync(join(root, "Pulumi.yaml"), "name: demo\nruntime: nodejs\n");
    stack(
      "acme-eu",
      "config:\n  handoff:cloud: aws\n  handoff:client: acme\n  aws:region: eu-west-1\n  handoff:project: projects/fx/\n",
    );
    stack(
      "acme-us",
      "config:\n  handoff:cloud: gcp\n  handoff:client: acme\n  gcp:region: us-central1\n  handoff:tags: {team: data}\n",
    );
    stack("acme.test", "config:\n  handoff:client: acme.test\n");
    stack(
      "globex",
      "config:\n  handoff:cloud: aws\n  handoff:project: projects/fx\n  handoff:tags: {team: web}\n",
    );
    stack("wrong", "config:\n  handoff:cloud: aws\n  handoff:clint: acme\n  handoff:client: initech\n");
  });
  after(() => rmSync(root, { recursive: true, force: true }));

  const cases: readonly (readonly [selection: Selection, stacks: readonly string[]])[] = [
    [{ all: true }, ["acme-eu", "acme-us", "acme.test", "globex", "wrong"]],
    [{ names: ["globex", "acme-eu", "globex"] }, ["globex", "acme-eu"]],
    [{ select: ["client=acme"] }, ["acme-eu", "acme-us"]],
    [{ select: ["client=acme,cloud=aws"] }, ["acme-eu"]],
    [{ select: ["cloud=gcp", "client=globex"] }, ["acme-us", "globex"]],
    [{ select: ["client=acme*"] }, ["acme-eu", "acme-us", "acme.test"]],
    [{ select: ["stack=*-us"] }, ["acme-us"]],
    [{ select: ["cloud=local"] }, ["acme.test"]],
    [{ select: ["project=projects/fx"] }, ["acme-eu", "globex"]],
    [{ select: ["region=eu-west-1"] }, ["acme-eu"]],
    [{ select: [" cloud = aws , tag.team = web "] }, ["globex"]],
    // What is wrong with its settings is for `up` to say.
    [{ select: ["client=initech"] }, ["wrong"]],
  ];
  for (const [selection, stacks] of cases) {
    it(JSON.stringify(selection), () => {
      expect(select(selection)).to.deep.equal({ stacks, unreadable: [] });
    });
  }

  it("is said to be unknown of a file that is no YAML, which --all takes and fails by itself", () => {
    stack("broken", "config: [\n");
    try {
      expect(select({ select: ["client=acme"] })).to.deep.equal({
        stacks: ["acme-eu", "acme-us"],
        unreadable: ["broken"],
      });
      expect(select({ all: true }).stacks).to.include("broken");
    } finally {
      rmSync(join(root, "Pulumi.broken.yaml"));
    }
  });

  it("is refused, with what to do, before anything is touched", () => {
    expect(refused({ names: ["globx"] })).to.include({ code: "unknown-stack", hint: "did you mean globex?" });
    expect(refused({ select: ["client=nobody"] }).code).to.equal("no-stack");
    expect(refused({ select: ["client=nobody"] }).hint).to.include("acme, acme.test, globex, initech");
    expect(refused({ select: ["clinet=acme"] }).hint).to.equal("did you mean client?");
    for (const text of ["acme", "client=", "=acme", "client=acme,", ""])
      expect(refused({ select: [text] }).code, text).to.equal("bad-option");
    expect(refused({ names: ["globex"], all: true }).code).to.equal("bad-option");
    expect(refused({ all: true, select: ["client=acme"] }).code).to.equal("bad-option");
  });
});

describe("fleet: how many at a time", () => {
  it("is two for each core, as far as the memory reaches, and not more than there are", () => {
    const much = { cores: 4, freeMiB: 64 * 1024 };
    expect(defaultParallel(100, much)).to.equal(8);
    expect(defaultParallel(3, much)).to.equal(3);
    expect(defaultParallel(100, { cores: 64, freeMiB: 512 + 5.5 * memoryPerStackMiB })).to.equal(5);
    expect(defaultParallel(100, { cores: 2, freeMiB: 300 })).to.equal(1);
  });

  it("is warned of when there is too little memory for what was asked for", () => {
    const machine = { cores: 2, freeMiB: 4096 };
    expect(memoryWarning(3, machine)).to.equal(undefined);
    expect(memoryWarning(8, machine))
      .to.include("8 stacks at a time may need 8.5 GiB")
      .and.include("4.0 GiB are free");
    expect(memoryWarning(1, { cores: 1, freeMiB: 100 })).to.equal(undefined);
    expect(memoryWarning(defaultParallel(100, machine), machine)).to.equal(undefined);
  });

  it("is known of this machine", () => {
    const { cores, freeMiB } = thisMachine();
    expect(cores).to.be.at.least(1);
    expect(freeMiB).to.be.within(1, 1024 * 1024 * 64);
  });

  it("is a number that makes sense", () => {
    expect(parseParallel("12")).to.equal(12);
    for (const text of ["0", "-1", "1.5", "many", "", "1000"])
      expect(() => parseParallel(text), text).to.throw(UserError, "--parallel takes");
  });
});
