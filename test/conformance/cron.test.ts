import { expect } from "chai";
import fc from "fast-check";
import { fireTimes, parseCron } from "../../model/cron.js";
import type { Diagnostic } from "../../model/diagnostic.js";
import { planDeployment } from "../../model/plan.js";
import type { DeployPlan } from "../../model/plan-types.js";
import type { Schedule } from "../../model/project.js";
import type { Provider } from "../../providers/contract.js";
import type { RenderedResource } from "../../providers/rendering.js";
import { samplePlan } from "../providers/plans.js";
import { makeSchedule } from "../support/model.js";
import { clouds } from "./clouds.js";
import { randomCron } from "./cron-arbitrary.js";
import { firesOf, isTimed } from "./interpret/rendered.js";
import { nearChange, testZones, type Window, windowsOf } from "./windows.js";

const hour = 3_600_000;
const expressions = fc
  .sample(randomCron, { numRuns: 500, seed: 20261121 })
  .map(({ expression }) => expression);
/** Expressions in one plan, each in all zones. */
const batchSize = 5;

/** Schedules of the batch: every expression in every zone, under a name that stands nowhere else. */
function schedulesOf(batch: readonly string[]): Schedule[] {
  return batch.flatMap((cron, index) =>
    testZones.map(
      (timezone, zone): Schedule =>
        makeSchedule(cron, { name: `sched${index}z${String(zone).padStart(2, "0")}`, timezone }),
    ),
  );
}

const basePlans = new Map<string, DeployPlan>();

function planWith({ platform }: Provider, schedules: readonly Schedule[]): DeployPlan {
  const base = basePlans.get(platform) ?? samplePlan(platform);
  basePlans.set(platform, base);
  return planDeployment({ ...base.spec.project, schedules }, base.settings, base.contentHash);
}

const names = ({ message }: Diagnostic, { name }: Schedule): boolean => message.includes(name);

/** Why a platform may refuse an expression; nothing else is a reason. */
const refusals: Readonly<Record<string, (schedule: Schedule) => boolean>> = {
  gcp: ({ cron }) => parseCron(cron).years !== null,
  aws: ({ cron }) => parseCron(cron).minutes.length > 10,
  azure: () => false,
};

interface Compared {
  readonly schedules: Schedule[];
  readonly diagnostics: Diagnostic[];
  readonly resources: Map<string, RenderedResource[]>;
}

/** The resources of each schedule that the provider doesn't refuse. */
function renderBatch(provider: Provider, batch: readonly string[]): Compared {
  const all = schedulesOf(batch);
  const diagnostics = provider.check(planWith(provider, all));
  const errors = diagnostics.filter(({ severity }) => severity === "error");
  const refused = all.filter((schedule) => errors.some((error) => names(error, schedule)));
  for (const error of errors) {
    if (!all.some((schedule) => names(error, schedule)))
      throw new Error(`an error of no schedule: ${error.message}`);
  }
  for (const schedule of refused) {
    if (!refusals[provider.platform]?.(schedule))
      throw new Error(
        `${schedule.cron} is refused: ${errors.find((error) => names(error, schedule))?.message}`,
      );
  }
  const schedules = all.filter((schedule) => !refused.includes(schedule));
  const resources = new Map<string, RenderedResource[]>(schedules.map(({ name }) => [name, []]));
  if (schedules.length > 0) {
    const rendering = provider.render(planWith(provider, schedules), { name: "fx", pulumiProject: "test" });
    for (const resource of rendering.resources.filter(isTimed)) {
      const owner = /sched\dz\d\d/.exec(resource.name)?.[0];
      const list = resources.get(owner ?? "");
      if (!list) throw new Error(`${resource.name} fires for no schedule`);
      list.push(resource);
    }
  }
  return { schedules, diagnostics, resources };
}

