/** A user's repository: the folder of Pulumi.yaml, and its stacks' files. */
import { existsSync, readdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { type Diagnostic, UserError } from "../model/diagnostic.js";
import { nearest } from "../model/nearest.js";
import type { RawSettings } from "../providers/settings.js";
import { readSharedConfig, type SharedConfig, settingPath, withShared } from "./shared-config.js";
import { isMap, readYaml, type YamlFile } from "./yaml-file.js";

export interface Repository {
  /** Folder of Pulumi.yaml, absolute. */
  readonly root: string;
  /** Name in Pulumi.yaml. */
  readonly name: string;
  /** `backend.url` of Pulumi.yaml. */
  readonly backendUrl: string | undefined;
  /** Folder of the stacks' files, absolute: `stackConfigDir` of Pulumi.yaml, else `root`. */
  readonly stackDir: string;
  /** Settings of all stacks: `config` of Pulumi.yaml. */
  readonly shared: SharedConfig;
  /** Stacks that have a Pulumi.<stack>.yaml, sorted. */
  readonly stacks: readonly string[];
}

/**
 * Looks for Pulumi.yaml from `cwd` upward.
 * @throws UserError `no-repository`, or `invalid-yaml` with the place.
 */
export function findRepository(cwd: string): Repository {
  let root = resolve(cwd);
  while (!existsSync(join(root, "Pulumi.yaml"))) {
    const parent = dirname(root);
    if (parent === root) {
      throw new UserError(`there is no Pulumi.yaml in ${cwd} or above`, {
        code: "no-repository",
        hint: "go to a folder of your repository, or make one with `handoff init`",
      });
    }
    root = parent;
  }
  const file = readYaml(join(root, "Pulumi.yaml"), cwd);
  const { data } = file;
  const name = typeof data.name === "string" ? data.name : "";
  if (name === "") {
    throw new UserError(`${join(root, "Pulumi.yaml")} has no name`, {
      code: "no-name",
      hint: "add `name: my-pipelines`",
    });
  }
  const backendUrl =
    isMap(data.backend) && typeof data.backend.url === "string" ? data.backend.url : undefined;
  const dir = data.stackConfigDir ?? data.config;
  const stackDir = typeof dir === "string" ? resolve(root, dir) : root;
  const stacks = (existsSync(stackDir) ? readdirSync(stackDir) : [])
    .map((entry) => /^Pulumi\.(.+)\.yaml$/.exec(entry)?.[1])
    .filter((stack) => stack !== undefined)
    .sort();
  return { root, name, backendUrl, stackDir, shared: readSharedConfig(file, name), stacks };
}

/** Where the stack's file is, or would be. */
export function stackFilePath({ stackDir }: Repository, stack: string): string {
  // Pulumi Cloud has stacks of several organisations; `acme/dev` and `dev` share a file.
  return join(stackDir, `Pulumi.${stack.split("/").at(-1)}.yaml`);
}

/** The stack's file. @throws UserError `unknown-stack` that lists those that exist. */
export function stackFile(repository: Repository, stack: string): string {
  if (repository.stacks.includes(stack.split("/").at(-1) ?? "")) return stackFilePath(repository, stack);
  const near = nearest(stack, repository.stacks);
  const known =
    repository.stacks.length > 0 ? `the stacks are ${listed(repository.stacks)}` : "there is none yet";
  throw new UserError(`there is no stack ${stack}: ${known}`, {
    code: "unknown-stack",
    hint: near ? `did you mean ${near}?` : `make it: handoff stack new ${stack}`,
  });
}

/** A hundred names would hide what is said of them. */
function listed(names: readonly string[]): string {
  return names.length <= 10
    ? names.join(", ")
    : `${names.slice(0, 9).join(", ")} and ${names.length - 9} more`;
}

/** The settings of a stack: its file's, over those that all stacks share. No secret is decrypted. */
export function readSettings(
  repository: Repository,
  stack: string,
  { cwd, env }: { cwd: string; env: RawSettings["env"] },
): RawSettings {
  const file = readYaml(stackFile(repository, stack), cwd);
  const { shared } = repository;
  const own = isMap(file.data.config) ? file.data.config : {};
  const config = withShared(own, shared.settings);
  const secrets = readSecrets(own["handoff:secrets"], file, stack);
  return {
    stack,
    root: repository.root,
    config,
    secretKeys: secrets.keys,
    env,
    diagnostics: [...shared.diagnostics, ...checkFile(file), ...secrets.diagnostics],
    locate: (key) =>
      file.locate(["config", key]) ??
      shared.settings.find((setting) => settingPath(setting.key)[0] === key)?.location,
  };
}

/** What encrypts the stack's secrets, as its file says it, such as `awskms://alias/acme`; undefined for the backend's own. */
export function secretsProviderOf(repository: Repository, stack: string): string | undefined {
  const { secretsprovider } = readYaml(stackFile(repository, stack), repository.root).data;
  return typeof secretsprovider === "string" && secretsprovider !== "" ? secretsprovider : undefined;
}

/** What a backend of one's own leaves in a stack's file when the stack is made there: a passphrase's salt, or a service's data key. */
export function encryptionOf(
  repository: Repository,
  stack: string,
): { readonly salt: string | undefined; readonly key: string | undefined } {
  const { encryptionsalt, encryptedkey } = readYaml(stackFile(repository, stack), repository.root).data;
  return {
    salt: typeof encryptionsalt === "string" ? encryptionsalt : undefined,
    key: typeof encryptedkey === "string" ? encryptedkey : undefined,
  };
}

/** What in a stack's file isn't a setting, and changes what the settings are. */
function checkFile({ data, locate }: YamlFile): Diagnostic[] {
  const location = locate(["environment"]);
  if (data.environment === undefined || location === undefined) return [];
  return [
    {
      severity: "warning",
      code: "settings-elsewhere",
      message: "what `environment` adds to the config is known to the Pulumi engine alone",
      hint: "write what handoff is to know, which is its own keys, the region and the project, below `config`",
      location,
    },
  ];
}

/** Names of the secrets in a stack's file, and what isn't encrypted, or is so that not even its name can be read. */
function readSecrets(
  secrets: unknown,
  { locate }: YamlFile,
  stack: string,
): { readonly keys: readonly string[]; readonly diagnostics: readonly Diagnostic[] } {
  const problem = (message: string, hint: string, path: readonly string[]): Diagnostic => {
    const location = locate(path) ?? locate();
    return { severity: "error", code: "secret-in-file", message, hint, ...(location ? { location } : {}) };
  };
  const all = ["config", "handoff:secrets"];
  if (secrets === undefined || secrets === null) return { keys: [], diagnostics: [] };
  if (!isMap(secrets) || isEncrypted(secrets)) {
    const set = `handoff secrets set KEY -s ${stack}`;
    const what = isMap(secrets) ? "is encrypted as a whole, so that no name can be read" : "is no map";
    return {
      keys: [],
      diagnostics: [
        problem(`\`handoff:secrets\` ${what}`, `remove it, and set one after the other: ${set}`, all),
      ],
    };
  }
  const plain = Object.keys(secrets).filter((key) => !isEncrypted(secrets[key]));
  return {
    keys: Object.keys(secrets).sort(),
    diagnostics: plain.map((key) =>
      problem(
        `secret \`${key}\` is in plain text`,
        `change its value, which others may have read, and: handoff secrets set ${key} -s ${stack}`,
        [...all, key],
      ),
    ),
  };
}

function isEncrypted(value: unknown): boolean {
  return isMap(value) && typeof value.secure === "string" && Object.keys(value).length === 1;
}
