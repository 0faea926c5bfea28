/** Which stacks a command is about: by name, all, or by what their settings say. */
import { UserError } from "../../model/diagnostic.js";
import { nearest } from "../../model/nearest.js";
import { type Platform, platforms } from "../../model/plan-types.js";
import { parseSettings, placeOf } from "../../providers/settings.js";
import type { Env } from "../env.js";
import { type Repository, readSettings } from "../repository.js";

/** What of a stack can be selected by. */
export interface StackFacts {
  readonly stack: string;
  readonly client: string;
  readonly cloud: string;
  /** As the settings have it: relative to Pulumi.yaml. */
  readonly project: string;
  readonly region: string | undefined;
  readonly tags: Readonly<Record<string, string>>;
}

export interface Selection {
  /** Names of stacks. */
  readonly names?: readonly string[];
  readonly all?: boolean;
  /** Each `key=value,key=value`: all of them have to fit; of several selectors, one. */
  readonly select?: readonly string[];
}

export interface Selected {
  readonly stacks: readonly string[];
  /** Stacks whose file can't be read, so that nobody knows whether a selector fits. Empty unless by `select`. */
  readonly unreadable: readonly string[];
}

const selectKeys = ["client", "cloud", "project", "region", "stack"] as const;
type SelectKey = (typeof selectKeys)[number];

type Condition = (facts: StackFacts) => boolean;

/**
 * The stacks of the repository that a command is about, sorted, each once.
 * @throws UserError `bad-option` for a selection that isn't one, `unknown-stack`, `no-stack` when it fits none
 */
export function selectStacks(repository: Repository, selection: Selection, env: Env): Selected {
  const { names = [], all = false, select = [] } = selection;
  const ways = [names.length > 0, all, select.length > 0].filter(Boolean).length;
  if (ways > 1) {
    throw new UserError("stacks are named, selected, or all: one of the three", {
      code: "bad-option",
      hint: "leave out the names, --all or --select",
    });
  }
  const selectors = select.map(parseSelector);
  if (names.length > 0) return { stacks: known(repository, names), unreadable: [] };
  if (repository.stacks.length === 0) {
    throw new UserError(`there is no Pulumi.<stack>.yaml in ${repository.root}`, {
      code: "no-stack",
      hint: "make one: handoff stack new NAME",
    });
  }
  if (all) return { stacks: repository.stacks, unreadable: [] };

  const read = repository.stacks.map((stack) => ({ stack, facts: factsOf(repository, stack, env) }));
  const stacks = read
    .filter(({ facts }) => facts && selectors.some((fits) => fits(facts)))
    .map(({ stack }) => stack);
  const unreadable = read.filter(({ facts }) => !facts).map(({ stack }) => stack);
  if (stacks.length === 0) {
    throw new UserError(`no stack fits ${select.map((text) => `--select ${text}`).join(" ")}`, {
      code: "no-stack",
      hint: valuesThere(read.flatMap(({ facts }) => facts ?? [])),
    });
  }
  return { stacks, unreadable };
}

/** Null when the stack's file is no YAML. Wrong settings are as good as right ones: what is wrong, `up` says. */
export function factsOf(repository: Repository, stack: string, env: Env): StackFacts | null {
  try {
    const raw = readSettings(repository, stack, { cwd: repository.root, env });
    const text = (key: string) => {
      const value = raw.config[`handoff:${key}`];
      return typeof value === "string" || typeof value === "number" ? String(value) : undefined;
    };
    const cloud = text("cloud") ?? "local";
    const { settings } = parseSettings(raw);
    const platform: Platform | undefined = platforms.find((one) => one === cloud);
    return {
      stack,
      client: text("client") ?? stack,
      cloud,
      project: (text("project") ?? ".").replace(/\/+$/, ""),
      region: platform && placeOf(platform, raw).region,
      tags: settings?.tags ?? {},
    };
  } catch (error) {
    if (error instanceof UserError) return null;
    throw error;
  }
}

function known(repository: Repository, names: readonly string[]): readonly string[] {
  for (const name of names) {
    if (repository.stacks.includes(name)) continue;
    const near = nearest(name, repository.stacks);
    throw new UserError(`there is no stack ${name}: ${listed(repository.stacks)}`, {
      code: "unknown-stack",
      hint: near
        ? `did you mean ${near}?`
        : "`handoff stack new NAME` makes one, `handoff stack list` lists them",
    });
  }
  return [...new Set(names)];
}

function listed(stacks: readonly string[]): string {
  if (stacks.length === 0) return "there is none yet";
  const shown = stacks.slice(0, 20).join(", ");
  return `the stacks are ${shown}${stacks.length > 20 ? `, and ${stacks.length - 20} more` : ""}`;
}

function parseSelector(text: string): Condition {
  const conditions = text.split(",").map((part) => parseCondition(part.trim(), text));
  return (facts) => conditions.every((fits) => fits(facts));
}

/** `client=acme`, `tag.team=data`; `*` in the value stands for any text. */
function parseCondition(part: string, selector: string): Condition {
  const at = part.indexOf("=");
  const key = part.slice(0, at).trim();
  const value = part.slice(at + 1).trim();
  if (at < 1 || value === "") {
    throw new UserError(`--select ${selector}: \`${part}\` is no KEY=VALUE`, {
      code: "bad-option",
      hint: "write it as client=acme or cloud=aws,client=acme",
    });
  }
  const fits = pattern(value);
  if (key.startsWith("tag.")) {
    const name = key.slice("tag.".length);
    return ({ tags }) => tags[name] !== undefined && fits(tags[name]);
  }
  const field = selectKeys.find((one) => one === key);
  if (field === undefined) {
    const near = nearest(key, selectKeys);
    throw new UserError(`--select ${selector}: there is no \`${key}\` to select by`, {
      code: "bad-option",
      hint: near ? `did you mean ${near}?` : `use one of ${selectKeys.join(", ")}, or tag.NAME`,
    });
  }
  return (facts) => fits(facts[field] ?? "");
}

function pattern(value: string): (text: string) => boolean {
  if (!value.includes("*")) return (text) => text === value;
  const source = value.split("*").map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&"));
  const regex = new RegExp(`^${source.join(".*")}$`, "s");
  return (text) => regex.test(text);
}

function valuesThere(facts: readonly StackFacts[]): string {
  const of = (key: SelectKey) => [...new Set(facts.map((one) => one[key] ?? ""))].filter(Boolean).sort();
  const some = (["client", "cloud"] as const).map((key) => {
    const values = of(key);
    return `${key} is one of ${values.slice(0, 8).join(", ")}${values.length > 8 ? ", …" : ""}`;
  });
  return some.join("; ");
}
