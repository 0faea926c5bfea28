/** Logs of executions, from the stack's Log Analytics workspace. Lines are there some minutes after they were printed. */
import { UserError } from "../../model/diagnostic.js";
import type { LogEntry, LogPage, LogTarget, ReadLogPage } from "../cloud-operate.js";
import { kqlText } from "./kql.js";
import { type AzureClients, asked } from "./operate-clients.js";
import { Refusal } from "./operate-errors.js";
import { killed } from "./operate-executions.js";

/** What the system's log says of the end of a container. */
export interface EndOfContainer {
  readonly exitCode: number | null;
  readonly reason: string | null;
  readonly timedOut: boolean;
}

export interface Logs {
  read(target: LogTarget): ReadLogPage;
  /** By execution; only what is told. */
  ends(executions: readonly string[]): Promise<ReadonlyMap<string, EndOfContainer>>;
}

/** Log Analytics takes 20 seconds to 3 minutes on average ("Log data ingestion time", from memory, UNCONFIRMED); more is seen. */
export const logDelayMs = 5 * 60_000;
/** Lines of one container come in together, and seldom in another order. */
export const logDisorderMs = 10_000;
/** Nothing is gained by asking more often for what takes minutes. */
export const logPollMs = 5000;

/** Lines of a page. An answer holds 64 MB at most, and a text of a row 32 KB (limits of Log Analytics, from memory). */
const pageLines = 1000;
/** Lines may be seen in another order than they came in. */
const overlapMs = 2 * 60_000;
const workspaceApi = "2023-09-01";
const readLogs = "Microsoft.OperationalInsights/workspaces/query/*/read";

/** @param workspace id of the resource @param now for the time that is looked at */
export function azureLogs(clients: AzureClients, workspace: string, now: () => Date): Logs {
  let customer: Promise<string> | undefined;
  const customerId = (): Promise<string> => {
    customer ??= findCustomer(clients, workspace);
    customer.catch(() => {
      customer = undefined;
    });
    return customer;
  };
  const query = async (kql: string, since: Date, signal?: AbortSignal): Promise<Row[]> =>
    await asked("read the logs", readLogs, async () => {
      const found = await clients.logs.queryWorkspace(
        await customerId(),
        kql,
        { startTime: since, endTime: new Date(now().getTime() + 3_600_000) },
        signal ? { abortSignal: signal } : {},
      );
      if (found.status !== "Success") {
        const { code, message } = found.partialError;
        throw new Refusal(503, code, message ?? "the query gave only a part");
      }
      const [table] = found.tables;
      const names = table?.columnDescriptors.map(({ name }) => name ?? "") ?? [];
      return (table?.rows ?? []).map((row) =>
        Object.fromEntries(row.map((value, place) => [names[place], value])),
      );
    });
  return {
    read: (target) => async (cursor, signal) => {
      const from = readCursor(cursor);
      const since = new Date(Date.parse(target.since) - 10 * 60_000);
      try {
        return pageOf(await query(linesOf(target.execution, from), since, signal), from, cursor);
      } catch (error) {
        // Whoever aborted wants no more lines.
        if (signal?.aborted) return { entries: [], cursor, more: false };
        throw error;
      }
    },
    async ends(executions) {
      const week = new Date(now().getTime() - 7 * 86_400_000);
      try {
        return endsOf(await query(endsQuery(executions), week));
      } catch (error) {
        // A reason that nobody tells keeps nobody from the list of runs; a log that can't be read says so itself.
        if (error instanceof UserError) return new Map();
        throw error;
      }
    },
  };
}

type Row = Readonly<Record<string, unknown>>;

async function findCustomer({ manager }: AzureClients, workspace: string): Promise<string> {
  return await asked("find the logs", "Microsoft.OperationalInsights/workspaces/read", async () => {
    const { body } = await manager
      .pathUnchecked(workspace)
      .get({ queryParameters: { "api-version": workspaceApi } });
    const id = (body as { readonly properties?: { readonly customerId?: unknown } })?.properties?.customerId;
    if (typeof id === "string") return id;
    throw new Refusal(502, undefined, `${workspace} has no customerId`);
  });
}

/** Where a page begins: when the line came in, and how many lines a page holds. */
interface Cursor {
  readonly at: string | undefined;
  readonly lines: number;
}

function readCursor(cursor: string | undefined): Cursor {
  const [at, lines] = cursor?.split(" ") ?? [];
  return { at: at === "-" ? undefined : at, lines: Number(lines ?? pageLines) };
}

