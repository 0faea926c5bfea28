/** A new stack: its file, made from another stack's, a template or nothing, and the stack in the backend. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { type Document, isMap, isScalar, parseDocument, type YAMLMap } from "yaml";
import { type Diagnostic, UserError } from "../model/diagnostic.js";
import type { StackSettings } from "../model/plan-types.js";
import { renderTemplate } from "../model/template.js";
import { parseSettings } from "../providers/settings.js";
import { findRepository, type Repository, readSettings, stackFile, stackFilePath } from "./repository.js";
import { settingPath } from "./shared-config.js";
import { type StackOptions, withStack } from "./stack.js";
import { stackStates } from "./stack-states.js";
import { shownPath } from "./yaml-file.js";

export interface NewStackOptions extends StackOptions {
  /** Another stack, whose settings are copied: all but its secrets and its client. */
  readonly from?: string;
  /** A file shaped as a stack's, relative to `cwd`; `{{ stack }}` in it is the new stack's name. */
  readonly template?: string;
  /** Settings on top, by key (`handoff:` may be left out); a key may be a path into a map. Values as in YAML. */
  readonly set?: Readonly<Record<string, string>>;
  /** What encrypts its secrets, such as `awskms://alias/acme`. Default: what the file says, else the backend's own. */
  readonly secretsProvider?: string;
  /** Make it in the backend too, which puts its encryption salt or key into the file. */
  readonly init: boolean;
}

export interface NewStack {
  /** As the user would type it. */
  readonly file: string;
  readonly settings: StackSettings;
  /** Keys of the other stack's config that weren't copied. */
  readonly left: readonly string[];
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * @throws UserError `invalid-stack-name`, `stack-exists`, `unknown-stack`, `no-file`, `invalid-yaml`, `invalid-settings`; and
 *   what the engine says. There is no file then.
 */
export async function newStack(options: NewStackOptions): Promise<NewStack> {
  const { cwd, stack, env } = options;
  const repository = findRepository(cwd);
  if (!/^[A-Za-z0-9_.-]{1,100}$/.test(stack)) {
    throw new UserError(`\`${stack}\` is no name for a stack`, {
      code: "invalid-stack-name",
      hint: "use letters, digits, hyphens, underscores and dots, as in client-a",
    });
  }
  const file = stackFilePath(repository, stack);
  const shown = shownPath(file, cwd);
  if (options.init) await mustBeFree(repository, options);
  const base = options.from === undefined ? undefined : stackFile(repository, options.from);
  const template = options.template === undefined ? undefined : resolve(cwd, options.template);
  const document = template ? templateOf(template, stack, cwd) : documentOf(base, cwd);
  const left = base ? dropOwn(document) : [];
  if (!isMap(document.get("config"))) document.set("config", document.createNode({}));
  for (const [key, value] of Object.entries(options.set ?? {})) setValue(document, key, value);
  if (options.secretsProvider !== undefined) document.set("secretsprovider", options.secretsProvider);
  mkdirSync(dirname(file), { recursive: true });
  writeNew(file, document.toString({ lineWidth: 0 }), stack, shown);
  try {
    const made = findRepository(cwd);
    const { settings, diagnostics } = parseSettings(readSettings(made, stack, { cwd, env }));
    if (!settings) {
      throw new UserError(`the settings of ${stack} would be wrong; it was not made`, {
        code: "invalid-settings",
        diagnostics: diagnostics.map((each) => withoutPlace(each, shown)),
      });
    }
    if (options.init) await withStack(options, async () => undefined);
    return { file: shown, settings, left, diagnostics };
  } catch (error) {
    rmSync(file, { force: true });
    throw error;
  }
}

/** A stack whose file is lost, or another repository's of the same project name: its resources would be taken for the new one's. */
async function mustBeFree(repository: Repository, options: NewStackOptions): Promise<void> {
  const { stack } = options;
  // Said when the file is written.
  if (repository.stacks.includes(stack)) return;
  const { resources = 0 } = (await stackStates(repository, options)).get(stack) ?? {};
  if (resources === 0) return;
  throw new UserError(
    `the backend has a stack ${stack} of project ${repository.name} with ${resources} resources`,
    {
      code: "stack-exists",
      hint: "if it is yours, get its file back from git, or take it over with --no-init; else take another name",
    },
  );
}

function writeNew(file: string, text: string, stack: string, shown: string): void {
  try {
    writeFileSync(file, text, { flag: "wx" });
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
    throw new UserError(`there is a stack ${stack} already: ${shown}`, {
      code: "stack-exists",
      hint: `edit ${shown}, or take another name`,
    });
  }
}

/** The file that a place names is gone again. */
function withoutPlace({ location, ...rest }: Diagnostic, shown: string): Diagnostic {
  return location === undefined || location.file === shown ? rest : { ...rest, location };
}

function templateOf(file: string, stack: string, cwd: string): Document {
  const { text, problems } = renderTemplate(readText(file, cwd), { stack }, "strict");
  const [problem] = problems;
  if (!problem) return parsed(text, file, cwd);
  throw new UserError(`${shownPath(file, cwd)}: ${problem.message}`, {
    code: problem.code,
    hint: problem.hint ?? "the only name there is `stack`",
  });
}

function documentOf(file: string | undefined, cwd: string): Document {
  return file === undefined ? parseDocument("") : parsed(readText(file, cwd), file, cwd);
}

function readText(file: string, cwd: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new UserError(`${shownPath(file, cwd)} can't be read: ${code}`, {
      code: "no-file",
      hint: "--template takes a file shaped as a stack's, with `config:` at the top",
    });
  }
}

