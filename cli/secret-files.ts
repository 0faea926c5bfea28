/** Secrets as files have them: a `.secrets/` folder of handoff or of the Python tool, its `secrets.yml`, or a `.env` file. */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { parseEnv } from "node:util";
import { parseDocument } from "yaml";
import { UserError } from "../model/diagnostic.js";

export interface SecretSource {
  /** Values by key; a final newline is dropped. */
  readonly values: Readonly<Record<string, string>>;
  /** What in it has no value, as it is written there. */
  readonly skipped: readonly string[];
}

/**
 * @param path a folder: its `secrets.yml` of the Python tool, else a file a secret, named as its key. A `.yml` or `.yaml` file:
 *   as `secrets.yml`. Any other file: lines `KEY=value`, as in `.env`.
 * @throws UserError `no-file`, `no-secrets`, `ambiguous-secrets`, `invalid-secrets-file`; never with a value in it
 */
export function readSecretSource(path: string, cwd: string): SecretSource {
  const full = resolve(cwd, path);
  const source = statOf(full, path).isDirectory()
    ? readFolder(full, path)
    : /\.ya?ml$/.test(full)
      ? readSecretsYml(full, path)
      : readEnvFile(full, path);
  if (Object.keys(source.values).length > 0) return source;
  throw new UserError(`there is no secret in ${path}`, {
    code: "no-secrets",
    hint: "name a folder with a file a secret, a secrets.yml, or a file with KEY=value lines",
  });
}

/** The `secrets.yml` of a 0.x folder: also `dev_secrets.yml` and the like, of which there may be one. */
export function findSecretsYml(folder: string): readonly string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith("secrets.yml"))
    .sort();
}

function readFolder(folder: string, shown: string): SecretSource {
  const lists = findSecretsYml(folder);
  const [list] = lists;
  if (lists.length > 1) {
    throw new UserError(`${shown} has ${lists.join(", ")}`, {
      code: "ambiguous-secrets",
      hint: `name one of them, as in ${join(shown, list ?? "")}`,
    });
  }
  if (list !== undefined) return readSecretsYml(join(folder, list), join(shown, list));
  const files = readdirSync(folder)
    .filter((name) => !name.startsWith(".") && statSync(join(folder, name)).isFile())
    .sort();
  return sourceOf(files.map((name) => [name, readText(join(folder, name), join(shown, name))]));
}

/** A list of `{key, value}` or `{key, file}`, as of 0.3, or a map of them, as before. */
export function readSecretsYml(file: string, shown: string): SecretSource {
  const document = parseDocument(readText(file, shown), { version: "1.1" });
  // The parser's message quotes the line, which may hold a value.
  if (document.errors.length > 0) throw invalid(shown, "it is no YAML");
  const data: unknown = document.toJS();
  const items = Array.isArray(data)
    ? (data as readonly unknown[])
    : Object.entries(asMap(data)).map(([key, item]) => ({ ...asMap(item), key }));
  return sourceOf(
    items.map((item, index) => {
      const { key, value, file: path } = asMap(item);
      if (typeof key !== "string" || key === "") throw invalid(shown, `item ${index + 1} has no \`key\``);
      if (typeof path === "string" && (value === undefined || value === null)) {
        const from = resolve(dirname(file), path);
        return [key, readText(from, join(dirname(shown), path))];
      }
      if (typeof value === "object" && value !== null) throw invalid(shown, `the value of ${key} is no text`);
      return [key, value === undefined || value === null ? "" : String(value)];
    }),
  );
}

function readEnvFile(file: string, shown: string): SecretSource {
  const text = readText(file, shown);
  return sourceOf(Object.entries(parseEnv(text)).map(([key, value]) => [key, value ?? ""]));
}

function sourceOf(entries: readonly (readonly [key: string, value: string])[]): SecretSource {
  const trimmed = entries.map(([key, value]) => [key, value.replace(/\r?\n$/, "")] as const);
  return {
    values: Object.fromEntries(trimmed.filter(([, value]) => value.trim() !== "")),
    skipped: trimmed.filter(([, value]) => value.trim() === "").map(([key]) => key),
  };
}

function statOf(file: string, shown: string) {
  try {
    return statSync(file);
  } catch (error) {
    throw unreadable(error, shown);
  }
}

function readText(file: string, shown: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw unreadable(error, shown);
  }
}

function unreadable(error: unknown, shown: string): UserError {
  const { code } = error as NodeJS.ErrnoException;
  return new UserError(`${shown} can't be read: ${code}`, {
    code: "no-file",
    hint: "name a folder such as .secrets, or a file such as .env",
  });
}

function invalid(shown: string, problem: string): UserError {
  return new UserError(`${basename(shown)} can't be used: ${problem}`, {
    code: "invalid-secrets-file",
    hint: "it is a list of `- {key: NAME, value: …}` or `- {key: NAME, file: …}`",
  });
}

function asMap(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : {};
}
