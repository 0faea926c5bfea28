/** What a command may touch of its process: passed in, so that tests run commands without one. */
export interface CliContext {
  /** Absolute. */
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  readonly now: () => Date;
  /** Aborted by the first SIGINT or SIGTERM, with the signal's name as reason; a second one ends the process. */
  readonly interrupted: AbortSignal;
  /** Folder of the handoff package: holds package.json, templates/ and dist/. */
  readonly packageDir: string;
}

/** Data: what a pipe or a redirect is meant to get. */
export function print(context: CliContext, text: string): void {
  context.stdout.write(text.endsWith("\n") ? text : `${text}\n`);
}

/** `--json` of every reading command: one document, indented for people when it goes to a terminal. */
export function printJson(context: CliContext, value: unknown): void {
  print(context, context.stdout.isTTY ? JSON.stringify(value, null, 2) : JSON.stringify(value));
}

/** Talk: progress, warnings, next steps. */
export function say(context: CliContext, text: string): void {
  context.stderr.write(text.endsWith("\n") ? text : `${text}\n`);
}
