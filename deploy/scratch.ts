import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Env } from "./env.js";
import { type Repository, stackFile } from "./repository.js";

/**
 * Runs `action` with a state of its own that is thrown away, for the preview of a stack that doesn't exist yet: the
 * engine can only preview one that does, and making it writes a state and a salt into the stack's file.
 */
export async function withScratchState<T>(
  repository: Repository,
  stack: string,
  action: (extra: Env) => Promise<T>,
): Promise<T> {
  const file = stackFile(repository, stack);
  const before = readFileSync(file);
  const state = mkdtempSync(join(tmpdir(), "handoff-preview-"));
  try {
    return await action({ PULUMI_BACKEND_URL: `file://${state}` });
  } finally {
    rmSync(state, { recursive: true, force: true });
    if (!readFileSync(file).equals(before)) writeFileSync(file, before);
  }
}
