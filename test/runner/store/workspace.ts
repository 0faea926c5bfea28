/** Workspaces of one test. */
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

export class Workspaces {
  readonly dir = fs.mkdtempSync(path.join(tmpdir(), "handoff-store-"));
  #count = 0;

  /** A new workspace, with these files in it. */
  make(files: Readonly<Record<string, string>> = {}): string {
    const work = path.join(this.dir, `work${this.#count++}`);
    fs.mkdirSync(work);
    this.write(work, files);
    return work;
  }

  write(work: string, files: Readonly<Record<string, string>>): void {
    for (const [name, text] of Object.entries(files)) {
      fs.mkdirSync(path.dirname(path.join(work, name)), { recursive: true });
      fs.writeFileSync(path.join(work, name), text);
    }
  }

  /** All its files' contents, by path. */
  read(work: string): Record<string, string> {
    const entries = fs.readdirSync(work, { withFileTypes: true, recursive: true });
    const files = entries
      .filter((entry) => entry.isFile())
      .map((entry) => path.join(entry.parentPath, entry.name));
    return Object.fromEntries(
      files.map((file) => [path.relative(work, file), fs.readFileSync(file, "utf8")] as const).sort(),
    );
  }

  remove(): void {
    fs.rmSync(this.dir, { recursive: true, force: true });
  }
}
