/** A user's repository: the folder of Pulumi.yaml, and its stacks' files. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { LineCounter, parseDocument } from "yaml";
import { type Location, UserError } from "../model/diagnostic.js";
import { nearest } from "../model/nearest.js";
import type { RawSettings } from "../providers/settings.js";

export interface Repository {
  /** Folder of Pulumi.yaml, absolute. */
  readonly root: string;
  /** Name in Pulumi.yaml. */
  readonly name: string;
  /** `backend.url` of Pulumi.yaml. */
  readonly backendUrl: string | undefined;
  /** Stacks that have a Pulumi.<stack>.yaml, sorted. */
  readonly stacks: readonly string[];
}

/**
 * Looks for Pulumi.yaml from `cwd` upward.
 * @throws UserError `no-repository`, or `invalid-yaml` with the place.
 */
export function findRepository(cwd: string): Repository {
  let root = resolve(cwd);
  while (!existsSync(join(root, "Pulumi.yaml"))) {
    const parent = dirname(root);
    if (parent === root) {
      throw new UserError(`there is no Pulumi.yaml in ${cwd} or above`, {
        code: "no-repository",
        hint: "go to a folder of your repository, or make one with `handoff init`",
      });
    }
    root = parent;
  }
  const { data } = readYaml(join(root, "Pulumi.yaml"), cwd);
  const name = typeof data.name === "string" ? data.name : "";
  if (name === "") {
    throw new UserError(`${join(root, "Pulumi.yaml")} has no name`, {
      code: "no-name",
      hint: "add `name: my-pipelines`",
    });
  }
  const backendUrl =
    isMap(data.backend) && typeof data.backend.url === "string" ? data.backend.url : undefined;
  const stacks = readdirSync(root)
    .map((file) => /^Pulumi\.(.+)\.yaml$/.exec(file)?.[1])
    .filter((stack) => stack !== undefined)
    .sort();
  return { root, name, backendUrl, stacks };
}

/** The stack's file. @throws UserError `unknown-stack` that lists those that exist. */
export function stackFile(repository: Repository, stack: string): string {
  if (repository.stacks.includes(stack)) return join(repository.root, `Pulumi.${stack}.yaml`);
  const near = nearest(stack, repository.stacks);
  const known =
    repository.stacks.length > 0 ? `the stacks are ${repository.stacks.join(", ")}` : "there is none yet";
  throw new UserError(`there is no stack ${stack}: ${known}`, {
    code: "unknown-stack",
    hint: near
      ? `did you mean ${near}?`
      : `make ${join(repository.root, `Pulumi.${stack}.yaml`)} with \`config: {handoff:cloud: local}\``,
  });
}

/** The settings of a stack, as its file has them. No secret is decrypted. */
export function readSettings(
  repository: Repository,
  stack: string,
  { cwd, env }: { cwd: string; env: RawSettings["env"] },
): RawSettings {
  const file = stackFile(repository, stack);
  const { data, locate } = readYaml(file, cwd);
  const config = isMap(data.config) ? data.config : {};
  const secrets = config["handoff:secrets"];
  return {
    stack,
    root: repository.root,
    config,
    secretKeys: isMap(secrets) ? Object.keys(secrets) : [],
    env,
    locate: (key) => locate(["config", key]),
  };
}

interface YamlFile {
  readonly data: Readonly<Record<string, unknown>>;
  locate(path: readonly string[]): Location | undefined;
}

function readYaml(file: string, cwd: string): YamlFile {
  const lines = new LineCounter();
  const document = parseDocument(readFileSync(file, "utf8"), { lineCounter: lines });
  const shown = shorter(relative(cwd, file), file);
  const problem = document.errors[0];
  if (problem) {
    const { line, col } = lines.linePos(problem.pos[0]);
    throw new UserError(problem.message.split("\n")[0]?.replace(/ at line .*/, "") ?? "broken YAML", {
      code: "invalid-yaml",
      hint: "correct the YAML",
      location: { file: shown, line, column: col },
    });
  }
  const data: unknown = document.toJS();
  return {
    data: isMap(data) ? data : {},
    locate(path) {
      const map = document.getIn(path.slice(0, -1), true);
      if (typeof map !== "object" || map === null || !("items" in map) || !Array.isArray(map.items))
        return undefined;
      const pair = map.items.find((item) => item?.key?.value === path.at(-1));
      const offset = pair?.key?.range?.[0];
      if (typeof offset !== "number") return undefined;
      const { line, col } = lines.linePos(offset);
      return { file: shown, line, column: col, path: path.join(".") };
    },
  };
}

function shorter(a: string, b: string): string {
  return a !== "" && a.length < b.length ? a : b;
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
