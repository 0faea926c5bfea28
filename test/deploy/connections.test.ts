/** Engines one after the other, at the same address. */
import { createRequire } from "node:module";
import type { Server, ServerCredentials, ServiceError, UntypedServiceImplementation } from "@grpc/grpc-js";
import { expect } from "chai";
import { connectAnew } from "../../deploy/connections.js";

// As Pulumi's runtime sees them, whose types leave them out.
const fromPulumi = createRequire(createRequire(import.meta.url).resolve("@pulumi/pulumi"));
const grpc = fromPulumi("@grpc/grpc-js") as {
  readonly Server: new () => Server;
  readonly ServerCredentials: typeof ServerCredentials;
  readonly credentials: { createInsecure(): unknown };
};
const { EngineClient, EngineService } = fromPulumi("./proto/engine_grpc_pb.js") as {
  readonly EngineClient: new (address: string, credentials: unknown, options: object) => Engine;
  readonly EngineService: Parameters<Server["addService"]>[0];
};
const { GetRootResourceRequest, GetRootResourceResponse } = fromPulumi("./proto/engine_pb.js") as Record<
  "GetRootResourceRequest" | "GetRootResourceResponse",
  new () => object
>;
const settings = fromPulumi("./runtime/settings.js") as { readonly grpcClientOptions: object };

interface Engine {
  getRootResource(request: object, callback: (error: ServiceError | null) => void): void;
  close(): void;
}

async function serve(port: number): Promise<{ readonly port: number; stop(): void }> {
  const server = new grpc.Server();
  const answer: UntypedServiceImplementation = {
    getRootResource: (_call: unknown, callback: (error: null, answer: object) => void) =>
      callback(null, new GetRootResourceResponse()),
  };
  server.addService(EngineService, answer);
  const bound = await new Promise<number>((done, fail) =>
    server.bindAsync(`127.0.0.1:${port}`, grpc.ServerCredentials.createInsecure(), (error, at) =>
      error ? fail(error) : done(at),
    ),
  );
  return { port: bound, stop: () => server.forceShutdown() };
}

/** Connections that nobody closed: an update that was cut short leaves some. */
const left: Engine[] = [];

function call(port: number): Promise<string> {
  const address = `127.0.0.1:${port}`;
  const client = new EngineClient(address, grpc.credentials.createInsecure(), settings.grpcClientOptions);
  left.push(client);
  return new Promise((done) =>
    client.getRootResource(new GetRootResourceRequest(), (error) => done(error ? error.message : "answered")),
  );
}

describe("deploy: connections to engines", () => {
  after(() => {
    for (const client of left) client.close();
  });

  it("an engine at the address of one that ended is reached at once", async () => {
    connectAnew();
    const first = await serve(0);
    expect(await call(first.port)).to.equal("answered");
    first.stop();
    // The first may still find the connection that is being closed.
    expect(await call(first.port)).not.to.equal("answered");
    expect(await call(first.port)).to.contain("UNAVAILABLE");
    const second = await serve(first.port);
    try {
      expect(await call(first.port)).to.equal("answered");
    } finally {
      second.stop();
    }
  });
});
