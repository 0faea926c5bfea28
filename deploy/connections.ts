/** How this process connects to the engines that it starts one after the other. */
import * as settings from "@pulumi/pulumi/runtime/settings.js";

/**
 * Has each connection to an engine made anew. gRPC shares them by address in a process, and an engine may be given the port
 * of one that has just ended: the connection that was refused there would be found, and fail the update with "No connection
 * established. Last error: null". May be called more than once.
 */
export function connectAnew(): void {
  // Pulumi marks the options as internal: its types leave them out.
  const { grpcClientOptions } = settings as unknown as {
    readonly grpcClientOptions?: Record<string, unknown>;
  };
  if (grpcClientOptions) grpcClientOptions["grpc.use_local_subchannel_pool"] = 1;
}
