/** The tools that handoff is measured against, installed once into .cache/bench. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { engineVersion } from "../deploy/engine.js";
import { cacheDir } from "./paths.js";

/** A virtual environment with one pinned package; returns the path of one of its programs. */
function pythonTool(name: string, requirement: string, program: string): string {
  const venv = join(cacheDir, name);
  const path = join(venv, "bin", program);
  if (!existsSync(path)) {
    process.stderr.write(`bench: installing ${requirement} …\n`);
    mkdirSync(cacheDir, { recursive: true });
    execFileSync("python3", ["-m", "venv", venv], { stdio: "inherit" });
    execFileSync(join(venv, "bin", "pip"), ["install", "--quiet", requirement], { stdio: "inherit" });
  }
  return path;
}

const requirements = { handoff: "handoff==0.4.4", meltano: "meltano==4.4.1" };

/** The Python original that this project succeeds. */
export const pythonHandoff = (): string => pythonTool("handoff-py", requirements.handoff, "handoff");
export const meltano = (): string => pythonTool("meltano", requirements.meltano, "meltano");

/** What handoff is measured against on this machine, with versions. */
export function peerVersions(): string {
  const versions = ["bash", "tee", "xargs", "python3"].map((tool) => {
    const [first = ""] = execFileSync(tool, ["--version"], { encoding: "utf8" }).split("\n");
    return `${tool} ${/\d+(\.\d+)+/.exec(first)?.[0] ?? "unknown"}`;
  });
  const packages = Object.values(requirements).map(
    (requirement) => `PyPI's ${requirement.replace("==", " ")}`,
  );
  return [...versions, ...packages, `Pulumi engine ${engineVersion}`].join(", ");
}