function parsed(text: string, file: string, cwd: string): Document {
  const document = parseDocument(text);
  const broken = document.errors[0]?.message.split("\n")[0];
  const problem =
    broken ?? (document.contents === null || isMap(document.contents) ? undefined : "it holds no map");
  if (problem === undefined) return document;
  throw new UserError(`${shownPath(file, cwd)}: ${problem}`, {
    code: "invalid-yaml",
    hint: "correct the YAML",
  });
}

/** Takes out what is the other stack's alone: who it is for, and what is encrypted with its key. Returns those keys. */
function dropOwn(document: Document): string[] {
  document.delete("encryptionsalt");
  document.delete("encryptedkey");
  const config = document.get("config");
  if (!isMap(config)) return [];
  const left = config.items.flatMap(({ key, value }) => {
    const name = isScalar(key) ? String(key.value) : "";
    return name === "handoff:client" || name === "handoff:secrets" || holdsSecret(value) ? [name] : [];
  });
  for (const name of left) config.delete(name);
  return left;
}

function holdsSecret(node: unknown): boolean {
  if (!isMap(node)) return false;
  return (node as YAMLMap).has("secure") || node.items.some(({ value }) => holdsSecret(value));
}

function setValue(document: Document, written: string, text: string): void {
  const key = written.includes(":") ? written : `handoff:${written}`;
  const [root, ...path] = settingPath(key);
  if (root === "handoff:secrets") {
    throw new UserError(
      "--set is no place for a secret: arguments are visible to every process of the machine",
      {
        code: "bad-option",
        hint: "make the stack, then: handoff secrets set KEY",
      },
    );
  }
  const value = document.createNode(valueOfText(text));
  try {
    document.setIn(["config", root, ...path], value);
  } catch {
    throw new UserError(`--set ${written}: ${root} is no map`, {
      code: "bad-option",
      hint: `leave out .${path.join(".")}`,
    });
  }
}

/** Maps, lists, true, false and whole numbers as YAML has them. All else is text: an account 0123 is no number. */
function valueOfText(text: string): unknown {
  if (text === "true" || text === "false") return text === "true";
  if (/^(0|-?[1-9]\d{0,14})$/.test(text)) return Number(text);
  if (!/^[[{]/.test(text)) return text;
  const document = parseDocument(text);
  return document.errors.length > 0 ? text : document.toJS();
}
