/** `npm run docs`: writes the pages of docs/ that are made from the code. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { generatedPages } from "./docs-pages.js";

const root = fileURLToPath(new URL("..", import.meta.url));
for (const [name, text] of Object.entries(await generatedPages(root))) {
  writeFileSync(join(root, "docs", name), text);
  console.log(`docs/${name}`);
}
