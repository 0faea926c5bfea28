import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { BrokenProject } from "./broken-projects.js";

/** Writes a broken project into a new temporary folder; `remove` takes it away again. */
export function writeBrokenProject(project: BrokenProject): { dir: string; remove: () => void } {
  const dir = mkdtempSync(path.join(tmpdir(), "handoff-broken-"));
  const file = path.join(dir, "project.yml");
  if (project.folder) mkdirSync(file);
  if (project.yaml !== undefined) writeFileSync(file, project.yaml);
  if (project.bytes) writeFileSync(file, project.bytes());
  for (const [name, content] of Object.entries(project.files ?? {})) {
    mkdirSync(path.dirname(path.join(dir, name)), { recursive: true });
    writeFileSync(path.join(dir, name), content);
  }
  return { dir, remove: () => rmSync(dir, { recursive: true, force: true }) };
}
