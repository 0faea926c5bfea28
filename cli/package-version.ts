import { readFileSync } from "node:fs";
import { join } from "node:path";

/** Version in the package's own package.json. */
export function packageVersion(packageDir: string): string {
  const manifest = JSON.parse(readFileSync(join(packageDir, "package.json"), "utf8")) as { version: string };
  return manifest.version;
}
