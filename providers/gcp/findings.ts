/** Short forms of diagnostics. */
import type { Diagnostic } from "../../model/diagnostic.js";

export const error = (code: string, message: string, hint: string): Diagnostic => ({
  severity: "error",
  code,
  message,
  hint,
});
export const warning = (code: string, message: string, hint: string): Diagnostic => ({
  severity: "warning",
  code,
  message,
  hint,
});
export const info = (code: string, message: string): Diagnostic => ({ severity: "info", code, message });
