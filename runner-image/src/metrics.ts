/**
 * Sums the metrics that commands report on their output:
 *
 * - Singer's `METRIC: {"type": "counter", "metric": "record_count", "value": 5, …}`, as singer-python and the Singer
 *   SDK log it; `record_count` becomes `records`. Timers are left out: their sum says nothing.
 * - handoff's own, from any language, a line of JSON: `{"handoff_metric": {"name": "files", "value": 3}}`, or several
 *   at once: `{"handoff_metric": {"files": 3, "bytes": 1024}}`.
 */

export interface MetricSource {
  /** Top-level task whose command wrote the line. */
  readonly task: string;
  /** The command, unique within its task. */
  readonly step: string;
}

export interface MetricCollector {
  /**
   * Looks at one line of output. In a task the tap and the target both count the same records, so `records` is the
   * largest count among the steps of a task, added up over the tasks; other metrics are added up over everything.
   */
  line(text: string, source?: MetricSource): void;
  /** The sums so far, by metric's name. */
  totals(): Record<string, number>;
}

/** A command that makes up names can't fill our memory; more names than this are ignored. */
export const maxMetricNames = 200;
/** Singer records of megabytes pass by here; a metric is short. */
const maxLineLength = 16 * 1024;
const maxNameLength = 128;

export function createMetricCollector(): MetricCollector {
  const sums = new Map<string, number>();
  /** Task, then step: records. */
  const records = new Map<string, Map<string, number>>();
  const add = (name: string, value: number): void => {
    if (name === "" || name.length > maxNameLength || !Number.isFinite(value)) return;
    if (!sums.has(name) && sums.size >= maxMetricNames) return;
    sums.set(name, (sums.get(name) ?? 0) + value);
  };
  const addSingerRecords = (value: number, source: MetricSource | undefined): void => {
    if (source === undefined || (!records.has(source.task) && records.size >= maxMetricNames)) {
      add("records", value);
      return;
    }
    const steps = records.get(source.task) ?? new Map<string, number>();
    records.set(source.task, steps);
    const step = steps.has(source.step) || steps.size < maxMetricNames ? source.step : "";
    steps.set(step, (steps.get(step) ?? 0) + value);
  };
  return {
    line(text, source) {
      if (text.length > maxLineLength) return;
      const singer = singerCounter(text);
      if (singer !== null) {
        if (singer.name === "record_count") addSingerRecords(singer.value, source);
        else add(singer.name, singer.value);
        return;
      }
      for (const [name, value] of handoffMetrics(text)) add(name, value);
    },
    totals() {
      const totals = new Map(sums);
      for (const steps of records.values()) {
        totals.set("records", (totals.get("records") ?? 0) + Math.max(...steps.values()));
      }
      return Object.fromEntries(totals);
    },
  };
}

function singerCounter(text: string): { name: string; value: number } | null {
  const at = text.indexOf("METRIC: {");
  if (at < 0) return null;
  const metric = parseObject(text.slice(at + "METRIC: ".length));
  if (metric === null) return null;
  const type = metric.type ?? metric.metric_type;
  const name = metric.metric;
  const value = metric.value;
  if (type !== "counter" || typeof name !== "string" || typeof value !== "number") return null;
  return { name, value };
}

function handoffMetrics(text: string): [string, number][] {
  if (!text.includes('"handoff_metric"')) return [];
  const metric = parseObject(text)?.handoff_metric;
  if (typeof metric !== "object" || metric === null) return [];
  const { name, value } = metric as { name?: unknown; value?: unknown };
  if (typeof name === "string") return typeof value === "number" ? [[name, value]] : [];
  return Object.entries(metric).filter((entry): entry is [string, number] => typeof entry[1] === "number");
}

function parseObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text.trim());
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}
