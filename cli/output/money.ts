/** `US$12.30`; `under US$0.01` for what is something and rounds to nothing. */
export function formatMoney(usd: number): string {
  if (usd > 0 && usd < 0.005) return "under US$0.01";
  return `US$${usd.toLocaleString("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 })}`;
}

/** `1,204`, `30.44`: at most two places, more where there would be nothing else. */
export function formatQuantity(value: number): string {
  return value.toLocaleString(
    "en",
    value < 0.1 ? { maximumSignificantDigits: 2 } : { maximumFractionDigits: 2 },
  );
}
