import { expect } from "chai";
import { endWithParent } from "../../../providers/local/plugin-orphan.js";

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe("a plugin whose engine was killed", function () {
  this.timeout(20_000);

  it("ends when its parent has gone, after what it is doing", async () => {
    let parent = 10;
    let ended = 0;
    let finish = () => {};
    const slow = {
      version: "1",
      create: () => new Promise<string>((resolve) => (finish = () => resolve("done"))),
    };
    const { provider, stop } = endWithParent(slow, { parent: () => parent, end: () => ended++ });
    expect(provider.version).to.equal("1");
    const created = provider.create();
    parent = 1;
    await wait(1500);
    expect(ended).to.equal(0);
    finish();
    expect(await created).to.equal("done");
    await wait(1500);
    stop();
    expect(ended).to.be.greaterThan(0);
  });

  it("stays while its parent is there", async () => {
    let ended = 0;
    const { stop } = endWithParent({}, { parent: () => 10, end: () => ended++ });
    await wait(1500);
    stop();
    expect(ended).to.equal(0);
  });
});
