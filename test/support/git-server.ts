/** A git server on loopback: `git http-backend`, which is git's own, behind Node's HTTP server with basic authentication. */
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

export interface GitServerOptions {
  /** Who may read, as `user:password`. Default: anybody. */
  readonly credentials?: string;
  /** Answers instead of git where it gives true. */
  readonly before?: (request: IncomingMessage, response: ServerResponse) => boolean;
}

export interface GitServer {
  readonly url: string;
  /** `Authorization` headers that came, decoded. */
  readonly seen: readonly string[];
  /** Bytes of answers. */
  sent(): number;
  close(): Promise<void>;
}

/** Serves the repositories below `root`. */
export async function startGitServer(root: string, options: GitServerOptions = {}): Promise<GitServer> {
  const seen: string[] = [];
  let bytes = 0;
  const server = createServer((request, response) => {
    const basic = /^Basic (.+)$/.exec(request.headers.authorization ?? "")?.[1];
    const given = basic === undefined ? undefined : Buffer.from(basic, "base64").toString();
    if (given !== undefined) seen.push(given);
    if (options.before?.(request, response)) return;
    if (options.credentials !== undefined && given !== options.credentials) {
      response.writeHead(401, { "www-authenticate": 'Basic realm="git"' }).end("no");
      return;
    }
    serve(root, request, response, (length) => {
      bytes += length;
    });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, seen, sent: () => bytes, close: () => closed(server) };
}

function closed(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((done) => server.close(() => done()));
}

/** One request as CGI has it. */
function serve(
  root: string,
  request: IncomingMessage,
  response: ServerResponse,
  count: (bytes: number) => void,
): void {
  const { pathname, search } = new URL(request.url ?? "/", "http://localhost");
  const backend = spawn("git", ["http-backend"], {
    env: {
      PATH: process.env.PATH,
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: "1",
      GIT_PROTOCOL: String(request.headers["git-protocol"] ?? ""),
      HTTP_CONTENT_ENCODING: String(request.headers["content-encoding"] ?? ""),
      REQUEST_METHOD: request.method,
      PATH_INFO: decodeURIComponent(pathname),
      QUERY_STRING: search.slice(1),
      CONTENT_TYPE: request.headers["content-type"] ?? "",
      ...(request.headers["content-length"] ? { CONTENT_LENGTH: request.headers["content-length"] } : {}),
      REMOTE_ADDR: "127.0.0.1",
    },
    stdio: ["pipe", "pipe", "ignore"],
  });
  request.pipe(backend.stdin);
  backend.stdin.on("error", () => {});
  const chunks: Buffer[] = [];
  backend.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  backend.on("close", () => {
    const answer = Buffer.concat(chunks);
    const end = answer.indexOf("\r\n\r\n");
    const headers = answer.subarray(0, end).toString().split("\r\n");
    let status = 200;
    for (const header of headers) {
      const [, name = "", value = ""] = /^([^:]+): *(.*)$/.exec(header) ?? [];
      if (name.toLowerCase() === "status") status = Number.parseInt(value, 10);
      else if (name !== "") response.setHeader(name, value);
    }
    count(answer.length);
    response.writeHead(status).end(answer.subarray(end + 4));
  });
}

/** A repository to make commits in; the server shares it as it is. */
export class TestRepository {
  readonly dir: string;

  constructor(parent: string, name: string) {
    this.dir = join(parent, name);
    mkdirSync(this.dir, { recursive: true });
    this.git("init", "--quiet", "--template=", "--initial-branch=main");
  }

  /** Writes the files (null removes one) and commits; gives the commit. */
  commit(files: Readonly<Record<string, string | null>>): string {
    for (const [name, content] of Object.entries(files)) {
      const file = join(this.dir, name);
      mkdirSync(dirname(file), { recursive: true });
      if (content === null) rmSync(file);
      else writeFileSync(file, content);
    }
    this.git("add", "--all");
    this.git("commit", "--quiet", "--allow-empty", "-m", "a commit");
    return this.git("rev-parse", "HEAD");
  }

  git(...args: string[]): string {
    const identity = [
      "-c",
      "user.name=test",
      "-c",
      "user.email=test@example.com",
      "-c",
      "commit.gpgsign=false",
    ];
    return execFileSync("git", [...identity, ...args], { cwd: this.dir, encoding: "utf8" }).trim();
  }
}

/** A temporary folder for repositories, clones and caches. */
export function temporaryFolder(): { readonly dir: string; remove(): void } {
  const dir = mkdtempSync(join(tmpdir(), "handoff-git-"));
  return { dir, remove: () => rmSync(dir, { recursive: true, force: true }) };
}
