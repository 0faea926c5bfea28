import { type core, safeParse } from "zod/mini";
import { nearest } from "../nearest.js";
import type { Report } from "./report.js";
import { knownKeys, legacyDeployKeys, projectSchema } from "./schema.js";
import type { DocumentPath } from "./yaml.js";

/** Reports every key and value that isn't of the shape that the file's dialect has. */
export function checkShape(value: unknown, report: Report): void {
  const result = safeParse(projectSchema(report.dialect), value);
  if (result.success) return;
  for (const issue of result.error.issues) {
    if (report.full) {
      report.leave();
      break;
    }
    reportIssue(issue, [], value, report);
  }
}

type Issue = core.$ZodIssue;

function reportIssue(issue: Issue, base: DocumentPath, root: unknown, report: Report): void {
  const path = [...base, ...issue.path.map((step) => (typeof step === "symbol" ? String(step) : step))];
  if (path.length === 1 && path[0] === "version") return; // reported where the dialect is decided
  switch (issue.code) {
    case "unrecognized_keys":
      for (const key of issue.keys) reportUnknownKey(key, path, report);
      return;
    case "invalid_union": {
      const branch = closest(issue.errors);
      if (branch && branch.length > 0 && !branch.every((inner) => isRootType(inner))) {
        for (const inner of branch) reportIssue(inner, path, root, report);
      } else wrongType(path, issue.errors.flat().flatMap(expectedOf), root, report);
      return;
    }
    case "invalid_type":
      wrongType(path, expectedOf(issue), root, report);
      return;
    case "invalid_value":
      invalidValue(path, issue.values.map(String), root, report);
      return;
    case "invalid_format": {
      const name = String(valueAt(root, path));
      report.error(path, {
        code: "invalid-name",
        message: `\`${clip(name)}\` can't be a name: only letters, digits, \`_\` and \`-\` can be in it`,
        hint: `Call it \`${
          name
            .replace(/[^A-Za-z0-9_-]+/g, "-")
            .replace(/^-+|-+$/g, "")
            .slice(0, 60) || "main"
        }\`.`,
      });
      return;
    }
    default:
      report.error(path, {
        code: "invalid-value",
        message: `${quotePath(path)} has a value that can't be used`,
        hint: "See docs/project-yml.md for what it may be.",
      });
  }
}

function reportUnknownKey(key: string, parent: DocumentPath, report: Report): void {
  if (report.full) {
    report.strict(parent, { code: "unknown-key", message: "", hint: "" }); // counted
    return;
  }
  const known = knownKeys(projectSchema(report.dialect), parent);
  const near = nearest(key, known);
  const path = [...parent, key];
  // `readCommands` says why these can't be there.
  if ((key === "fork" || key === "foreach") && parent.at(-2) === "commands") return;
  const inDeploy = parent.length === 1 && parent[0] === "deploy";
  const list = known.map((name) => `\`${name}\``).join(", ");
  if (inDeploy && (legacyDeployKeys as readonly string[]).includes(key)) {
    report.error(path, {
      code: "unknown-key",
      message: `unknown key \`${key}\`: it belongs to version 0.x`,
      hint: legacyHint(key),
      key: true,
    });
    return;
  }
  report.strict(path, {
    code: "unknown-key",
    message: `unknown key \`${clip(key)}\`${near ? `: did you mean \`${near}\`?` : ""}`,
    hint:
      key === "value" && parent[0] === "secrets"
        ? "Remove it, change the secret, and set its value with `handoff secrets set`."
        : near
          ? `Rename it to \`${near}\`, or remove it.`
          : known.length > 0
            ? `Remove it. Known here: ${list}.`
            : "Remove it.",
    key: true,
  });
}

function legacyHint(key: string): string {
  if (key === "cpu" || key === "memory") return `Write \`resources: {${key}: …}\` with a unit instead.`;
  if (key.includes("provider") || key.includes("platform")) {
    return "Remove it: the cloud is the stack's setting `handoff:cloud`.";
  }
  return "Remove it: names of resources come from the stack, its client and the project.";
}

/** Of a union's branches the one that the author meant: whose complaints are deepest. */
function closest(branches: readonly (readonly Issue[])[]): readonly Issue[] | undefined {
  return branches.find((issues) => issues.length > 0 && !issues.some(isRootType)) ?? branches[0];
}

