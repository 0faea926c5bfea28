/** How a platform's table of capabilities says what it has. */
import type { Capability } from "./contract.js";

/** @param how by what, for people */
export const yes = (how: string): Capability => ({ supported: true, how });
/** @param how why not, and what to do instead */
export const no = (how: string): Capability => ({ supported: false, how });
