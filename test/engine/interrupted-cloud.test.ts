/** An update of a cloud that was killed in the middle of a call: nobody knows whether the call was done. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { refresh, up } from "../../deploy/stack.js";
import { UserError } from "../../model/diagnostic.js";
import { World } from "../simulated-cloud/world.js";
import { type Clouds, makeClouds } from "./clouds.js";
import { configure, smallProject } from "./project.js";

interface Resource {
  readonly urn: string;
  readonly type: string;
  readonly dependencies?: readonly string[];
}

describe("an up that was killed while a cloud created something", function () {
  this.timeout(15 * 60_000);
  let repo: Clouds;
  before(async () => {
    repo = makeClouds();
    configure(repo, "aws");
    repo.write("project.yml", smallProject.replace("secrets:\n- {key: API_KEY}\n", ""));
    await up(repo.options);
  });
  after(() => repo.remove());

  it("says, when the cloud has it, whose it is and what to do; once it is away, it is made", async () => {
    const file = join(repo.root, ".handoff", "state", ".pulumi", "stacks", "demo", "dev.json");
    const state = JSON.parse(readFileSync(file, "utf8"));
    const { latest } = state.checkpoint as {
      latest: { resources: Resource[]; pending_operations?: object[] };
    };
    const role = latest.resources.find(({ urn }) => urn.endsWith("::fx-schedulerrole"));
    if (!role) throw new Error("there is no role");
    const gone = new Set([role.urn]);
    for (const { urn, dependencies = [] } of latest.resources)
      if (dependencies.some((one) => gone.has(one))) gone.add(urn);
    const world = new World(repo.folder, "aws");
    for (const held of world.all()) if (gone.has(held.urn) && held.urn !== role.urn) world.remove(held);
    latest.resources = latest.resources.filter(({ urn }) => !gone.has(urn));
    const { id: _, outputs: __, ...begun } = role as Resource & { id: string; outputs: object };
    latest.pending_operations = [{ resource: begun, type: "creating" }];
    writeFileSync(file, JSON.stringify(state));

    const error: unknown = await up(repo.options).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    if (!(error instanceof UserError)) throw error ?? new Error("the role was made twice");
    expect(error.message).to.include("EntityAlreadyExists");
    expect(error.hint).to.include("killed while it created aws:iam/role:Role fx-schedulerrole");
    expect(error.hint).to.include("Delete it in the cloud, and run it again");

    for (const held of world.all()) if (held.urn === role.urn) world.remove(held);
    expect((await up(repo.options)).changes.create).to.be.greaterThan(0);
    await refresh(repo.options);
    repo.events.length = 0;
    expect((await up(repo.options)).changes).to.include({ create: 0, update: 0, delete: 0 });
    const said = repo.events.flatMap((event) => (event.kind === "message" ? [event.text] : []));
    expect(said.filter((text) => text.includes("interrupted"))).to.deep.equal([]);
  });
});