function isRootType(issue: Issue): boolean {
  if (issue.path.length > 0) return false;
  return issue.code === "invalid_type" || issue.code === "invalid_value" || issue.code === "invalid_union";
}

const typeNames: Readonly<Record<string, string>> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "`true` or `false`",
  array: "a list",
  object: "a map (`key: value`)",
  record: "a map (`key: value`)",
};

function expectedOf(issue: Issue): string[] {
  if (issue.code === "invalid_type") return [typeNames[issue.expected] ?? issue.expected];
  if (issue.code === "invalid_value") return issue.values.map((value) => `\`${String(value)}\``);
  if (issue.code === "invalid_union") return issue.errors.flat().flatMap(expectedOf);
  return [];
}

function wrongType(path: DocumentPath, expected: readonly string[], root: unknown, report: Report): void {
  const value = valueAt(root, path);
  const wanted = [...new Set(expected)].join(" or ") || "something else";
  const last = path.at(-1);
  if (value === undefined && typeof last === "string") {
    report.error(path.slice(0, -1), {
      code: "missing-key",
      message: `\`${last}\` is missing`,
      hint: `Add \`${last}:\` with ${wanted === "nonoptional" ? "a value" : wanted}.`,
    });
    return;
  }
  if (value === null) {
    report.error(path, {
      code: "wrong-type",
      message: `${quotePath(path)} has no value; it must be ${wanted}`,
      hint:
        typeof last === "number"
          ? "Remove the empty item, or fill it in."
          : "Remove the key, or give it a value.",
      ...(typeof last === "string" ? { key: true } : {}),
    });
    return;
  }
  if (typeof value === "object" && report.yaml.textAt(path, 2) === "{{") {
    report.error(path, {
      code: "wrong-type",
      message: `${quotePath(path)} starts with \`{{\`, which YAML reads as a map`,
      hint: 'Put the whole value in quotes: `"{{ name }}"`.',
    });
    return;
  }
  report.error(path, {
    code: "wrong-type",
    message: `${quotePath(path)} must be ${wanted}, not ${describe(value)}`,
    hint: typeHint(wanted, value, report.yaml.sourceOf(path)),
  });
}

function typeHint(wanted: string, value: unknown, source: string | undefined): string {
  if (wanted === "text" && (typeof value === "number" || typeof value === "boolean")) {
    return `Put it in quotes: \`"${source ?? String(value)}"\`.`;
  }
  if (wanted.startsWith("`true`") && typeof value === "string")
    return "Write `true` or `false`, without quotes.";
  if (wanted.startsWith("a list")) return "Start each item on a line of its own with `- `.";
  if (wanted.startsWith("a map") && typeof value === "string")
    return "Write it as `key: value`, with a space after the colon.";
  return `Change it to ${wanted}.`;
}

function invalidValue(path: DocumentPath, allowed: readonly string[], root: unknown, report: Report): void {
  const value = String(valueAt(root, path) ?? "");
  const near = nearest(value, allowed);
  const list = allowed.map((name) => `\`${name}\``).join(", ");
  report.error(path, {
    code: "invalid-value",
    message: `${quotePath(path)} can't be \`${clip(value)}\`${near ? `: did you mean \`${near}\`?` : ""}`,
    hint: `Use ${allowed.length > 1 ? "one of " : ""}${list}.`,
  });
}

function describe(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "a map";
  if (typeof value === "string") return `the text \`${clip(value)}\``;
  return `\`${String(value)}\``;
}

function quotePath(path: DocumentPath): string {
  const last = path.at(-1);
  const before = path.at(-2);
  if (typeof last === "string") return `\`${clip(last)}\``;
  return typeof before === "string" ? `item ${Number(last) + 1} of \`${before}\`` : "the value";
}

function valueAt(root: unknown, path: DocumentPath): unknown {
  let value = root;
  for (const step of path) {
    if (typeof value !== "object" || value === null) return undefined;
    value = (value as Record<string | number, unknown>)[step];
  }
  return value;
}

function clip(text: string): string {
  const line = text.replace(/\s+/g, " ");
  return line.length > 60 ? `${line.slice(0, 57)}...` : line;
}
