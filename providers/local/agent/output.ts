/** What a runner's process itself printed, such as a crash; its log is a file of its own. */
import { existsSync, readFileSync } from "node:fs";

/** Characters of it that a death is explained with. */
const tailLength = 2000;

/** The end of the output, as the end of a sentence. */
export function outputTail(file: string): string {
  const text = existsSync(file) ? readFileSync(file, "utf8").trim().slice(-tailLength) : "";
  if (text === "") return " (killed, or the machine went down)";
  return `: ${text.split("\n").map(messageOf).join("\n")}`;
}

/** The image's process 1 says why the runner is gone in a line of the log's form (runner-image/init). */
function messageOf(line: string): string {
  try {
    const parsed: unknown = JSON.parse(line);
    if (typeof parsed === "object" && parsed !== null && "message" in parsed) return String(parsed.message);
  } catch {
    // As it is.
  }
  return line;
}
