/** Where artifacts are kept, as HANDOFF_ARTIFACTS says it. */
import { UserError } from "../../../model/diagnostic.js";

export type Location =
  | { readonly kind: "folder"; readonly dir: string }
  | { readonly kind: "s3" | "gcs"; readonly bucket: string; readonly prefix: string; readonly url: string }
  | {
      readonly kind: "blob";
      /** Of the storage account. */
      readonly endpoint: string;
      readonly container: string;
      readonly prefix: string;
      readonly url: string;
    };

/** @throws UserError `invalid-environment` for what is none of the forms */
export function parseLocation(given: string): Location {
  if (given.startsWith("/")) return { kind: "folder", dir: given };
  const bucket = /^(s3|gs):\/\/([^/]+)\/?(.*)$/.exec(given);
  if (bucket) {
    const [, scheme, name = "", prefix = ""] = bucket;
    return { kind: scheme === "s3" ? "s3" : "gcs", bucket: name, prefix: folder(prefix), url: given };
  }
  const blob = /^(https?:\/\/[^/]+)\/(.+)$/.exec(given);
  if (blob) {
    const [, host = "", rest = ""] = blob;
    const parts = rest.split("/").filter((part) => part !== "");
    // Servers that aren't Azure's have the account as the first part of the path.
    const account = host.includes(".blob.") ? [] : parts.splice(0, 1);
    const [container, ...prefix] = parts;
    if (container !== undefined) {
      const endpoint = [host, ...account].join("/");
      return { kind: "blob", endpoint, container, prefix: folder(prefix.join("/")), url: given };
    }
  }
  throw new UserError(`HANDOFF_ARTIFACTS is ${given}, which is no place for artifacts`, {
    code: "invalid-environment",
    hint: "write an absolute folder, s3://bucket/prefix, gs://bucket/prefix or https://account.blob.core.windows.net/container/prefix",
  });
}

/** With its `/` at the end; the store's root is "". */
function folder(prefix: string): string {
  const trimmed = prefix.replace(/^\/+|\/+$/g, "");
  return trimmed === "" ? "" : `${trimmed}/`;
}
