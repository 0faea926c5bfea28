import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { QueueServiceClient } from "@azure/storage-queue";
import { expect } from "chai";
import { UserError } from "../../model/diagnostic.js";
import { type QueueSource, takeMessage } from "../../runner-image/src/azure-queue.js";
import { planOf } from "../providers/plans.js";
import { type Azurite, startAzuriteQueues } from "./store/azurite.js";

const root = fileURLToPath(new URL("../..", import.meta.url));

describe("messages of Azure's queues", function () {
  this.timeout(120_000);
  let azurite: Azurite;
  let service: QueueServiceClient;
  let source: QueueSource;

  before(async () => {
    azurite = await startAzuriteQueues("orders", "orders-poison");
    service = QueueServiceClient.fromConnectionString(azurite.env.AZURE_STORAGE_CONNECTION_STRING);
    source = {
      queue: `${azurite.endpoint}/orders`,
      deadLetters: `${azurite.endpoint}/orders-poison`,
      env: azurite.env,
    };
  });
  after(() => azurite.stop());
  afterEach(async () => {
    for (const name of ["orders", "orders-poison"]) await service.getQueueClient(name).clearMessages();
  });

  const send = (text: string) => service.getQueueClient("orders").sendMessage(text);
  const left = async (name: string) => {
    const { receivedMessageItems } = await service
      .getQueueClient(name)
      .receiveMessages({ numberOfMessages: 32, visibilityTimeout: 1 });
    return receivedMessageItems.map(({ messageText }) => messageText);
  };
  const count = async (name: string) =>
    (await service.getQueueClient(name).getProperties()).approximateMessagesCount;

  it("are taken once, and go after a good run", async () => {
    await send('{"id": 7, "name": "Zoë"}');
    const message = await takeMessage(source);
    expect(message).to.include({ text: '{"id": 7, "name": "Zoë"}', taken: 1 });
    expect(await takeMessage(source)).to.equal(null);
    await message?.settle(true);
    expect(await count("orders")).to.equal(0);
    expect(await count("orders-poison")).to.equal(0);
  });

  it("of a failed run go to the dead letters", async () => {
    await send("bad");
    await (await takeMessage(source))?.settle(false);
    expect(await count("orders")).to.equal(0);
    expect(await left("orders-poison")).to.deep.equal(["bad"]);
  });

  it("of a run that was stopped are there again at once", async () => {
    await send("again");
    await (await takeMessage(source))?.release();
    expect(await takeMessage(source)).to.include({ text: "again", taken: 2 });
  });

  it("that were taken too often are not tried again", async () => {
    await send("kills its container");
    for (let time = 1; time <= 5; time++) {
      const message = await takeMessage(source);
      expect(message?.taken).to.equal(time);
      await message?.release();
    }
    expect(await takeMessage(source)).to.equal(null);
    expect(await left("orders-poison")).to.deep.equal(["kills its container"]);
  });

  it("can't be had from a queue that isn't there: said with what to do", async () => {
    const failure = await takeMessage({ ...source, queue: `${azurite.endpoint}/nothing` }).catch((e) => e);
    expect(failure).to.be.instanceOf(UserError);
    expect(failure).to.include({ code: "queue", exitCode: 1 });
    expect(failure.hint).to.contain("HANDOFF_QUEUE");
  });

  describe("in the runner's bundle", () => {
    let image: string;
    before(() => {
      image = mkdtempSync(join(tmpdir(), "handoff-queue-"));
      mkdirSync(join(image, "project"));
      mkdirSync(join(image, "venvs"));
      const plan = planOf(
        `version: 1
name: fx
tasks:
- name: load
  commands: [{command: 'printf %s "$HANDOFF_MESSAGE" > "$OUT"; test "$HANDOFF_MESSAGE" = good'}]
`,
        "azure",
      );
      writeFileSync(join(image, "spec.json"), JSON.stringify(plan.spec));
    });
    after(() => rmSync(image, { recursive: true, force: true }));

    const run = () =>
      new Promise<number>((resolve) => {
        const env = {
          ...process.env,
          ...azurite.env,
          HANDOFF_ROOT: image,
          HANDOFF_WORK: join(image, "work"),
          HANDOFF_QUEUE: source.queue,
          HANDOFF_DEAD_LETTER_QUEUE: source.deadLetters,
          OUT: join(image, "out"),
        };
        execFile(process.execPath, [join(root, "dist/runner/main.js"), "run"], { env }, (error) =>
          resolve(typeof error?.code === "number" ? error.code : 0),
        );
      });

    it("a run has its message; a good one removes it, a bad one moves it, none is no failure", async () => {
      await send("good");
      expect(await run()).to.equal(0);
      expect(readFileSync(join(image, "out"), "utf8")).to.equal("good");
      await send("bad");
      expect(await run()).to.equal(1);
      expect(await left("orders-poison")).to.deep.equal(["bad"]);
      expect(await count("orders")).to.equal(0);
      expect(await run()).to.equal(0);
    });
  });
});
