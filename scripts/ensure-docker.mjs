// Makes sure that the tests have a Docker engine and images to build from: `ensureDocker()` for scripts/test.mjs, and
// `node scripts/ensure-docker.mjs` for a person, who keeps the engine that it starts. As root on Debian it installs what is
// missing. Images are kept by the engine, and the base also as a file in the user's cache, for an engine that is new.
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
} from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

/** As test/support/docker.ts names them. */
const baseImage = "handoff-base:test";
const nodeImage = "handoff-node:test";
const recipeLabel = "handoff.test-recipe";

/** What is in the base: see the Dockerfile's BASE; git for images that clone their project. */
const basePackages = ["python3", "python3-venv", "ca-certificates", "git"];
const certificates = "/etc/ssl/certs/ca-certificates.crt";
const cacheDir = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "handoff", "docker");
const engineStartMs = 60_000;

/**
 * @returns `stop` ends the engine that this call has started, if it has; `reason`: why there is no Docker for the tests.
 */
export async function ensureDocker({ log = console.log } = {}) {
  let stop = async () => {};
  try {
    if (!hasProgram("docker")) installPackages(["docker.io", "cgroupfs-mount"], log);
    if (!engineAnswers()) stop = await startEngine(log);
    ensureImage(baseImage, baseRecipe(), makeBase, log);
    ensureImage(nodeImage, nodeRecipe(), makeNode, log);
    return { stop };
  } catch (error) {
    await stop();
    return { stop: async () => {}, reason: error instanceof Error ? error.message : String(error) };
  }
}

function hasProgram(name) {
  return spawnSync("sh", ["-c", `command -v ${name}`], { stdio: "ignore" }).status === 0;
}

function engineAnswers() {
  const { status } = spawnSync("docker", ["version", "--format", "{{.Server.Version}}"], { stdio: "ignore" });
  return status === 0;
}

const isRoot = () => process.getuid?.() === 0;

