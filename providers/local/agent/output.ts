/** What a runner's process itself printed, such as a crash; its log is a file of its own. */
import { existsSync, readFileSync } from "node:fs";

/** Characters of it that a death is explained with. */
const tailLength = 2000;

/** The end of the output, as the end of a sentence. */
export function outputTail(file: string): string {
  const text = existsSync(file) ? readFileSync(file, "utf8").trim().slice(-tailLength) : "";
  return text === "" ? " (killed, or the machine went down)" : `: ${text}`;
}
