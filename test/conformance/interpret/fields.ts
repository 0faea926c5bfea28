/** Reading one field of a cron expression, with what a cloud's own documentation allows in it. */

export interface FieldRule {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  /** Names, of the values from `min` on. */
  readonly names?: readonly string[];
  /** `a/n` and `a-b/n`, beside the ``star/n`. */
  readonly step: "from" | "range";
}

/** An expression that the cloud's API would refuse, or whose meaning its documentation leaves open. */
export class Refused extends Error {}

export const monthNames = [
  "JAN",
  "FEB",
  "MAR",
  "APR",
  "MAY",
  "JUN",
  "JUL",
  "AUG",
  "SEP",
  "OCT",
  "NOV",
  "DEC",
];
export const dayNames = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

function numberOf(text: string, rule: FieldRule): number {
  const named = rule.names?.indexOf(text) ?? -1;
  if (named >= 0) return rule.min + named;
  if (!/^\d+$/.test(text)) throw new Refused(`${text} is not a ${rule.name}`);
  const value = Number(text);
  if (value < rule.min || value > rule.max) throw new Refused(`${text} is out of range for the ${rule.name}`);
  return value;
}

/** The values that a field names. */
export function readField(text: string, rule: FieldRule): Set<number> {
  const values = new Set<number>();
  for (const part of text.split(",")) {
    const [range = "", stepText, ...more] = part.split("/");
    if (more.length > 0) throw new Refused(`${part} has two steps`);
    const step = stepText === undefined ? 1 : Number(stepText);
    if (!Number.isInteger(step) || step < 1) throw new Refused(`${part} has no whole step`);
    let first = rule.min;
    let last = rule.max;
    if (range !== "*") {
      const [low = "", high, ...rest] = range.split("-");
      if (rest.length > 0) throw new Refused(`${part} is no range`);
      if (stepText !== undefined && (rule.step === "from") === (high !== undefined))
        throw new Refused(`${part}: this form of a step is not documented for the ${rule.name}`);
      first = numberOf(low, rule);
      last = high === undefined ? (stepText === undefined ? first : rule.max) : numberOf(high, rule);
      if (first > last) throw new Refused(`the range ${part} runs backwards`);
    } else if (text !== part) {
      throw new Refused(`* in a list of the ${rule.name}`);
    }
    for (let value = first; value <= last; value += step) values.add(value);
  }
  return values;
}
