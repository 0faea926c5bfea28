/** A BuildKit of the tests' own, and the Docker configuration in which it is the builder to use. Needs root, or a sudo that asks nothing. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const startMs = 60_000;
const asRoot = process.getuid?.() === 0 ? [] : ["sudo", "--non-interactive"];

export class TestBuildKit {
  readonly #folder = mkdtempSync(join(tmpdir(), "handoff-buildkit-"));
  readonly #process: ChildProcess;
  readonly #end = () => runAsRoot("kill", String(this.#process.pid));
  #log = "";

  private constructor(programs: string) {
    // The network is the machine's, for what it builds too: the tests' Docker engine has none, and the registries are on loopback.
    const options = [
      "--root",
      join(this.#folder, "root"),
      "--oci-worker-net",
      "host",
      "--containerd-worker=false",
    ];
    // On a socket, which it makes for the group of who starts it.
    const address = ["--addr", this.#address, "--group", String(process.getgid?.() ?? 0)];
    this.#process = spawnAsRoot(join(programs, "buildkitd"), ...address, ...options);
    for (const stream of [this.#process.stdout, this.#process.stderr])
      stream?.on("data", (data: Buffer) => {
        this.#log = (this.#log + data.toString()).slice(-16 * 1024);
      });
    this.#process.on("error", (error) => {
      this.#log += error.message;
    });
    // Of tests that are interrupted nothing stays.
    process.on("exit", this.#end);
  }

  /** @param programs folder with `buildkitd` */
  static async start(programs: string): Promise<TestBuildKit> {
    const builder = new TestBuildKit(programs);
    for (const until = Date.now() + startMs; !builder.#log.includes("running server on"); ) {
      if (builder.#process.exitCode !== null || Date.now() > until) {
        await builder.stop();
        throw new Error(`BuildKit doesn't start:\n${builder.#log}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    builder.#use();
    return builder;
  }

  /** For `DOCKER_CONFIG`. */
  get config(): string {
    return join(this.#folder, "docker");
  }

  async stop(): Promise<void> {
    process.off("exit", this.#end);
    if (this.#process.pid !== undefined && this.#process.exitCode === null) {
      const gone = once(this.#process, "exit");
      this.#end();
      await gone;
    }
    runAsRoot("rm", "-rf", this.#folder);
  }

  get #address(): string {
    return `unix://${join(this.#folder, "buildkitd.sock")}`;
  }

  /** As `docker buildx create --driver remote --use ADDRESS` leaves it. */
  #use(): void {
    const folder = join(this.config, "buildx");
    mkdirSync(join(folder, "instances"), { recursive: true });
    const name = "handoff-test";
    const builder = { Name: name, Driver: "remote", Nodes: [{ Name: `${name}0`, Endpoint: this.#address }] };
    writeFileSync(join(folder, "instances", name), JSON.stringify(builder));
    writeFileSync(join(folder, "current"), JSON.stringify({ Key: "", Name: name, Global: true }));
  }
}

function spawnAsRoot(...command: string[]): ChildProcess {
  const [program = "", ...args] = [...asRoot, ...command];
  return spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
}

function runAsRoot(...command: string[]): void {
  const [program = "", ...args] = [...asRoot, ...command];
  spawnSync(program, args, { stdio: "ignore" });
}