/**
 * In the order in which lines came in: what comes late is then on a later page. An execution's name is the beginning of its
 * containers' (`ContainerGroupName_s`; "Create a job with Azure Container Apps" of Microsoft's documentation, read
 * 2026-11-21). The table is there only after the first line that ever was; `column_ifexists` as columns are UNCONFIRMED.
 */
export function linesOf(execution: string, { at, lines }: Cursor): string {
  return [
    "union isfuzzy=true",
    "(datatable(printed: datetime, came: datetime, id: string, stream: string, line: string)[]),",
    "(ContainerAppConsoleLogs_CL",
    `| where ContainerGroupName_s startswith ${kqlText(`${execution}-`)}`,
    "| extend came = ingestion_time()",
    ...(at === undefined ? [] : [`| where came >= datetime(${at})`]),
    '| project printed = TimeGenerated, came, id = column_ifexists("_ItemId", ""), stream = column_ifexists("Stream_s", ""), line = Log_s)',
    "| order by came asc, printed asc, id asc",
    `| take ${lines}`,
  ].join("\n");
}

export function pageOf(rows: readonly Row[], from: Cursor, cursor: string | undefined): LogPage {
  const last = rows.at(-1);
  if (!last) return { entries: [], cursor, more: false };
  const times = new Map<string, number>();
  const entries = rows.map((row): LogEntry & { readonly at: number } => {
    const text = String(row.line ?? "");
    const printed = timeOf(row.printed);
    const same = `${printed} ${text}`;
    const number = (times.get(same) ?? 0) + 1;
    times.set(same, number);
    return {
      at: Date.parse(/^\{"time":"([^"]+)"/.exec(text)?.[1] ?? printed),
      time: printed,
      text,
      id: typeof row.id === "string" && row.id !== "" ? row.id : `${same} ${number}`,
      ...(row.stream === "stderr" ? { level: "warn" } : {}),
    };
  });
  const came = timeOf(last.came);
  const more = rows.length >= from.lines;
  // Lines that came in at the very same time are more than a page: only a longer one gets beyond them.
  const stuck = more && came === from.at;
  const next = more ? came : new Date(Date.parse(came) - overlapMs).toISOString();
  return {
    entries: entries.sort((a, b) => a.at - b.at).map(({ at: _, ...entry }) => entry),
    cursor: `${next} ${stuck ? from.lines * 4 : more ? from.lines : pageLines}`,
    more,
  };
}

/** To the millisecond, rounded down. */
function timeOf(value: unknown): string {
  const date = value instanceof Date ? value : new Date(String(value));
  return Number.isNaN(date.getTime()) ? new Date(0).toISOString() : date.toISOString();
}

/** Words of Kubernetes and of Container Apps for a container that could not be started, or was ended (kql.ts). */
const troubles = [
  "ContainerTerminated",
  "DeadlineExceeded",
  "OOMKilled",
  "ImagePullFailure",
  "ImagePullBackOff",
  "ErrImagePull",
  "FailedMount",
  "FailedCreate",
] as const;

/** `ExecutionName_s` and its fellows as public queries have them; UNCONFIRMED (docs/cloud-facts.md). */
function endsQuery(executions: readonly string[]): string {
  const list = (values: readonly string[]) => values.map(kqlText).join(", ");
  return [
    "union isfuzzy=true",
    "(datatable(printed: datetime, execution: string, reason: string, line: string)[]),",
    "(ContainerAppSystemLogs_CL",
    `| where ExecutionName_s in (${list(executions)}) and Reason_s in (${list(troubles)})`,
    "| project printed = TimeGenerated, execution = ExecutionName_s, reason = Reason_s, line = Log_s)",
    "| order by printed asc",
    "| take 1000",
  ].join("\n");
}

function endsOf(rows: readonly Row[]): Map<string, EndOfContainer> {
  const ends = new Map<string, EndOfContainer>();
  for (const { execution, reason, line } of rows) {
    const text = String(line ?? "");
    const code = /exit code '?(-?\d+)/.exec(text)?.[1];
    const exitCode = code === undefined ? null : Number(code);
    const memory = exitCode === 137 || reason === "OOMKilled" || /OOMKilled/.test(text);
    const before = ends.get(String(execution));
    ends.set(String(execution), {
      exitCode: exitCode ?? before?.exitCode ?? null,
      // The first word is the cause, what follows its consequences.
      reason: before?.reason ?? (memory ? killed : `${reason}: ${text}`),
      timedOut: before?.timedOut === true || reason === "DeadlineExceeded",
    });
  }
  return ends;
}
