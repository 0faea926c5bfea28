/** Images of projects, and containers of them, on the tests' Docker engine. */
import { spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { contentHash } from "../../model/content.js";
import { loadProject } from "../../model/load.js";
import { planDeployment } from "../../model/plan.js";
import { type DeployPlan, stackSettings } from "../../model/plan-types.js";
import type { LogLine } from "../../model/run.js";
import { type BuiltImage, buildImage } from "../../providers/image-build.js";
import { dockerNow, type TestDocker } from "../support/docker.js";

/** A folder with a project in it. */
export class TestProject {
  readonly dir = mkdtempSync(join(tmpdir(), "handoff-image-test-"));
  readonly #images = new Set<string>();

  /** @param from folder of a project to copy */
  constructor(files: Readonly<Record<string, string>>, from?: string) {
    if (from !== undefined) {
      cpSync(from, this.dir, { recursive: true, filter: (path) => !path.endsWith("/.handoff") });
    }
    for (const [name, text] of Object.entries(files)) this.write(name, text);
  }

  write(name: string, text: string): void {
    mkdirSync(dirname(join(this.dir, name)), { recursive: true });
    writeFileSync(join(this.dir, name), text);
  }

  plan(): DeployPlan {
    const { project, diagnostics } = loadProject(this.dir);
    if (!project) throw new Error(JSON.stringify(diagnostics, null, 2));
    const settings = stackSettings({ stack: "test", cloud: "local", projectDir: this.dir });
    return planDeployment(project, settings, contentHash(this.dir));
  }

  /** @returns also what Docker said meanwhile */
  async build(docker: TestDocker): Promise<BuiltImage & { readonly log: string }> {
    const lines: string[] = [];
    const image = await buildImage(this.plan(), { env: docker.env, log: (line) => lines.push(line) });
    this.#images.add(image.tag);
    return { ...image, log: lines.join("\n") };
  }

  /** With the images, unless another project is to keep them; their layers stay in the builder's cache, untagged. */
  remove({ keepImages = false } = {}): void {
    if (!keepImages)
      for (const tag of this.#images)
        spawnSync("docker", ["image", "rm", "--no-prune", tag], { stdio: "ignore" });
    rmSync(this.dir, { recursive: true, force: true });
  }
}

export interface ContainerOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Folder on this machine, mounted at `/artifacts`; made writable for the image's user. */
  readonly artifacts?: string;
  /** Of `docker run`, before the image. */
  readonly options?: readonly string[];
  /** After the image. Default: the image's own, `run`. */
  readonly args?: readonly string[];
}

/** As a platform that gives a job nothing: a root that is read-only, no network, no capability. */
const confined = [
  ...["--read-only", "--tmpfs", "/tmp:rw,exec,nosuid,size=1g", "--network", "none"],
  ...["--cap-drop", "ALL", "--security-opt", "no-new-privileges"],
];

function runArgs(
  image: string,
  { env = {}, artifacts, options = [], args = [] }: ContainerOptions,
): string[] {
  const variables = { ...env, ...(artifacts === undefined ? {} : { HANDOFF_ARTIFACTS: "/artifacts" }) };
  if (artifacts !== undefined) chmodSync(artifacts, 0o777);
  return [
    ...confined,
    ...Object.entries(variables).flatMap(([key, value]) => ["--env", `${key}=${value}`]),
    ...(artifacts === undefined ? [] : ["--volume", `${artifacts}:/artifacts`]),
    ...options,
    image,
    ...args,
  ];
}

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** The lines of stdout that are JSON. */
  readonly lines: readonly LogLine[];
}

/** Runs a container to its end, and removes it. */
export function runContainer(image: string, options: ContainerOptions = {}): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn("docker", ["run", "--rm", ...runArgs(image, options)], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    const output = { stdout: "", stderr: "" };
    child.stdout.on("data", (data: Buffer) => {
      output.stdout += data.toString();
    });
    child.stderr.on("data", (data: Buffer) => {
      output.stderr += data.toString();
    });
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, ...output, lines: logLines(output.stdout) }));
  });
}

export function logLines(text: string): LogLine[] {
  return text.split("\n").flatMap((line) => (line.startsWith('{"') ? [JSON.parse(line) as LogLine] : []));
}

/** A container that goes on until it is stopped. */
export class TestContainer {
  readonly name = `handoff-test-${randomBytes(6).toString("hex")}`;

  constructor(image: string, options: ContainerOptions = {}) {
    dockerNow(["run", "--detach", "--name", this.name, ...runArgs(image, options)]);
  }

  /** stdout and stderr so far. */
  logs(): string {
    const { stdout, stderr } = spawnSync("docker", ["logs", this.name], { encoding: "utf8" });
    return stdout + stderr;
  }

  /** Resolves when a command has written the line. That a command is started says its text, too. */
  async says(text: string): Promise<void> {
    const said = `"message":${JSON.stringify(text)}`;
    for (const until = Date.now() + 60_000; !this.logs().includes(said); ) {
      if (Date.now() > until) throw new Error(`the container never said ${text}:\n${this.logs()}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  /** Processes in it, by their numbers on this machine. */
  processes(): { readonly pid: number; readonly command: string }[] {
    const [, ...rows] = dockerNow(["top", this.name, "-eo", "pid,args"]).trim().split("\n");
    return rows.map((row) => {
      const [pid = "", ...command] = row.trim().split(/\s+/);
      return { pid: Number(pid), command: command.join(" ") };
    });
  }

  exec(...command: readonly string[]): string {
    return dockerNow(["exec", this.name, ...command]);
  }

  /** SIGTERM, and SIGKILL after `seconds`. Gives how long it took, in seconds. */
  stop(seconds: number): number {
    const began = process.hrtime.bigint();
    dockerNow(["stop", "--time", String(seconds), this.name]);
    return Number(process.hrtime.bigint() - began) / 1e9;
  }

  /** Once it has ended. */
  exitCode(): number {
    return Number(dockerNow(["wait", this.name]));
  }

  remove(): void {
    spawnSync("docker", ["rm", "--force", "--volumes", this.name], { stdio: "ignore" });
  }
}
