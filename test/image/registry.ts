/** A registry on loopback that takes what `docker push` and BuildKit send and gives it back: what these need of the distribution protocol. */
import { createHash, randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";

export class TestRegistry {
  /** Manifests by `name:reference`, tag and digest. */
  readonly manifests = new Map<string, Buffer>();
  readonly blobs = new Map<string, Buffer>();
  /** Digests of the blobs and manifests that were sent, in order; a test may empty it. */
  readonly sent: string[] = [];
  /** Names that somebody signed in with. */
  readonly users = new Set<string>();
  readonly #uploads = new Map<string, Buffer>();
  readonly #server: Server;

  readonly #isLogin: IsLogin | undefined;

  private constructor(isLogin: IsLogin | undefined) {
    this.#isLogin = isLogin;
    this.#server = createServer((request, response) => {
      this.#answer(request).then(
        ({ status, headers = {}, body }) => response.writeHead(status, headers).end(body),
        (error: unknown) => response.writeHead(500).end(String(error)),
      );
    });
  }

  /** @param isLogin whether these may use it; default: everybody, without signing in */
  static async start(isLogin?: IsLogin): Promise<TestRegistry> {
    const registry = new TestRegistry(isLogin);
    await new Promise<void>((resolve) => registry.#server.listen(0, "127.0.0.1", resolve));
    return registry;
  }

  /** Docker asks registries on loopback without TLS. */
  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #letsIn({ headers: { authorization = "" } }: IncomingMessage): boolean {
    if (this.#isLogin === undefined) return true;
    const basic = Buffer.from(authorization.replace(/^Basic /, ""), "base64").toString();
    const [name = "", ...password] = basic.split(":");
    if (name === "" || !this.#isLogin(name, password.join(":"))) return false;
    this.users.add(name);
    return true;
  }

  async #answer(request: IncomingMessage): Promise<Answer> {
    const { method = "", url = "" } = request;
    const { pathname, searchParams } = new URL(url, "http://registry");
    const body = await read(request);
    if (!this.#letsIn(request)) return { status: 401, headers: { "www-authenticate": 'Basic realm="test"' } };
    if (pathname === "/v2/") return { status: 200 };
    const [, name = "", kind = "", rest = ""] = /^\/v2\/(.+)\/(blobs|manifests)\/(.*)$/.exec(pathname) ?? [];
    if (kind === "manifests") {
      if (method !== "PUT") return manifestAnswer(this.manifests.get(`${name}:${rest}`));
      this.manifests.set(`${name}:${rest}`, body);
      this.manifests.set(`${name}:${digestOf(body)}`, body);
      this.sent.push(digestOf(body));
      return { status: 201, headers: { "docker-content-digest": digestOf(body) } };
    }
    if (method === "HEAD" || method === "GET") {
      const blob = this.blobs.get(rest);
      if (!blob) return { status: 404 };
      return { status: 200, headers: { "content-length": String(blob.length) }, body: blob };
    }
    const upload = rest.replace(/^uploads\//, "");
    if (method === "POST") {
      const id = randomUUID();
      this.#uploads.set(id, Buffer.alloc(0));
      return { status: 202, headers: { location: `/v2/${name}/blobs/uploads/${id}`, range: "0-0" } };
    }
    const bytes = Buffer.concat([this.#uploads.get(upload) ?? Buffer.alloc(0), body]);
    this.#uploads.set(upload, bytes);
    const location = `/v2/${name}/blobs/uploads/${upload}`;
    if (method === "PATCH") return { status: 202, headers: { location, range: `0-${bytes.length - 1}` } };
    const digest = searchParams.get("digest") ?? "";
    if (digestOf(bytes) !== digest) return { status: 400, body: '{"errors":[{"code":"DIGEST_INVALID"}]}' };
    this.blobs.set(digest, bytes);
    this.sent.push(digest);
    return {
      status: 201,
      headers: { location: `/v2/${name}/blobs/${digest}`, "docker-content-digest": digest },
    };
  }
}

export type IsLogin = (name: string, password: string) => boolean;

interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

/** A HEAD's body is left out by Node. */
function manifestAnswer(manifest: Buffer | undefined): Answer {
  if (!manifest) return { status: 404 };
  const { mediaType = "" } = JSON.parse(manifest.toString()) as { mediaType?: string };
  const headers = {
    "content-type": mediaType,
    "content-length": String(manifest.length),
    "docker-content-digest": digestOf(manifest),
  };
  return { status: 200, headers, body: manifest };
}

function digestOf(bytes: Buffer): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

async function read(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
