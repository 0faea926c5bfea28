/** A project that is cloned at each start, on every platform. */
import { expect } from "chai";
import type { Platform } from "../../model/plan-types.js";
import { printable } from "../../providers/rendering.js";
import { planOf } from "../providers/plans.js";
import { providers } from "./clouds.js";

const project = (source: string, more = "") => `version: 1
name: fx
secrets: [{key: GIT_TOKEN}, {key: API_KEY}]
tasks:
- {name: fetch, commands: [{command: "true"}]}
- {name: load, commands: [{command: "true"}]}
schedules:
- {name: daily, cron: "0 6 * * *", vars: {day: x}}
- {name: loads, cron: "0 7 * * *", tasks: [load]}
deploy: {source: ${source}${more}}
`;
const git = "{git: {url: 'https://example.com/team/fx.git', ref: v1, path: etl, token: GIT_TOKEN}}";
const secretKeys = ["GIT_TOKEN", "API_KEY"];

function rendered(platform: Platform, yaml: string): string {
  const provider = providers.find((candidate) => candidate.platform === platform);
  if (!provider) throw new Error(`no provider of ${platform}`);
  const plan = planOf(yaml, platform, { secretKeys });
  expect(provider.check(plan).filter(({ severity }) => severity === "error")).to.deep.equal([]);
  return JSON.stringify(printable(provider.render(plan, { name: "fx", pulumiProject: "p" }) as never));
}

describe("conformance: source from git", () => {
  for (const { platform, title, check, capabilities } of providers) {
    it(`${title} has it, and says nothing against it`, () => {
      expect(capabilities["git-source"].supported).to.equal(true);
      const said = check(planOf(project(git), platform, { secretKeys })).map(({ message }) => message);
      const without = check(planOf(project("image"), platform, { secretKeys })).map(({ message }) => message);
      expect(said).to.deep.equal(without);
    });

    if (platform === "local") continue;

    it(`${title} tells the container what to clone, and gives it the token by reference`, () => {
      const text = rendered(platform, project(git));
      for (const [name, value] of Object.entries({
        HANDOFF_SOURCE_URL: "https://example.com/team/fx.git",
        HANDOFF_SOURCE_REF: "v1",
        HANDOFF_SOURCE_PATH: "etl",
        HANDOFF_SOURCE_SECRET: "GIT_TOKEN",
        HANDOFF_SECRET_GIT_TOKEN: "",
      })) {
        expect(text).to.contain(name).and.to.contain(value);
      }
      expect(rendered(platform, project("image"))).not.to.contain("HANDOFF_SOURCE_");
    });

    it(`${title} runs all tasks that are in the clone, and those that a schedule names`, () => {
      const text = rendered(platform, project(git));
      expect(text).not.to.match(/\bfetch\b[^a-z]{1,8}\bload\b/);
      expect(rendered(platform, project("image"))).to.match(/\bfetch\b[^a-z]{1,8}\bload\b/);
    });

    it(`${title} makes the same of another project's file, image and all, as far as it isn't told by it`, () => {
      const plan = planOf(project(git), platform, { secretKeys });
      const edited = { ...plan, contentHash: "f".repeat(64) };
      const provider = providers.find((candidate) => candidate.platform === platform);
      const context = { name: "fx", pulumiProject: "p" };
      expect(provider?.render(edited, context)).to.deep.equal(provider?.render(plan, context));
    });

    it(`${title} can't clone from the machine that deploys`, () => {
      for (const url of ["file:///srv/fx.git", "http://localhost:3000/fx.git"]) {
        const found = check(planOf(project(`{git: {url: "${url}"}}`), platform, { secretKeys }));
        expect(found.map(({ code }) => code)).to.include("local-source");
      }
    });
  }

  it("on this machine leaves code and environments to the run", () => {
    const text = rendered("local", project(git));
    expect(text).not.to.contain("handoff:local:Code");
    expect(rendered("local", project("image"))).to.contain("handoff:local:Code");
  });
});
