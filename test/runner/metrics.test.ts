import { expect } from "chai";
import { createMetricCollector, maxMetricNames } from "../../runner-image/src/metrics.js";

describe("runner/metrics", () => {
  it("sums Singer's counters in the styles of singer-python and the SDK", () => {
    const metrics = createMetricCollector();
    metrics.line(
      'INFO METRIC: {"type": "counter", "metric": "record_count", "value": 3, "tags": {"endpoint": "rates"}}',
    );
    metrics.line(
      '2024-01-01 00:00:00,000 | INFO     | singer_sdk.metrics  | METRIC: {"type": "counter", "metric": "record_count", "value": 4, "tags": {}}',
    );
    metrics.line('INFO METRIC: {"metric_type": "counter", "metric": "http_request_count", "value": 2}');
    metrics.line('INFO METRIC: {"type": "timer", "metric": "http_request_duration", "value": 0.5}');
    expect(metrics.totals()).to.deep.equal({ records: 7, http_request_count: 2 });
  });

  it("counts the records of a tap and its target once, and those of two tasks both", () => {
    const metrics = createMetricCollector();
    const count = (value: number) =>
      `INFO METRIC: {"type": "counter", "metric": "record_count", "value": ${value}}`;
    metrics.line(count(60), { task: "fetch", step: "tap" });
    metrics.line(count(40), { task: "fetch", step: "tap" });
    metrics.line(count(100), { task: "fetch", step: "target" });
    metrics.line(count(5), { task: "more", step: "tap" });
    expect(metrics.totals()).to.deep.equal({ records: 105 });
  });

  it("sums handoff_metric lines in both forms", () => {
    const metrics = createMetricCollector();
    metrics.line('{"handoff_metric": {"name": "files", "value": 3}}');
    metrics.line('  {"handoff_metric": {"files": 2, "bytes": 1.5, "note": "x"}}  ');
    expect(metrics.totals()).to.deep.equal({ files: 5, bytes: 1.5 });
  });

  it("ignores what is no metric", () => {
    const metrics = createMetricCollector();
    for (const line of [
      "METRIC: {",
      "METRIC: []",
      'METRIC: {"type": "counter", "metric": 5, "value": 5}',
      '"handoff_metric"',
      '{"handoff_metric": 5}',
      '{"handoff_metric": {"name": "x", "value": "5"}}',
      '{"handoff_metric": {"x": 1e999}}',
      `{"handoff_metric": {"${"n".repeat(200)}": 1}}`,
    ])
      metrics.line(line);
    expect(metrics.totals()).to.deep.equal({});
  });

  it("is bounded, and safe from names of the language's own", () => {
    const metrics = createMetricCollector();
    metrics.line('{"handoff_metric": {"__proto__": 1, "constructor": 2}}');
    expect(Object.keys(metrics.totals())).to.have.members(["__proto__", "constructor"]);
    for (let i = 0; i < 10_000; i++) metrics.line(`{"handoff_metric": {"m${i}": 1}}`);
    expect(Object.keys(metrics.totals())).to.have.length(maxMetricNames);
  });
});
