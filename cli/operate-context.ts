import { handoffHome } from "../providers/local/home.js";
import type { OperateContext } from "../providers/local/operate-types.js";
import type { CliContext } from "./context.js";

/** The local platform as the command's process sees it. */
export function operateContext(context: CliContext): OperateContext {
  return { home: handoffHome(context.env), env: context.env, now: context.now };
}
