/**
 * Conditions of a Logic App's trigger, in the workflow definition language: `@and(equals(dayOfMonth(utcNow()), 1), …)`.
 * Written from Microsoft's "Reference guide to workflow expression functions"; only what speaks of time is here.
 */
import { Refused } from "./fields.js";
import { ianaOf } from "./windows-zones.js";

type Value = string | number | boolean | null | readonly Value[] | { readonly [key: string]: Value };
type Node =
  | { readonly kind: "value"; readonly value: Value }
  | { readonly kind: "call"; readonly name: string; readonly args: readonly Node[] }
  | { readonly kind: "member"; readonly of: Node; readonly key: Node };

/** Whether the condition holds for a trigger that fires at `instant`. @throws Refused what isn't known here */
export function conditionHolds(expression: string, instant: number): boolean {
  if (!expression.startsWith("@"))
    throw new Refused(`${expression} is a text, not an expression: it has no @`);
  const value = evaluate(parsed(expression.slice(1)), instant);
  if (typeof value !== "boolean") throw new Refused(`${expression} is neither true nor false`);
  return value;
}

const trees = new Map<string, Node>();

function parsed(text: string): Node {
  const known = trees.get(text);
  if (known) return known;
  const made = parse(text);
  trees.set(text, made);
  return made;
}

function parse(text: string): Node {
  const tokens = text.match(/'(?:[^']|'')*'|[A-Za-z]\w*|-?\d+(?:\.\d+)?|\?\[|[()[\],]|\S/g) ?? [];
  let at = 0;
  const take = (wanted?: string): string => {
    const token = tokens[at++];
    if (token === undefined || (wanted !== undefined && token !== wanted))
      throw new Refused(`${text}: ${wanted ?? "something"} is missing at ${token ?? "the end"}`);
    return token;
  };
  const expression = (): Node => {
    let node = primary();
    while (tokens[at] === "[" || tokens[at] === "?[") {
      at++;
      node = { kind: "member", of: node, key: expression() };
      take("]");
    }
    return node;
  };
  const primary = (): Node => {
    const token = take();
    if (token.startsWith("'")) return { kind: "value", value: token.slice(1, -1).replaceAll("''", "'") };
    if (/^-?\d/.test(token)) return { kind: "value", value: Number(token) };
    if (token === "true" || token === "false") return { kind: "value", value: token === "true" };
    if (!/^[A-Za-z]/.test(token)) throw new Refused(`${text}: ${token} is no expression`);
    take("(");
    const args: Node[] = [];
    while (tokens[at] !== ")") {
      if (args.length > 0) take(",");
      args.push(expression());
    }
    take(")");
    return { kind: "call", name: token.toLowerCase(), args };
  };
  const tree = expression();
  if (at < tokens.length) throw new Refused(`${text}: ${tokens[at]} is left over`);
  return tree;
}

function evaluate(node: Node, instant: number): Value {
  if (node.kind === "value") return node.value;
  if (node.kind === "member") {
    const of = evaluate(node.of, instant);
    const key = String(evaluate(node.key, instant));
    return typeof of === "object" && of !== null && !isList(of) ? (of[key] ?? null) : null;
  }
  return call(
    node.name,
    node.args.map((arg) => evaluate(arg, instant)),
    instant,
  );
}

function call(name: string, args: readonly Value[], instant: number): Value {
  const [first = null, second = null, third = null] = args;
  switch (name) {
    case "utcnow":
      return timestamp(instant, typeof first === "string" ? first : null);
    case "trigger":
      return { scheduledTime: timestamp(instant, null), startTime: timestamp(instant + 1500, null) };
    case "coalesce":
      return args.find((arg) => arg !== null) ?? null;
    case "convertfromutc":
    case "converttimezone": {
      const [zone, format] = name === "convertfromutc" ? [second, third] : [third, args[3] ?? null];
      if (name === "converttimezone" && second !== "UTC") throw new Refused("only from UTC is known here");
      return timestamp(
        wallAt(ianaOf(String(zone)), Date.parse(String(first))),
        format === null ? null : String(format),
      );
    }
    case "formatdatetime":
      return timestamp(wallOf(first), second === null ? null : String(second));
    case "dayofmonth":
      return new Date(wallOf(first)).getUTCDate();
    case "dayofweek":
      return new Date(wallOf(first)).getUTCDay();
    case "int":
      return Number.parseInt(String(first), 10);
    case "string":
      return String(first);
    case "createarray":
      return args;
    case "contains":
      if (isList(first)) return first.includes(second);
      throw new Refused("contains: only lists are known here");
    case "equals":
      return first === second;
    case "not":
      return first === false;
    case "and":
      return args.every((arg) => arg === true);
    case "or":
      return args.some((arg) => arg === true);
    case "greaterorequals":
      return Number(first) >= Number(second);
    case "lessorequals":
      return Number(first) <= Number(second);
    default:
      throw new Refused(`${name}() is not known here`);
  }
}

function isList(value: Value): value is readonly Value[] {
  return Array.isArray(value);
}

/** A timestamp without an offset is a wall time; with a `Z` it is UTC's. */
function wallOf(value: Value): number {
  return Date.parse(`${String(value).replace(/(\.\d+)?Z?$/, "")}Z`);
}

function timestamp(wall: number, format: string | null): string {
  const text = new Date(wall).toISOString();
  if (format === null) return text;
  const parts: Readonly<Record<string, string>> = {
    yyyy: text.slice(0, 4),
    MM: text.slice(5, 7),
    dd: text.slice(8, 10),
    HH: text.slice(11, 13),
    mm: text.slice(14, 16),
  };
  // A single letter is one of .NET's standard formats, not a part of a date.
  if (!/^(yyyy|MM|dd|HH|mm|[-/:. T])+$/.test(format))
    throw new Refused(`the format ${format} is not known here`);
  return format.replace(/yyyy|MM|dd|HH|mm/g, (part) => parts[part] ?? part);
}

const formats = new Map<string, Intl.DateTimeFormat>();

function wallAt(zone: string, instant: number): number {
  let format = formats.get(zone);
  if (!format) {
    format = new Intl.DateTimeFormat("sv-SE", { timeZone: zone, dateStyle: "short", timeStyle: "medium" });
    formats.set(zone, format);
  }
  return Date.parse(`${format.format(instant).replace(" ", "T")}Z`);
}
