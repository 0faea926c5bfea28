import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { parse } from "yaml";
import { storeVariable } from "../container-env.js";
import type { Install, Secret, Store } from "../project.js";
import {
  asFlag,
  asList,
  asMap,
  asText,
  type Context,
  checkInside,
  checkName,
  defined,
  isRawMap,
  mapsOf,
  Names,
} from "./context.js";
import { identifierPattern, venvPattern } from "./schema-rules.js";

export function readInstalls(raw: unknown, context: Context): Install[] {
  return mapsOf(raw, ["installs"]).flatMap(({ item, path: at }) => {
    const command = asText(item.command, [...at, "command"], context);
    const venv = asText(item.venv, [...at, "venv"], context) ?? "";
    if (command === undefined || command.trim() === "") {
      if (command !== undefined || context.dialect === "0.x") {
        context.report.error(command === undefined ? at : [...at, "command"], {
          code: command === undefined ? "missing-key" : "empty",
          message: command === undefined ? "`command` is missing" : "`command` is empty",
          hint: "Write what to run: `command: pip install tap-x`.",
        });
      }
      return [];
    }
    if (venv !== "") checkVenvName(venv, [...at, "venv"], context);
    const args = asText(item.args, [...at, "args"], context);
    return [{ venv, command: args ? `${command} ${args}` : command }];
  });
}

function checkVenvName(venv: string, at: readonly (string | number)[], context: Context): void {
  const fine = context.dialect === "1" ? venvPattern : /^(?!\/|.*\.\.)[^\0\n'"$`\\]+$/;
  if (fine.test(venv)) return;
  context.report.error(at, {
    code: "invalid-name",
    message: `\`${venv}\` can't be the name of a virtual environment`,
    hint: "Use letters, digits, `_`, `-` and `.`.",
  });
}

/** Declared secrets, and for 0.x those that are only in `.secrets/*secrets.yml`; names, never values. */
export function readSecrets(raw: unknown, dir: string, context: Context): Secret[] {
  const names = new Names("secrets", context);
  const files = new Names("secrets' files", context);
  const secrets = mapsOf(raw, ["secrets"]).flatMap(({ item, path: at }): Secret[] => {
    const key = asText(item.key, [...at, "key"], context);
    if (key === undefined) return [];
    names.add(key, [...at, "key"]);
    if (!identifierPattern.test(key)) {
      context.report.strict([...at, "key"], {
        code: "invalid-name",
        message: `\`${key}\` can't be the name of a secret`,
        hint: "Start with a letter or `_`, and go on with letters, digits and `_`.",
      });
    }
    if (context.dialect === "0.x" && item.value != null) {
      context.report.warning([...at, "value"], {
        code: "secret-in-file",
        message: `the value of secret \`${key}\` is in project.yml; it is not used`,
        hint: "Remove it from here, change the secret, and put it in .secrets/secrets.yml or `handoff secrets set`.",
        key: true,
      });
    }
    const file = asText(item.file, [...at, "file"], context);
    if (file !== undefined) {
      checkInside(file, [...at, "file"], context);
      files.add(path.posix.normalize(file), [...at, "file"]);
    }
    return [defined({ key, file })];
  });
  if (context.dialect === "1") return secrets;
  const known = new Set(secrets.map((secret) => secret.key));
  return [...secrets, ...localSecretKeys(dir).flatMap((key) => (known.has(key) ? [] : [{ key }]))];
}

/** 0.x projects need not declare their secrets: their names are in a file that stays on this machine. */
function localSecretKeys(dir: string): string[] {
  const folder = path.join(dir, ".secrets");
  const keys = new Set<string>();
  try {
    for (const name of readdirSync(folder).sort()) {
      if (!name.endsWith("secrets.yml")) continue;
      for (const item of asList(
        parse(readFileSync(path.join(folder, name), "utf8"), { logLevel: "silent" }),
      )) {
        const key = asMap(item).key;
        if (typeof key === "string" && key !== "") keys.add(key);
      }
    }
  } catch {
    // Not there or not readable: then `run` says so, when it needs a value.
  }
  return [...keys];
}

export function readStores(raw: unknown, context: Context): Store[] {
  const names = new Names("stores", context);
  const variables = new Map<string, string>();
  return mapsOf(raw, ["stores"]).flatMap(({ item, path: at }): Store[] => {
    const name = asText(item.name, [...at, "name"], context);
    if (name === undefined) return [];
    checkName(name, [...at, "name"], context);
    names.add(name, [...at, "name"]);
    const variable = storeVariable(name);
    const other = variables.get(variable);
    if (other !== undefined && other !== name) {
      context.report.error([...at, "name"], {
        code: "duplicate-name",
        message: `stores \`${other}\` and \`${name}\` would both be ${variable}`,
        hint: "Give one of them another name.",
      });
    }
    variables.set(variable, name);
    return [{ name, kind: item.kind === "table" ? "table" : "bucket" }];
  });
}

export function readArtifacts(
  raw: unknown,
  deploy: unknown,
  context: Context,
): { keep: string[]; pushOnFail: boolean } {
  const map = asMap(raw);
  const keep = asList(map.keep).flatMap((item, index) => {
    const pattern = asText(item, ["artifacts", "keep", index], context);
    if (pattern === undefined) return [];
    checkInside(pattern, ["artifacts", "keep", index], context);
    return [pattern];
  });
  const asked = map.push_artifacts_on_fail ?? asMap(deploy).push_artifacts_on_fail;
  return {
    keep: Array.isArray(map.keep) && isRawMap(raw) ? keep : ["artifacts/**"],
    // The 0.x tool pushed them unless told otherwise.
    pushOnFail: asFlag(asked, context.dialect === "0.x"),
  };
}
