/** The image of `handoff:engine: docker`: built here, or pulled where the stack names one. This deployment's is told by a tag. */
import { createHash } from "node:crypto";
import { contentHash } from "../../model/content.js";
import { UserError } from "../../model/diagnostic.js";
import { planDeployment } from "../../model/plan.js";
import { type DeployPlan, stackSettings } from "../../model/plan-types.js";
import type { RunSpec } from "../../model/run.js";
import { docker, findDocker, lastLine } from "../docker.js";
import { buildImage, hashOfImage } from "../image-build.js";
import { type Failure, type PluginContext, type ResourceKind, requireText, text } from "./plugin-kind.js";
import type { Props } from "./plugin-values.js";

export const image: ResourceKind = {
  replaceOn: ["deployment", "contentHash"],
  // The hash is of all that is in them.
  ignore: ["source", "spec", "base", "node", "image"],
  async check(inputs, { env }) {
    const failures = requireText(inputs, "deployment", "image" in inputs ? "image" : "source");
    if (!("image" in inputs) && !isSpec(inputs.spec))
      failures.push({ property: "spec", reason: "must be a runner's spec" });
    return [...failures, ...(await dockerProblem(env))];
  },
  derived: (inputs, { env }) => ({
    contentHash: typeof inputs.image === "string" ? sha256(inputs.image) : hashOfImage(planOf(inputs), env),
  }),
  path: tagOf,
  async write(inputs, tag, { env, log }) {
    if (typeof inputs.image === "string") return { imageId: await pull(inputs.image, tag, env) };
    try {
      const { id } = await buildImage(planOf(inputs), { env, log, tag, tagOnly: true });
      return { imageId: id };
    } catch (error) {
      throw error instanceof UserError ? new Error(sentence(error)) : error;
    }
  },
  async read(state, tag, { env }) {
    const found = await imageId(tag, env);
    if (found === undefined) return undefined;
    const { deployment, contentHash: hash, ...inputs } = inputsOf(state);
    const same = found === state.imageId;
    // The tag was moved to another image: the next update makes it again.
    return {
      deployment,
      contentHash: same ? hash : "",
      ...inputs,
    };
  },
  async remove(_state, tag, { env, log }) {
    // Forced: a container that runs keeps the image, without its name.
    const end = await docker(["image", "rm", "--force", tag], { env });
    if (end.exitCode !== 0 && !/no such image/i.test(end.stderr))
      log(`the image ${tag} is left behind: ${lastLine(end)}`);
  },
};

/** One for each deployment of each home, so that removing it takes nothing from another. */
function tagOf(inputs: Props, { home }: PluginContext): string {
  const deployment = text(inputs, "deployment");
  const readable = deployment
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "");
  const whose = sha256(JSON.stringify([home, deployment])).slice(0, 8);
  return `handoff-local/${readable || "deployment"}:${whose}-${text(inputs, "contentHash").slice(0, 24)}`;
}

/** Known before anything is changed. */
async function dockerProblem(env: PluginContext["env"]): Promise<Failure[]> {
  try {
    await findDocker({ env });
    return [];
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const way = "or write handoff:engine: process, which needs none";
    // No property's fault: the engine then names the resource alone.
    return [{ property: "", reason: `handoff:engine is docker: ${sentence(error)}, ${way}` }];
  }
}

async function pull(given: string, tag: string, env: PluginContext["env"]): Promise<string> {
  const there = (await imageId(given, env)) ?? (await pulled(given, env));
  const end = await docker(["tag", there, tag], { env });
  if (end.exitCode !== 0) throw new Error(`${given} can't be tagged: ${lastLine(end)}`);
  return there;
}

async function pulled(given: string, env: PluginContext["env"]): Promise<string> {
  const end = await docker(["pull", "--quiet", given], { env });
  const id = end.exitCode === 0 ? await imageId(given, env) : undefined;
  if (id !== undefined) return id;
  throw new Error(
    `${given} can't be pulled: ${lastLine(end)}; sign in to its registry with \`docker login\``,
  );
}

async function imageId(name: string, env: PluginContext["env"]): Promise<string | undefined> {
  const end = await docker(["image", "inspect", "--format", "{{.Id}}", name], { env });
  if (end.exitCode === 0) return end.stdout.trim();
  if (/no such image/i.test(end.stderr)) return undefined;
  throw new Error(`Docker can't say whether there is an image ${name}: ${lastLine(end)}`);
}

/** What the engine's state has of them; `null` stands for what isn't there. */
function inputsOf(state: Props): Props {
  const names = ["deployment", "contentHash", "source", "spec", "base", "node", "image"];
  return Object.fromEntries(names.flatMap((name) => (state[name] == null ? [] : [[name, state[name]]])));
}

function planOf(inputs: Props): DeployPlan {
  const projectDir = text(inputs, "source");
  if (!isSpec(inputs.spec)) throw new Error("property spec is not a runner's spec");
  const settings = stackSettings({
    stack: text(inputs, "deployment"),
    cloud: "local",
    projectDir,
    ...(typeof inputs.base === "string" ? { imageBase: inputs.base } : {}),
    ...(typeof inputs.node === "string" ? { imageNode: inputs.node } : {}),
  });
  return planDeployment(inputs.spec.project, settings, contentHash(projectDir));
}

function isSpec(value: unknown): value is RunSpec {
  return typeof value === "object" && value !== null && "project" in value;
}

function sentence({ message, hint }: UserError): string {
  return hint === undefined ? message : `${message}; ${hint}`;
}

function sha256(data: string): string {
  return createHash("sha256").update(data).digest("hex");
}
