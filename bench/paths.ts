import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("..", import.meta.url));
export const cacheDir = join(root, ".cache", "bench");
export const handoff = join(root, "bin", "handoff");
