// Mocha's spec reporter with a running count, and the totals as JSON for .ci/run.
const { writeFileSync } = require("node:fs");
const { reporters, Runner } = require("mocha");

const PROGRESS_EVERY = 50;

module.exports = class extends reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    let done = 0;
    runner.on(Runner.constants.EVENT_TEST_END, () => {
      done += 1;
      if (done % PROGRESS_EVERY === 0)
        console.log(`\n  -- ${done} of ${runner.total} tests, ${runner.failures} failed --\n`);
    });
    runner.once(Runner.constants.EVENT_RUN_END, () => {
      const { passes, failures, pending } = this.stats;
      const report = process.env.HANDOFF_TEST_REPORT;
      if (report) writeFileSync(report, JSON.stringify({ passed: passes, failed: failures, pending }));
    });
  }
};
