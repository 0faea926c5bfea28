/** The work of a fleet on a terminal: a row for each stack that is worked on, at the bottom; what is done moves up. */
import type { FleetEvent } from "../../deploy/fleet/fleet.js";
import type { CliContext } from "../context.js";
import { colours } from "../output/colour.js";
import { resourceText } from "../output/progress.js";
import { formatDuration } from "../output/time.js";
import { Blocks } from "./block.js";
import { retryLine } from "./lines.js";
import { type FleetView, stoppingText } from "./view.js";

const redrawMs = 120;
const fallbackColumns = 80;
const fallbackRows = 24;
const doing: Readonly<Record<string, string>> = {
  create: "creating",
  update: "updating",
  delete: "deleting",
  replace: "replacing",
  refresh: "reading",
};

interface Row {
  readonly stack: string;
  readonly since: number;
  what: string;
  changed: number;
}

export function rowsView(context: CliContext, total: number): FleetView {
  const { stderr, now } = context;
  const paint = colours(stderr, context.env);
  const blocks = new Blocks(paint);
  const rows = new Map<string, Row>();
  const began = now().getTime();
  const widest = { stack: 0 };
  let [done, failed, drawn] = [0, 0, 0];

  /** Takes the rows away and leaves the cursor where they began. */
  const erase = () => (drawn > 0 ? `\u001b[${drawn}A\u001b[0J` : "\u001b[0J");

  const lines = (): string[] => {
    const time = now().getTime();
    const width = Math.max(20, (stderr.columns || fallbackColumns) - 1);
    const room = Math.max(1, (stderr.rows || fallbackRows) - 3);
    const all = [...rows.values()];
    const shown = all.slice(0, all.length > room ? room - 1 : room).map(({ stack, what, changed, since }) => {
      const end = `${changed > 0 ? `${changed} done  ` : ""}${formatDuration(time - since)}`;
      return `  ${fitted(`${stack.padEnd(widest.stack)}  ${what}`, width - end.length - 4)}  ${end}`;
    });
    const more = all.length - shown.length;
    const waiting = total - done - all.length;
    const parts = [
      `${done} of ${total} done`,
      ...(failed > 0 ? [`${failed} failed`] : []),
      ...(waiting > 0 ? [`${waiting} waiting`] : []),
      formatDuration(time - began),
    ];
    return [
      ...shown.map((line) => paint.cyan(line)),
      ...(more > 0 ? [paint.dim(`  … and ${more} more`)] : []),
      paint.bold(fitted(`  ${parts.join(", ")}`, width)),
    ];
  };
  const draw = (above = "") => {
    const now = lines();
    stderr.write(`${erase()}${above}${now.join("\n")}\n`);
    drawn = now.length;
  };
  const timer = setInterval(draw, redrawMs);
  const stopping = () => draw(`${stoppingText}\n`);
  context.interrupted.addEventListener("abort", stopping, { once: true });

  return {
    onEvent(event: FleetEvent) {
      blocks.add(event);
      if (event.event === "start") {
        widest.stack = Math.max(widest.stack, event.stack.length);
        const since = rows.get(event.stack)?.since ?? now().getTime();
        rows.set(event.stack, { stack: event.stack, since, what: "starting", changed: 0 });
      }
      if (event.event === "progress") follow(rows.get(event.stack), event.progress);
      if (event.event === "retry") {
        const row = rows.get(event.stack);
        if (row) row.what = `waiting for attempt ${event.attempt}`;
        draw(`${retryLine(event)}\n`);
      }
      if (event.event !== "end" || event.outcome.result === "not-started") return;
      rows.delete(event.outcome.stack);
      done++;
      if (event.outcome.result === "failed") failed++;
      draw(`${blocks.end(event.outcome, "")}\n`);
    },
    close() {
      clearInterval(timer);
      context.interrupted.removeEventListener("abort", stopping);
      stderr.write(erase());
      drawn = 0;
    },
  };
}

function follow(
  row: Row | undefined,
  progress: Extract<FleetEvent, { event: "progress" }>["progress"],
): void {
  if (!row || progress.kind === "message" || progress.type.startsWith("pulumi:")) return;
  if (progress.status === "done" && progress.op !== "same" && progress.op !== "refresh") row.changed++;
  const verb = doing[progress.op];
  if (progress.status === "started" && verb) row.what = `${verb} ${resourceText(progress)}`;
  else if (progress.status === "planned") row.what = "comparing";
}

/** Exactly `width` wide. */
function fitted(text: string, width: number): string {
  return text.length > width ? `${text.slice(0, Math.max(0, width - 1))}…` : text.padEnd(width);
}
