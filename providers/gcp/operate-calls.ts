/** How a call of Google's API is made, and many of them. */
import { UserError } from "../../model/diagnostic.js";
import { type Asked, failureOf, gcpError } from "./operate-errors.js";

/** @throws UserError of `gcpError` */
export async function ask<T>(asked: Asked, call: () => Promise<{ readonly data: T }>): Promise<T> {
  try {
    const { data } = await call();
    // An answer that broke off in the middle of its JSON is given as a text.
    if (typeof data === "object") return data;
    throw new Error("the answer broke off");
  } catch (error) {
    throw error instanceof UserError ? error : gcpError(error, asked);
  }
}

/** Null: it isn't there. */
export async function found<T>(asked: Asked, call: () => Promise<{ readonly data: T }>): Promise<T | null> {
  return await ask(asked, async () => {
    try {
      return (await call()) as { readonly data: T | null };
    } catch (error) {
      if (failureOf(error).status === 404) return { data: null };
      throw error;
    }
  });
}

/** Most items that one page is asked for. */
const mostPerPage = 100;

/** The first `limit`, as far as there are so many. */
export async function pages<T>(
  limit: number,
  page: (
    size: number,
    token: string | undefined,
  ) => Promise<{ items: readonly T[]; next?: string | null | undefined }>,
): Promise<T[]> {
  const all: T[] = [];
  let token: string | undefined;
  do {
    const { items, next } = await page(Math.min(mostPerPage, limit - all.length), token);
    all.push(...items);
    token = next || undefined;
  } while (token !== undefined && all.length < limit);
  return all.slice(0, limit);
}

/** In their order; so many at the same time. */
export async function some<T>(calls: readonly (() => Promise<T>)[], atOnce: number): Promise<T[]> {
  const all: T[] = [];
  for (let from = 0; from < calls.length; from += atOnce) {
    all.push(...(await Promise.all(calls.slice(from, from + atOnce).map((call) => call()))));
  }
  return all;
}
