/** A YAML file of the repository with the places of its keys. */
import { readFileSync } from "node:fs";
import { relative } from "node:path";
import { LineCounter, parseDocument } from "yaml";
import { type Location, UserError } from "../model/diagnostic.js";

export interface YamlFile {
  /** Empty when the file is, or holds something else than a map. */
  readonly data: Readonly<Record<string, unknown>>;
  /** Where the key at the end of `path` stands; without a path the file's beginning. */
  locate(path?: readonly string[]): Location | undefined;
}

/**
 * @param cwd what places are relative to, where that is shorter
 * @throws UserError `invalid-yaml` with the place.
 */
export function readYaml(file: string, cwd: string): YamlFile {
  const lines = new LineCounter();
  const document = parseDocument(readFileSync(file, "utf8"), { lineCounter: lines });
  const shown = shownPath(file, cwd);
  const problem = document.errors[0];
  if (problem) {
    const { line, col } = lines.linePos(problem.pos[0]);
    throw new UserError(problem.message.split("\n")[0]?.replace(/ at line .*/, "") ?? "broken YAML", {
      code: "invalid-yaml",
      hint: "correct the YAML",
      location: { file: shown, line, column: col },
    });
  }
  const data: unknown = document.toJS();
  return {
    data: isMap(data) ? data : {},
    locate(path = []) {
      if (path.length === 0) return { file: shown, line: 1, column: 1 };
      const map = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
      if (typeof map !== "object" || map === null || !("items" in map) || !Array.isArray(map.items))
        return undefined;
      const pair = map.items.find((item) => item?.key?.value === path.at(-1));
      const offset = pair?.key?.range?.[0];
      if (typeof offset !== "number") return undefined;
      const { line, col } = lines.linePos(offset);
      return { file: shown, line, column: col, path: path.join(".") };
    },
  };
}

/** A file as the user would type it: relative to `cwd` where that is shorter. */
export function shownPath(file: string, cwd: string): string {
  const short = relative(cwd, file);
  return short !== "" && short.length < file.length ? short : file;
}

export function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
