import type { Dialect } from "../project.js";
import type { Finding } from "./report.js";

/** The dialect that a `version` names; undefined when there is none such. */
export function dialectOf(version: unknown): Dialect | undefined {
  if (version === 1 || version === "1") return "1";
  // 0.3, 0.4, and with a patch number, which YAML reads as text: 0.3.0.
  return /^0\.[34]0?(?:\.\d+)?$/.test(String(version ?? "")) ? "0.x" : undefined;
}

/** What is wrong with a `version`, if anything. */
export function versionProblem(version: unknown): Finding | undefined {
  if (version === undefined) {
    return {
      code: "missing-version",
      message: "`version` is missing",
      hint: "Add `version: 1` as the first line (`version: 0.3` or `0.4` for a project of the Python tool).",
    };
  }
  if (dialectOf(version) !== undefined) return undefined;
  return {
    code: "unsupported-version",
    message: `version ${JSON.stringify(version)} is not known`,
    hint: "Write `version: 1`; 0.3 and 0.4 are read too.",
  };
}
