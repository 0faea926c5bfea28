/** The work of a fleet where there is no terminal: a block of lines for each stack when it is done. */
import type { FleetEvent } from "../../deploy/fleet/fleet.js";
import { type CliContext, say } from "../context.js";
import { colours } from "../output/colour.js";
import { formatDuration } from "../output/time.js";
import { Blocks } from "./block.js";
import { type FleetView, stoppingText } from "./view.js";

/** A CI ends what says nothing for some ten minutes. */
const signOfLifeMs = 60_000;

export function linesView(context: CliContext, total: number): FleetView {
  const blocks = new Blocks(colours(context.stderr, context.env));
  const running = new Map<string, number>();
  let done = 0;
  const alive = () => {
    const now = context.now().getTime();
    const rows = [...running].map(([stack, since]) => `${stack} (${formatDuration(now - since)})`);
    if (rows.length > 0) say(context, `still at work: ${rows.join(", ")}`);
  };
  let timer = setInterval(alive, signOfLifeMs);
  const tell = (text: string) => {
    clearInterval(timer);
    timer = setInterval(alive, signOfLifeMs);
    say(context, text);
  };
  const stopping = () => tell(stoppingText);
  context.interrupted.addEventListener("abort", stopping, { once: true });
  return {
    onEvent(event: FleetEvent) {
      blocks.add(event);
      if (event.event === "start" && !running.has(event.stack))
        running.set(event.stack, context.now().getTime());
      if (event.event === "retry") tell(retryLine(event));
      // What was not started is counted at the end.
      if (event.event !== "end" || event.outcome.result === "not-started") return;
      running.delete(event.outcome.stack);
      tell(blocks.end(event.outcome, ` (${++done}/${total})`));
    },
    close() {
      clearInterval(timer);
      context.interrupted.removeEventListener("abort", stopping);
    },
  };
}

const reasons = {
  throttled: "its cloud asks for fewer calls",
  "cloud-fault": "its cloud has a fault",
  connection: "the connection was lost",
} as const;

/** `~ client-a: its cloud asks for fewer calls; tried again in 12.0 s, for the 2nd time`. */
export function retryLine({
  stack,
  reason,
  delayMs,
  attempt,
}: Extract<FleetEvent, { event: "retry" }>): string {
  return `~ ${stack}: ${reasons[reason]}; attempt ${attempt} is in ${formatDuration(delayMs)}`;
}
