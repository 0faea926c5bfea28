/** What stays of a fleet's work: reports in files, for a CI to show. */
import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, extname, resolve } from "node:path";
import { UserError } from "../../model/diagnostic.js";
import type { CliContext } from "../context.js";
import type { FleetSummary } from "./json.js";
import { junitReport } from "./junit.js";
import { markdownReport } from "./markdown.js";

const kinds: Readonly<Record<string, (summary: FleetSummary) => string>> = {
  ".xml": junitReport,
  ".md": markdownReport,
  ".json": (summary) => `${JSON.stringify(summary, undefined, 2)}\n`,
};

/**
 * Makes the reports' folders and returns what writes them; before anything is deployed, so that a wrong name is told in time.
 * In a GitHub action the job's summary page gets one, too.
 * @throws UserError `bad-option`
 */
export function openReports(files: readonly string[], context: CliContext): (summary: FleetSummary) => void {
  const reports = files.map((name) => {
    const write = kinds[extname(name).toLowerCase()];
    if (!write) {
      throw new UserError(`--report ${name}: a report is JUnit XML, Markdown or JSON, by its extension`, {
        code: "bad-option",
        hint: "name it report.xml, report.md or report.json",
      });
    }
    const file = resolve(context.cwd, name);
    usable(name, () => mkdirSync(dirname(file), { recursive: true }));
    return { name, file, write };
  });
  const page = context.env.GITHUB_ACTIONS === "true" ? context.env.GITHUB_STEP_SUMMARY : undefined;
  return (summary) => {
    for (const { name, file, write } of reports) usable(name, () => writeFileSync(file, write(summary)));
    if (page) usable(page, () => appendFileSync(page, markdownReport(summary)));
  };
}

function usable(name: string, act: () => void): void {
  try {
    act();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new UserError(`the report ${name} can't be written: ${why}`, {
      code: "bad-option",
      hint: "name a file in a folder that you may write to",
    });
  }
}