function installPackages(names, log) {
  if (!isRoot() || !hasProgram("apt-get")) {
    throw new Error(`${names.join(", ")}: not installed, and this is not root on Debian`);
  }
  log(`   installing ${names.join(", ")}`);
  const options = { env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" } };
  quietly("apt-get", ["update", "-qq"], options);
  // Since Debian 13 the client is a package of its own.
  const client = spawnSync("apt-cache", ["show", "docker-cli"], { stdio: "ignore" }).status === 0;
  const all = names.includes("docker.io") && client ? [...names, "docker-cli"] : names;
  quietly("apt-get", ["install", "-y", "-qq", "--no-install-recommends", ...all], options);
}

/** Without a network of its own, which a machine that is itself a container often can't give it. */
async function startEngine(log) {
  if (!isRoot()) throw new Error("Docker's engine doesn't answer, and only root can start one");
  if (!hasProgram("dockerd")) installPackages(["docker.io", "cgroupfs-mount"], log);
  // Where no init system did.
  if (!existsSync("/sys/fs/cgroup/memory") && !existsSync("/sys/fs/cgroup/cgroup.controllers")) {
    quietly("cgroupfs-mount", []);
  }
  mkdirSync(cacheDir, { recursive: true });
  const logFile = join(cacheDir, "dockerd.log");
  log(`   starting dockerd; it writes to ${logFile}`);
  const fd = openSync(logFile, "w");
  const engine = spawn("dockerd", ["--iptables=false", "--bridge=none"], {
    detached: true,
    stdio: ["ignore", fd, fd],
  });
  let ended = null;
  engine.on("error", (error) => {
    ended = error.message;
  });
  engine.on("exit", (code, signal) => {
    ended = `it ended with ${signal ?? code}`;
  });
  for (const until = Date.now() + engineStartMs; !engineAnswers(); ) {
    if (ended !== null || Date.now() > until) {
      if (ended === null) engine.kill("SIGTERM");
      const said = readFileSync(logFile, "utf8").trim().split("\n").slice(-3).join("\n");
      throw new Error(`dockerd could not be started: ${ended ?? "it doesn't answer"}\n${said}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  engine.unref();
  return async () => {
    if (ended !== null) return;
    const gone = new Promise((resolve) => engine.once("exit", resolve));
    engine.ref();
    engine.kill("SIGTERM");
    await gone;
  };
}

function ensureImage(name, recipe, make, log) {
  const inspect = ["image", "inspect", "--format", `{{index .Config.Labels "${recipeLabel}"}}`, name];
  const { status, stdout } = spawnSync("docker", inspect, { encoding: "utf8" });
  if (status === 0 && stdout.trim() === recipe) return;
  log(`   making ${name}`);
  make(recipe, log);
}

function hashOf(...parts) {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 16);
}

/** Of the machine's release: its Node is to run there. */
function release() {
  const found = /^VERSION_CODENAME=(\w+)$/m.exec(readFileSync("/etc/os-release", "utf8"))?.[1];
  if (found !== undefined) return found;
  throw new Error("/etc/os-release says no VERSION_CODENAME: the images for the tests are made on Debian");
}

function baseRecipe() {
  const trusted = existsSync(certificates) ? readFileSync(certificates, "utf8") : "";
  return hashOf("base 1", release(), process.arch, basePackages, trusted);
}

function makeBase(recipe, log) {
  const file = join(cacheDir, `base-${recipe}.tar`);
  if (!existsSync(file)) bootstrapBase(file, log);
  const trust = `ENV SSL_CERT_FILE=${certificates} PIP_CERT=${certificates}`;
  importImage(file, baseImage, [trust, `LABEL ${recipeLabel}=${recipe}`, 'CMD ["/bin/sh"]']);
}

function bootstrapBase(file, log) {
  if (!hasProgram("debootstrap")) installPackages(["debootstrap"], log);
  if (!isRoot()) throw new Error("debootstrap, which makes the base image of the tests, needs root");
  const dir = mkdtempSync(join(tmpdir(), "handoff-base-"));
  const part = `${file}.${process.pid}`;
  try {
    log("   debootstrap: a minute or two, once");
    const include = `--include=${basePackages.join(",")}`;
    const mirror = debianMirror();
    quietly("debootstrap", ["--variant=minbase", include, release(), join(dir, "root"), ...mirror]);
    const root = join(dir, "root");
    for (const path of ["var/cache/apt/archives", "var/lib/apt/lists", "usr/share/doc", "usr/share/man"]) {
      rmSync(join(root, path), { recursive: true, force: true });
    }
    for (const path of ["var/cache/apt/archives/partial", "var/lib/apt/lists/partial"]) {
      mkdirSync(join(root, path), { recursive: true });
    }
    // What the machine trusts, the image trusts: there may be a proxy between it and the packages.
    if (existsSync(certificates)) copyFileSync(certificates, join(root, certificates));
    mkdirSync(cacheDir, { recursive: true });
    quietly("tar", [
      "-C",
      root,
      "--numeric-owner",
      "--exclude=./dev/*",
      "--exclude=./proc/*",
      "-cf",
      part,
      ".",
    ]);
    renameSync(part, file);
  } finally {
    rmSync(part, { force: true });
    rmSync(dir, { recursive: true, force: true });
  }
}

/** The one that the machine's own packages are from; none: debootstrap's default. */
function debianMirror() {
  for (const file of ["/etc/apt/sources.list.d/debian.sources", "/etc/apt/sources.list"]) {
    if (!existsSync(file)) continue;
    const found = /^(?:URIs:|deb)\s+(?:\[.*?\]\s+)?(https?:\/\/\S*\/debian)\/?(?:\s|$)/m.exec(
      readFileSync(file, "utf8"),
    );
    if (found) return [found[1]];
  }
  return [];
}

function nodeRecipe() {
  return hashOf("node 1", process.version, process.arch, process.execPath);
}

function makeNode(recipe) {
  const dir = mkdtempSync(join(tmpdir(), "handoff-node-"));
  try {
    mkdirSync(join(dir, "usr/local/bin"), { recursive: true });
    copyFileSync(process.execPath, join(dir, "usr/local/bin/node"));
    quietly("tar", ["-C", dir, "--numeric-owner", "--owner=0", "--group=0", "-cf", `${dir}.tar`, "usr"]);
    importImage(`${dir}.tar`, nodeImage, [`LABEL ${recipeLabel}=${recipe}`]);
  } finally {
    rmSync(dir, { recursive: true, force: true });
    rmSync(`${dir}.tar`, { force: true });
  }
}

function importImage(file, name, changes) {
  quietly("docker", ["import", ...changes.flatMap((change) => ["--change", change]), file, name]);
}

/** Says something only when it fails. */
function quietly(file, args, options = {}) {
  try {
    execFileSync(file, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"], ...options });
  } catch (error) {
    const said = `${error.stdout ?? ""}\n${error.stderr ?? error.message}`
      .trim()
      .split("\n")
      .slice(-5)
      .join("\n");
    throw new Error(`${file} ${args.slice(0, 2).join(" ")} failed: ${said}`);
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const { reason } = await ensureDocker();
  if (reason === undefined) console.log(`Docker is there, with ${baseImage} and ${nodeImage}`);
  else console.error(`no Docker for the tests: ${reason}`);
  process.exitCode = reason === undefined ? 0 : 1;
}