/** Around each change of the zone's clock; for every tenth expression the other times too. */
function comparedWindows(zone: string, thorough: boolean): Window[] {
  return windowsOf(zone).flatMap((window) => {
    if (!window.change) return thorough ? [window] : [];
    return [{ ...window, from: window.change.instant - 18 * hour, to: window.change.instant + 18 * hour }];
  });
}

/** Diagnostics by which a provider says that its cloud differs from the model. */
const ofClockChange = ({ code }: Diagnostic): boolean => /clock-change/.test(code);
const ofTwoSchedules = ({ code }: Diagnostic): boolean => /or-days/.test(code);

const shown = (schedule: Schedule, instants: readonly number[]): string =>
  `${schedule.cron} in ${schedule.timezone}: ${instants
    .slice(0, 4)
    .map((instant) => new Date(instant).toISOString())
    .join(", ")}`;

interface Findings {
  readonly fires: number;
  readonly wrong: string[];
  readonly undiagnosed: string[];
  readonly twice: string[];
}

function compare(provider: Provider, batch: readonly string[], offset: number, findings: Findings): number {
  const { schedules, diagnostics, resources } = renderBatch(provider, batch);
  let count = 0;
  schedules.forEach((schedule, index) => {
    const cron = parseCron(schedule.cron);
    const own = diagnostics.filter((diagnostic) => names(diagnostic, schedule));
    const rendered = resources.get(schedule.name) ?? [];
    if (rendered.length === 0)
      findings.wrong.push(`${schedule.cron} in ${schedule.timezone}: nothing fires it`);
    for (const window of comparedWindows(schedule.timezone, (offset + index) % 10 === 0)) {
      const fires = firesOf(rendered, window.from, window.to);
      const expected = fireTimes(
        cron,
        schedule.timezone,
        new Date(window.from - 1),
        new Date(window.to),
        Number.MAX_SAFE_INTEGER,
      ).map(Number);
      count += expected.length;
      const [found, wanted] = [new Set(fires), new Set(expected)];
      if (found.size < fires.length && !own.some(ofTwoSchedules)) {
        findings.twice.push(
          shown(
            schedule,
            fires.filter((fire, at) => fires[at - 1] === fire),
          ),
        );
      }
      const different = [
        ...fires.filter((at) => !wanted.has(at)),
        ...expected.filter((at) => !found.has(at)),
      ];
      if (different.some((at) => !nearChange(at, window))) findings.wrong.push(shown(schedule, different));
      else if (different.length > 0 && !own.some(ofClockChange))
        findings.undiagnosed.push(shown(schedule, different));
    }
  });
  return count;
}

/**
 * For 500 expressions in 20 zones, around both changes of the year: what the rendered resources mean, by interpreters that are
 * written from the clouds' own rules, is what the model says. `fireTimes` is croner's equal (cron-reference.test.ts).
 */
describe("conformance: schedules of the clouds", () => {
  for (const provider of clouds) {
    it(`${provider.title} fires when the neutral expression does, save where a diagnostic says otherwise`, function () {
      this.timeout(600_000);
      const findings: Findings = { fires: 0, wrong: [], undiagnosed: [], twice: [] };
      let fires = 0;
      for (let start = 0; start < expressions.length; start += batchSize) {
        fires += compare(provider, expressions.slice(start, start + batchSize), start, findings);
      }
      expect(findings.wrong, "fires at other times").to.deep.equal([]);
      expect(findings.twice, "fires twice at one time without a diagnostic").to.deep.equal([]);
      expect(findings.undiagnosed, "differs at a change of the clock without a diagnostic").to.deep.equal([]);
      expect(fires).to.be.above(200_000);
    });

    it(`${provider.title} says nothing of clock changes where there are none`, () => {
      const zones = ["UTC", "Asia/Kolkata", "Asia/Tokyo", "America/Phoenix"];
      const schedules = schedulesOf(["30 2 * * *", "*/20 0-3 * * MON"]).filter(({ timezone }) =>
        zones.includes(timezone),
      );
      expect(provider.check(planWith(provider, schedules)).filter(ofClockChange)).to.deep.equal([]);
    });
  }
});
