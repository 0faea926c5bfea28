/** US dollars, us-east-1, list prices. Third-party copies of AWS's pages unless noted: recheck before quoting. */
import type { Price } from "../cost.js";

const copies = "vantage; cloudburn 2026-04; factualminds 2026-06 (read 2026-11-21)";
const goldenFiles = "Infracost golden files, undated (read 2026-11-21)";
const vendor = "AWS price pages, from memory (2026-11-21), UNCONFIRMED";

export const prices = {
  x86_64: {
    vcpu: { usd: 0.000_011_244_4, unit: "vCPU-second", source: copies },
    memory: { usd: 0.000_001_234_7, unit: "GiB-second", source: copies },
  },
  arm64: {
    vcpu: { usd: 0.000_008_994_4, unit: "vCPU-second", source: copies },
    memory: { usd: 0.000_000_988_9, unit: "GiB-second", source: copies },
  },
  /** Above the 20 GiB that are included. */
  disk: { usd: 0.000_111, unit: "GiB-hour", source: copies },
  publicAddress: { usd: 0.005, unit: "address-hour", source: copies },
  natHour: { usd: 0.045, unit: "gateway-hour", source: goldenFiles },
  natData: { usd: 0.045, unit: "GB", source: goldenFiles },
  schedule: { usd: 0.000_001, unit: "invocation", free: 14_000_000, source: copies },
  transition: { usd: 0.000_025, unit: "state transition", free: 4000, source: vendor },
  logs: { usd: 0.5, unit: "GB", free: 5, source: goldenFiles },
  secret: { usd: 0.4, unit: "secret-month", source: goldenFiles },
  secretCall: { usd: 0.000_005, unit: "call", source: goldenFiles },
  registry: { usd: 0.1, unit: "GB-month", source: vendor },
  storage: { usd: 0.023, unit: "GB-month", source: vendor },
  alarm: { usd: 0.1, unit: "alarm-month", free: 10, source: vendor },
} as const satisfies Readonly<Record<string, Price | Readonly<Record<string, Price>>>>;
