/** Which of the errors that an engine reports say why an update failed. */

/** Sums up others. */
const summing =
  /^(update|preview|destroy|refresh) failed$|^resource (creation|update|deletion) failed$|^\d+ errors? occurred:?$|^one or more .* failed$/i;

/** Of a program that was still at work when the engine gave up, for the failure of a resource: nothing of its own is wrong. */
const following =
  /\b(grpc: the client connection is closing|resource monitor (was |is )?shut(ting)? down|rpc error: code = Canceled|CANCELLED: |context canceled)/;

/** The errors without those that only follow from others; all of them when there is no other. */
export function causesOf(messages: readonly string[]): readonly string[] {
  const own = messages
    .map((message) => message.trim())
    .filter((message) => message !== "" && !summing.test(message) && !following.test(message));
  return own.length > 0 ? own : messages;
}
