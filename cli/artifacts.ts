/** `handoff artifacts`: what a stack's runs have left for the next one. */
import { statSync } from "node:fs";
import { join, resolve } from "node:path";
import { UserError } from "../model/diagnostic.js";
import { newRunId } from "../model/run-id.js";
import { type ArtifactPlace, openStackArtifacts } from "./artifact-place.js";
import type { GetOptions, ListOptions, PutOptions, RollbackOptions } from "./commands/artifacts.js";
import { type CliContext, print, printJson, say } from "./context.js";
import { formatBytes } from "./output/size.js";
import { formatTable } from "./output/table.js";
import { formatRelative } from "./output/time.js";
import { untilInterrupted } from "./until-interrupted.js";

/** `last` is what the next run starts from, whichever that is. */
const archiveOf = (run: string | undefined): string | null =>
  run === undefined || run === "last" ? null : run;

const head = ({ name, location }: ArtifactPlace) => ({ schemaVersion: 1, stack: name, location }) as const;

/** `handoff artifacts list`: the archives; with a run's name, the files in its archive. */
export async function listArtifacts(
  run: string | undefined,
  options: ListOptions,
  context: CliContext,
): Promise<undefined> {
  const place = await openStackArtifacts(options.stack, context);
  if (run !== undefined) {
    const { runId, files } = await untilInterrupted(place.store.files(archiveOf(run)), context);
    if (options.json) printJson(context, { ...head(place), runId, files });
    else
      print(
        context,
        formatTable(
          ["FILE", "SIZE"],
          files.map(({ path, size }) => [path, formatBytes(size)]),
        ),
      );
    return;
  }
  const archives = await untilInterrupted(place.store.list(), context);
  if (options.json) {
    const shown = archives.map(({ runId, pushedAt, isLast }) => ({
      runId,
      storedAt: pushedAt.toISOString(),
      isLast,
    }));
    printJson(context, { ...head(place), archives: shown });
  } else if (archives.length === 0) say(context, `${place.name} has no artifacts yet`);
  else {
    const now = context.now();
    const rows = archives.map(({ runId, pushedAt, isLast }) => [
      runId,
      formatRelative(pushedAt, now),
      isLast ? "the next run starts from it" : "",
    ]);
    print(context, formatTable(["RUN", "STORED", ""], rows));
  }
}

/** `handoff artifacts get`: prints the folder. */
export async function getArtifacts(
  run: string | undefined,
  options: GetOptions,
  context: CliContext,
): Promise<undefined> {
  const place = await openStackArtifacts(options.stack, context);
  const { store } = place;
  const { runId, files } = await untilInterrupted(store.files(archiveOf(run)), context);
  const folder = options.to === undefined ? join(context.cwd, runId) : resolve(context.cwd, options.to);
  await untilInterrupted(store.get(runId, folder, { overwrite: options.overwrite ?? false }), context);
  if (options.json) {
    printJson(context, { ...head(place), runId, folder, files });
    return;
  }
  const bytes = files.reduce((sum, { size }) => sum + (size ?? 0), 0);
  say(context, `${runId}: ${count(files.length, "file")}, ${formatBytes(bytes)}`);
  print(context, folder);
}

/** `handoff artifacts put`: prints the new archive's name. */
export async function putArtifacts(
  folder: string,
  options: PutOptions,
  context: CliContext,
): Promise<undefined> {
  const from = resolve(context.cwd, folder);
  if (!statSync(from, { throwIfNoEntry: false })?.isDirectory()) {
    throw new UserError(`no such folder: ${folder}`, {
      code: "not-a-folder",
      hint: "name the folder whose files the next run is to start from",
    });
  }
  if (options.as === "last") {
    throw new UserError("an archive can't be named `last`: that is what the next run starts from", {
      code: "invalid-archive-name",
      hint: "leave --as out, or say another name",
    });
  }
  const place = await openStackArtifacts(options.stack, context);
  const { store } = place;
  const expected =
    (await untilInterrupted(store.list(), context)).find(({ isLast }) => isLast)?.runId ?? null;
  const name = options.as ?? `put-${newRunId(context.now())}`;
  const { archive } = await untilInterrupted(store.put(name, from), context);
  const { before } = await untilInterrupted(store.rollback(archive, { expected }), context);
  if (options.json) printJson(context, { ...head(place), runId: archive, before });
  else {
    print(context, archive);
    sayNext(context, place, archive, before);
  }
}

/** `handoff artifacts rollback`. */
export async function rollbackArtifacts(
  run: string,
  options: RollbackOptions,
  context: CliContext,
): Promise<undefined> {
  const place = await openStackArtifacts(options.stack, context);
  const { before } = await untilInterrupted(place.store.rollback(run), context);
  if (options.json) printJson(context, { ...head(place), runId: run, before });
  else sayNext(context, place, run, before);
}

/** What a change of the last state means. */
export function sayNext(
  context: CliContext,
  { name }: ArtifactPlace,
  runId: string,
  before: string | null,
): void {
  if (before === runId) {
    say(context, `the next run of ${name} starts from ${runId}, as it was before`);
    return;
  }
  say(
    context,
    `the next run of ${name} starts from ${runId}${before === null ? "" : `; until now it was ${before}`}`,
  );
  say(context, "a run that is under way now stores its own state at its end, and warns of that in its log");
}

export const count = (number: number, what: string): string => `${number} ${what}${number === 1 ? "" : "s"}`;
