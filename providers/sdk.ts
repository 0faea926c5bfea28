/**
 * Classes and functions of the clouds' Pulumi SDKs by type token. The SDKs have a file for each resource, named by its token:
 * only the files of what is deployed are loaded, at once and not through the whole package.
 */
import { createRequire } from "node:module";
import type * as pulumi from "@pulumi/pulumi";
import { UserError } from "../model/diagnostic.js";
import type { ComponentModule, CustomClass } from "./contract.js";

type Question = (args: pulumi.Inputs, options: pulumi.InvokeOptions) => Promise<unknown>;
type Lookup = (args: pulumi.Inputs, options: pulumi.InvokeOptions) => pulumi.Output<unknown>;

type LookupOfNothing = (options: pulumi.InvokeOptions) => pulumi.Output<unknown>;

/** Tokens' first part, to the npm package. */
const packages: Readonly<Record<string, string>> = {
  aws: "@pulumi/aws",
  gcp: "@pulumi/gcp",
  "azure-native": "@pulumi/azure-native",
  "docker-build": "@pulumi/docker-build",
};

/** The component module of a platform whose resources are all of SDKs. */
export const sdkModule: ComponentModule = {
  classOf: (type) => load(type, (name) => name) as CustomClass,
  lookup(type, inputs, options) {
    const lookup = load(type, (name) => `${name}Output`) as Lookup | LookupOfNothing;
    // Functions that are asked nothing take the options alone, such as `getClientConfig` of Google Cloud.
    return lookup.length === 1 ? (lookup as LookupOfNothing)(options) : (lookup as Lookup)(inputs, options);
  },
  ask: async (type, inputs, options) => await (load(type, (name) => name) as Question)(inputs, options),
};

/** npm package, file in it and name of what a token means: `aws:ecs/cluster:Cluster` is `Cluster` of `@pulumi/aws/ecs/cluster.js`. */
export function sdkFile(token: string): { packageName: string; file: string; name: string } {
  const [provider = "", module = "", name = ""] = token.split(":");
  const packageName = packages[provider];
  if (packageName === undefined) throw new Error(`no SDK is known for ${token}`);
  // `ecs/cluster` names the file; azure-native's `app` and the `index` of a package only the folder.
  const [folder = ""] = module.split("/");
  // Capitals that a name starts with are small in its file's: `IAMMember` is in `iammember.js`.
  const base = name.replace(/^[A-Z]+/, (capitals) => capitals.toLowerCase());
  return {
    packageName,
    file: [packageName, ...(folder === "index" ? [] : [folder]), `${base}.js`].join("/"),
    name,
  };
}

/** Beside handoff first, so that it has the same `@pulumi/pulumi`; else in the user's project. */
const requires = [createRequire(import.meta.url), createRequire(`${process.cwd()}/index.js`)];

function load(token: string, exported: (name: string) => string): unknown {
  const { packageName, file, name } = sdkFile(token);
  for (const require of requires) {
    let path: string;
    try {
      path = require.resolve(file);
    } catch {
      continue;
    }
    const found: unknown = require(path)[exported(name)];
    if (found === undefined) throw new Error(`${file} has no ${exported(name)}`);
    return found;
  }
  throw new UserError(`the package ${packageName} is not installed, or has no ${name}`, {
    code: "sdk-not-installed",
    hint: `npm install ${packageName}`,
  });
}

/** Type token that a class was made for, from the class itself. */
export function tokenOf(SdkClass: CustomClass): unknown {
  return "__pulumiType" in SdkClass ? SdkClass.__pulumiType : undefined;
}
