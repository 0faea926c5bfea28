/** Which artifact store a command is about: a deployed stack's, or the one at a place. */
import { resolve } from "node:path";
import { findRepository, readSettings } from "../deploy/repository.js";
import { UserError } from "../model/diagnostic.js";
import { deploymentPaths } from "../providers/local/home.js";
import { resolveDeployment } from "../providers/local/operate.js";
import type { ArtifactStore } from "../runner-image/src/artifacts.js";
import { openArtifacts } from "../runner-image/src/store/open.js";
import { type CliContext, say } from "./context.js";
import { operateContext } from "./operate-context.js";
import { findStack } from "./project-lookup.js";

export interface ArtifactPlace {
  /** The stack's name, or the place as it was given. */
  readonly name: string;
  /** A folder or a URL. */
  readonly location: string;
  readonly store: ArtifactStore;
}

/**
 * Of a stack on this machine no engine is asked; of another one, for its outputs. The store is reached as the user: with
 * what each cloud's own tools find.
 * @throws UserError `no-stack`, `unknown-stack`, `not-deployed`
 */
export async function openStackArtifacts(
  option: string | undefined,
  context: CliContext,
): Promise<ArtifactPlace> {
  const { stack } = findStack(context.cwd, option);
  const repository = findRepository(context.cwd);
  const { config } = readSettings(repository, stack, context);
  if ((config["handoff:cloud"] ?? "local") === "local") {
    const operate = operateContext(context);
    const deployment = resolveDeployment(operate, repository.name, stack);
    const location = deploymentPaths(operate.home, deployment).artifacts;
    return { name: stack, location, store: openArtifacts(location, context.env) };
  }
  const { outputs } = await import("../deploy/stack.js");
  const made = await outputs({
    cwd: context.cwd,
    stack,
    env: context.env,
    log: (line) => say(context, line),
    signal: context.interrupted,
  });
  const { location, region } = placeIn(made);
  if (location === undefined) {
    throw new UserError(`stack ${stack} is not deployed`, {
      code: "not-deployed",
      hint: `deploy it first: handoff up ${stack}`,
    });
  }
  // The bucket's own region, whatever the user's tools are set to.
  const env = region === undefined ? context.env : { ...context.env, AWS_REGION: region };
  return { name: stack, location, store: openArtifacts(location, env) };
}

/** For what may be no stack's any more: a folder, or a URL as `up` and `destroy` print it for data that they keep. */
export async function openArtifactPlace(given: string, context: CliContext): Promise<ArtifactPlace> {
  if (!given.includes("/")) return await openStackArtifacts(given, context);
  const location = given.includes("://") ? given : resolve(context.cwd, given);
  return { name: given, location, store: openArtifacts(location, context.env) };
}

function placeIn({ stores, region }: Readonly<Record<string, unknown>>): {
  readonly location?: string;
  readonly region?: string;
} {
  if (typeof stores !== "object" || stores === null || !("artifacts" in stores)) return {};
  const { artifacts } = stores;
  if (typeof artifacts !== "string") return {};
  return {
    location: artifacts,
    ...(artifacts.startsWith("s3:") && typeof region === "string" ? { region } : {}),
  };
}
