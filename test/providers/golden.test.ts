/**
 * The plan of each example on each platform, committed: a change of a renderer is seen in a review as what it does.
 * `HANDOFF_UPDATE_GOLDEN=1` writes them anew. That plans are what Pulumi is given is plan-preview.test.ts's to show.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { contentHash } from "../../model/content.js";
import { loadProject } from "../../model/load.js";
import { planDeployment } from "../../model/plan.js";
import { type Platform, platforms } from "../../model/plan-types.js";
import { neededSecrets } from "../../model/secrets.js";
import { purposeOf } from "../../providers/areas.js";
import { estimateCost } from "../../providers/estimate.js";
import { providerOf } from "../../providers/registry.js";
import { printable } from "../../providers/rendering.js";
import { sampleSettings } from "./plans.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const examples = readdirSync(join(root, "examples"), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name)
  .sort();

function goldenOf(example: string, cloud: Platform): string {
  const dir = join(root, "examples", example);
  const { project } = loadProject(dir, { cwd: dir });
  if (!project) throw new Error(`${example} is no valid project`);
  const settings = sampleSettings(cloud, {
    projectDir: `/repository/examples/${example}`,
    secretKeys: neededSecrets(project),
  });
  const plan = planDeployment(project, settings, contentHash(dir));
  const provider = providerOf(cloud);
  const diagnostics = [...plan.diagnostics, ...provider.check(plan)];
  expect(
    diagnostics.filter(({ severity }) => severity === "error"),
    `${example} on ${cloud}`,
  ).to.deep.equal([]);
  const rendering = provider.render(plan, { name: project.name, pulumiProject: "pipelines" });
  const cost = estimateCost(plan);
  const document = {
    project: project.name,
    cloud,
    diagnostics: diagnostics.map(({ severity, message }) => `${severity}: ${message}`),
    usdPerMonth: Number(cost.perMonth.toFixed(2)),
    lookups: rendering.lookups.map(({ inputs, ...lookup }) => ({ ...lookup, inputs: printable(inputs) })),
    resources: rendering.resources.map(({ inputs, ...resource }) => ({
      for: purposeOf(resource.type).text,
      ...resource,
      inputs: readable(printable(inputs)),
    })),
    outputs: printable(rendering.outputs),
  };
  return `${JSON.stringify(sorted(document), null, 2)}\n`;
}

/** Texts that hold JSON, plain or in Base64, as what they hold. */
function readable(value: unknown): unknown {
  if (typeof value === "string") {
    const plain = parsed(value);
    if (plain !== undefined) return { "(JSON text)": readable(plain) };
    const decoded = /^[A-Za-z0-9+/]{40,}=*$/.test(value)
      ? parsed(Buffer.from(value, "base64").toString())
      : undefined;
    return decoded === undefined ? value : { "(Base64 of JSON text)": readable(decoded) };
  }
  if (Array.isArray(value)) return value.map(readable);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, readable(item)]));
}

function parsed(text: string): unknown {
  if (!/^[[{]/.test(text)) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What a resource is comes first, the rest by name. */
const first = ["project", "cloud", "for", "type", "name"];

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const rank = (key: string) => (first.includes(key) ? first.indexOf(key) : first.length);
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  entries.sort(([a], [b]) => rank(a) - rank(b) || (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, item]) => [key, sorted(item)]));
}

describe("golden plans", () => {
  for (const example of examples) {
    for (const cloud of platforms) {
      it(`${example} on ${cloud}`, () => {
        const file = join(root, "test/golden", `${example}.${cloud}.golden.json`);
        const text = goldenOf(example, cloud);
        if (process.env.HANDOFF_UPDATE_GOLDEN === "1") writeFileSync(file, text);
        expect(existsSync(file), `${file} is missing: run with HANDOFF_UPDATE_GOLDEN=1`).to.equal(true);
        // Line by line: a reviewer is to see what changed, and not a wall of JSON.
        expect(text.split("\n")).to.deep.equal(readFileSync(file, "utf8").split("\n"));
      });
    }
  }

  it("are there for every example and for nothing else", () => {
    const expected = examples.flatMap((example) =>
      platforms.map((cloud) => `${example}.${cloud}.golden.json`),
    );
    expect(readdirSync(join(root, "test/golden")).sort()).to.deep.equal(expected.sort());
  });
});
