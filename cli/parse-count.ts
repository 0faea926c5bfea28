import { UserError } from "../model/diagnostic.js";

/** A whole number from 1. @throws UserError `bad-option` */
export function parseCount(option: string, text: string): number {
  const count = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (count >= 1) return count;
  throw new UserError(`${option} takes a whole number from 1, not ${text}`, {
    code: "bad-option",
    hint: `such as: ${option} 20`,
  });
}
