import { expect } from "chai";
import { commands, Sandbox } from "./harness.js";

describe("_stage", () => {
  let box: Sandbox;
  beforeEach(() => {
    box = new Sandbox();
  });
  afterEach(() => box.remove());
  const tasks = [commands("t", ["echo '[{{ _stage }}|{{ _stage_ }}|{{ __stage }}]'"])];

  it("is the stage", async () => {
    await box.run(tasks, {}, {}, { stage: "prod" });
    expect(box.output("t")).to.equal("[prod|prod_|_prod]\n");
  });

  it("of a 0.x project is empty in production, and HO_STAGE is not", async () => {
    const legacy = [...tasks, commands("u", ["echo $HO_STAGE"])];
    await box.run(legacy, { dialect: "0.x" }, {}, { stage: "prod" });
    expect(box.output("t")).to.equal("[||]\n");
    expect(box.output("u")).to.equal("prod\n");
    await box.run(tasks, { dialect: "0.x" }, {}, { stage: "dev" });
    expect(box.output("t")).to.equal("[dev|dev_|_dev]\n");
  });
});
