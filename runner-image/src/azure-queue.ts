/**
 * The message of a run that Azure started. Azure only counts the messages of a queue: whoever it starts takes one, and puts it
 * out of the way afterwards. A container that dies in between lets it come back after a few minutes.
 */
import { QueueClient } from "@azure/storage-queue";
import { UserError } from "../../model/diagnostic.js";
import { azureCredential } from "./store/azure-credential.js";
import { failureOf } from "./store/store-error.js";

/** Seconds that a message stays hidden; asked for again in time while the run goes on. */
const hiddenSeconds = 300;
/** A message that was taken so often and never dealt with ends its container each time. */
const maxTaken = 5;

export interface QueueSource {
  /** HANDOFF_QUEUE: `https://account.queue.core.windows.net/name`. */
  readonly queue: string;
  /** HANDOFF_DEAD_LETTER_QUEUE; without one, a message whose run failed is dropped. */
  readonly deadLetters?: string | undefined;
  /** AZURE_STORAGE_CONNECTION_STRING, else an identity. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface TakenMessage {
  readonly text: string;
  /** How often it was taken, this time included. */
  readonly taken: number;
  /** The run ended: the message goes, to the dead letters when the run failed. */
  settle(succeeded: boolean): Promise<void>;
  /** The run was stopped: the message is there again at once. */
  release(): Promise<void>;
}

/**
 * The next message; null when there is none: another run took it, or it went to the dead letters for having been taken too often.
 * @throws UserError `queue` when the queue can't be used
 */
export async function takeMessage(source: QueueSource): Promise<TakenMessage | null> {
  const queue = clientOf(source.queue, source.env);
  const [message] = await guard(source.queue, async () => {
    const { receivedMessageItems } = await queue.receiveMessages({ visibilityTimeout: hiddenSeconds });
    return receivedMessageItems;
  });
  if (!message) return null;
  const { messageId, messageText, dequeueCount } = message;
  let receipt = message.popReceipt;
  const hide = async (seconds: number) => {
    const { popReceipt } = await queue.updateMessage(messageId, receipt, undefined, seconds);
    receipt = popReceipt ?? receipt;
  };
  // One call at a time: each gives the receipt that the next one needs.
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(action: () => Promise<T>): Promise<T> => {
    const next = last.then(action, action);
    last = next.catch(() => {});
    return next;
  };
  // Missed once, it is asked for again before the time is over.
  const renewal = setInterval(
    () => void inTurn(() => hide(hiddenSeconds)).catch(() => {}),
    hiddenSeconds * 300,
  );
  renewal.unref();
  const settle = async (succeeded: boolean) => {
    clearInterval(renewal);
    await guard(source.queue, () =>
      inTurn(async () => {
        // First there, then away from here: a failure in between leaves it twice, never lost.
        if (!succeeded && source.deadLetters) {
          await clientOf(source.deadLetters, source.env).sendMessage(messageText, { messageTimeToLive: -1 });
        }
        await queue.deleteMessage(messageId, receipt);
      }),
    );
  };
  const release = async () => {
    clearInterval(renewal);
    await guard(source.queue, () => inTurn(() => hide(0)));
  };
  if (dequeueCount <= maxTaken) return { text: messageText, taken: dequeueCount, settle, release };
  await settle(false);
  return null;
}

function clientOf(url: string, env: QueueSource["env"]): QueueClient {
  const connection = env.AZURE_STORAGE_CONNECTION_STRING;
  if (!connection) return new QueueClient(url, azureCredential(env));
  return new QueueClient(connection, new URL(url).pathname.split("/").at(-1) ?? "");
}

async function guard<T>(url: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    const { status, message } = failureOf(error);
    throw new UserError(`the queue ${url} can't be used: ${message.split("\n")[0]}`, {
      code: "queue",
      hint:
        status === 401 || status === 403
          ? "the job's identity needs the right to process its messages; a deployment gives it: run handoff up again"
          : "check HANDOFF_QUEUE, and that the queue is there",
      exitCode: 1,
    });
  }
}
