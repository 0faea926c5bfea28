/** Names that a project chose, as parts of an object's key. */
import { createHash } from "node:crypto";

/** The name itself where it is plain; else what of it is, and a hash. Any two names stay different. */
export function keyPart(name: string): string {
  if (/^[\w@-][\w.@-]{0,99}$/.test(name)) return name;
  const hash = createHash("sha256").update(name).digest("hex").slice(0, 16);
  return `${name.replace(/[^\w@-]+/g, "-").slice(0, 60)}~${hash}`;
}
