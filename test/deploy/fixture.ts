/** A user's repository in a temporary folder, with a HANDOFF_HOME and a Pulumi home of its own. */
import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Env } from "../../deploy/env.js";
import type { ProgressEvent } from "../../deploy/events.js";
import type { StackOptions } from "../../deploy/stack.js";

export const packageRoot = fileURLToPath(new URL("../..", import.meta.url));

export const projectYml = `version: 1
name: fx
secrets:
- {key: API_KEY}
stores:
- {name: rates, kind: table}
tasks:
- name: fetch
  commands:
  - {command: echo hello}
schedules:
- {name: daily, cron: "0 6 * * *", tasks: [fetch]}
- {name: weekly, cron: "0 7 * * MON", timezone: Europe/Paris, tasks: [fetch]}
`;

export interface Fixture {
  readonly root: string;
  readonly home: string;
  readonly env: Env;
  readonly events: ProgressEvent[];
  readonly options: StackOptions;
  write(file: string, text: string): void;
  read(file: string): string;
  remove(): void;
}

/** The path has a space, as a user's may. */
export function makeRepository(): Fixture {
  buildPlugin();
  const base = mkdtempSync(join(tmpdir(), "handoff-deploy-"));
  const root = join(base, "my repo");
  const home = join(base, "home");
  const env: Env = {
    ...process.env,
    HANDOFF_HOME: home,
    PULUMI_HOME: join(base, "pulumi"),
    PULUMI_BACKEND_URL: undefined,
    PULUMI_ACCESS_TOKEN: undefined,
    PULUMI_CONFIG_PASSPHRASE: undefined,
    PULUMI_CONFIG_PASSPHRASE_FILE: undefined,
  };
  const write = (file: string, text: string) => {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), text);
  };
  write("Pulumi.yaml", "name: demo\nruntime: nodejs\n");
  write("Pulumi.dev.yaml", "config:\n  handoff:cloud: local\n");
  write("project.yml", projectYml);
  write("files/query.sql", "select 1\n");
  const events: ProgressEvent[] = [];
  const onEvent = (event: ProgressEvent) => void events.push(event);
  return {
    root,
    home,
    env,
    events,
    options: { cwd: join(root, "files"), stack: "dev", env, onEvent },
    write,
    read: (file) => readFileSync(join(root, file), "utf8"),
    remove: () => rmSync(base, { recursive: true, force: true }),
  };
}

/** The engine starts the built plugin; it is built when no build has been made. */
function buildPlugin(): void {
  if (existsSync(join(packageRoot, "dist", "plugin", "main.js"))) return;
  execFileSync(process.execPath, [join(packageRoot, "build.mjs"), "--no-types"], { cwd: packageRoot });
}

/** Every file below a folder with its content, by relative path; without those that go while it looks. */
export function contents(dir: string): Record<string, string> {
  if (!existsSync(dir)) return {};
  const found: Record<string, string> = {};
  for (const entry of readdirSync(dir, { withFileTypes: true, recursive: true })) {
    const path = join(entry.parentPath, entry.name);
    if (!entry.isFile()) continue;
    try {
      found[path.slice(dir.length + 1)] = readFileSync(path, "latin1");
    } catch (error) {
      // A file that is written under another name first.
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }
  return found;
}
