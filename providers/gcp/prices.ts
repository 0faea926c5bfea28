/** Google's list prices, and what an estimate supposes beside them. */
import type { Price } from "../cost.js";

const listed =
  "public repositories that quote cloud.google.com/run/pricing of 2026-08-03 (collected 2026-11-21)";
const unconfirmed = "from memory, UNCONFIRMED";

/** US dollars, tier 1 regions. Free units are of a billing account, which all of its projects share. */
export const prices = {
  cpu: { usd: 0.000018, unit: "vCPU-second", free: 240_000, source: listed },
  memory: { usd: 0.000002, unit: "GiB-second", free: 450_000, source: listed },
  schedule: { usd: 0.1, unit: "scheduler-job-month", free: 3, source: listed },
  logs: { usd: 0.5, unit: "GB", free: 50, source: `${listed}; the free 50 GB ${unconfirmed}` },
  logRetention: { usd: 0.01, unit: "GB-month", source: unconfirmed },
  secret: {
    usd: 0.06,
    unit: "secret-version-month",
    free: 6,
    source: `${listed}; the 6 free ${unconfirmed}`,
  },
  secretAccess: {
    usd: 0.03 / 10_000,
    unit: "access",
    free: 10_000,
    source: `${listed}; 10,000 free ${unconfirmed}`,
  },
  registry: { usd: 0.1, unit: "GB-month", free: 0.5, source: `${listed}; the free 0.5 GB ${unconfirmed}` },
  storage: { usd: 0.02, unit: "GB-month", source: unconfirmed },
  step: {
    usd: 0.01 / 1000,
    unit: "internal step",
    free: 5000,
    source: `${listed}; 5,000 free ${unconfirmed}`,
  },
  call: {
    usd: 0.025 / 1000,
    unit: "external step",
    free: 2000,
    source: `${listed}; 2,000 free ${unconfirmed}`,
  },
  natHour: { usd: 0.0014, unit: "instance-hour", source: listed },
  natGb: { usd: 0.045, unit: "GB", source: listed },
  address: { usd: 0.005, unit: "hour", source: unconfirmed },
} as const satisfies Readonly<Record<string, Price>>;

/** A run is charged for at least this long. Source: docs/cloud-facts.md (one hit). */
export const minimumSeconds = 60;

/** What nothing in a plan tells. */
export const assumed = {
  logGbPerRun: 0.001,
  imageGb: 0.5,
  keptImages: 2,
  storedGb: 1,
  natGbPerRun: 0.05,
} as const;
