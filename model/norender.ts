/** The list of files that are no templates of handoff's: `files/.norender`. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { compileGlobs, type GlobSet } from "./glob.js";

export const noRenderList = ".norender";

/**
 * Reads the list in a project's `files/` folder: one glob pattern a line, relative to that folder, `#` for comments. So a
 * dbt project, whose models have Jinja of their own, is listed as `dbt/**`. Without the file, nothing matches.
 */
export function readNoRender(filesDir: string): GlobSet {
  let text = "";
  try {
    text = readFileSync(path.join(filesDir, noRenderList), "utf8");
  } catch {
    // There is none.
  }
  const lines = text.split(/\r?\n/).map((line) => line.trim());
  return compileGlobs(lines.filter((line) => line !== "" && !line.startsWith("#")));
}
