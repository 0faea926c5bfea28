/** `handoff artifacts copy`: from one store to another, whatever clouds they are on. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UserError } from "../model/diagnostic.js";
import type { ArtifactStore } from "../runner-image/src/artifacts.js";
import { everything, removeStale } from "../runner-image/src/store/selection.js";
import { type ArtifactPlace, openArtifactPlace } from "./artifact-place.js";
import { count, sayNext } from "./artifacts.js";
import type { CopyOptions } from "./commands/artifacts.js";
import { type CliContext, printJson, say } from "./context.js";
import { untilInterrupted } from "./until-interrupted.js";

/**
 * The last archive, with `all` also those before it, oldest first; at last the source's last one becomes the target's. What
 * the target has already doesn't travel, so a copy that broke off goes on where it was.
 */
export async function copyArtifacts(options: CopyOptions, context: CliContext): Promise<undefined> {
  const [from, to] = [
    await openArtifactPlace(options.from, context),
    await openArtifactPlace(options.to, context),
  ];
  if (from.location === to.location) {
    throw new UserError(
      `${from.name} and ${to.name} have their artifacts at the same place: ${to.location}`,
      {
        code: "usage",
        hint: "name another stack with --to",
      },
    );
  }
  const [found, expected] = [await sourcesOf(from, options.all ?? false, context), await lastOf(to, context)];
  const copied: { runId: string; archive: string }[] = [];
  const through = await mkdtemp(join(tmpdir(), "handoff-copy-"));
  try {
    for (const runId of found.runIds) {
      const archive = await untilInterrupted(copyOne(from.store, to.store, runId, through), context);
      copied.push({ runId, archive });
      if (!options.json) say(context, `${runId}${archive === runId ? "" : ` as ${archive}`}`);
    }
  } finally {
    await rm(through, { recursive: true, force: true, maxRetries: 5 });
  }
  const last = copied.find(({ runId }) => runId === found.last)?.archive;
  if (last === undefined) throw new Error(`${found.last} was not copied`);
  const { before } = await untilInterrupted(to.store.rollback(last, { expected }), context);
  if (options.json) {
    const at = { from: from.location, to: to.location };
    printJson(context, { schemaVersion: 1, ...at, archives: copied, last, before });
    return;
  }
  say(context, `${count(copied.length, "archive")} from ${from.location} to ${to.location}`);
  sayNext(context, to, last, before);
}

async function sourcesOf({ name, store }: ArtifactPlace, all: boolean, context: CliContext) {
  const archives = await untilInterrupted(store.list(), context);
  const last = archives.find(({ isLast }) => isLast)?.runId;
  if (last === undefined) {
    throw new UserError(`${name} has no last state to copy`, {
      code: "no-artifacts",
      hint: "a run stores one at its end; `handoff artifacts rollback` makes an archive the last one",
    });
  }
  return { last, runIds: all ? archives.map(({ runId }) => runId).reverse() : [last] };
}

async function lastOf({ store }: ArtifactPlace, context: CliContext): Promise<string | null> {
  return (await untilInterrupted(store.list(), context)).find(({ isLast }) => isLast)?.runId ?? null;
}

/** By way of a folder, where the previous archive is: its files that are the same don't travel again. Gives the copy's name. */
async function copyOne(
  from: ArtifactStore,
  to: ArtifactStore,
  runId: string,
  through: string,
): Promise<string> {
  const { files } = await from.files(runId);
  await removeStale(through, everything, new Set(files.map(({ path }) => path)));
  await from.get(runId, through, { overwrite: true });
  return (await to.put(runId, through)).archive;
}
