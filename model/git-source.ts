/** What can be cloned at a job's start: the same rules for project.yml and for the runner's variables. */

export interface GitProblem {
  readonly code: "invalid-value" | "secret-in-file";
  readonly message: string;
  readonly hint: string;
}

const howToWrite =
  "Give an `https://` address; for a private repository add `token:` with the name of a secret.";

/** Beginnings of access tokens, which some people put in the user's place. */
const tokenLike = /^(gh[opsur]_|github_pat_|gl[a-z]{2,5}-|ATBB|ATCTT)/;

/** What is wrong with a repository's address; undefined: nothing. Never repeats a password that it finds. */
export function gitUrlProblem(url: string): GitProblem | undefined {
  // First, and by eye: what follows would repeat it.
  const user = /^[a-z+]+:\/\/([^/@\s]*)@/i.exec(url)?.[1] ?? "";
  if (user.includes(":") || tokenLike.test(user)) {
    return {
      code: "secret-in-file",
      message: "the address of the repository holds a password",
      hint: "Remove it, put it into a secret of the stack, and add `token:` with the secret's name.",
    };
  }
  const parts = URL.canParse(url) ? new URL(url) : undefined;
  const schemes: readonly string[] = ["https:", "http:", "file:"];
  if (/^(ssh|git\+ssh|git):\/\//i.test(url) || /^[^/\s]+@[^/\s]+:/.test(url)) {
    return {
      code: "invalid-value",
      message: `\`${url}\` can't be cloned: a job has no key for ssh, and git:// proves nobody's identity`,
      hint: howToWrite,
    };
  }
  if (!parts || !schemes.includes(parts.protocol) || /[\s\\]/.test(url) || parts.pathname.length < 2) {
    return {
      code: "invalid-value",
      message: `\`${url}\` is not the address of a repository`,
      hint: howToWrite,
    };
  }
  return undefined;
}

/** As `git check-ref-format` has it, and nothing that `git fetch` would take for more than a name. */
export const gitRefPattern =
  /^(?![-+/.]|@$)(?!.*([~^:?*[\\]|\.\.|@\{|\/\/|\/\.|\.lock(\/|$)))(?!.*[/.]$)[!-~\u00a1-\uffff]+$/;

/** What is wrong with the name of a branch or tag, or with a commit's id. */
export function gitRefProblem(ref: string): GitProblem | undefined {
  if (gitRefPattern.test(ref)) return undefined;
  return {
    code: "invalid-value",
    message: `\`${ref}\` is not a branch, tag or commit`,
    hint: "Give one name, such as `main` or `v1.2`, or the whole id of a commit.",
  };
}

/** A repository's name: the last part of its address, as git itself names a clone's folder. */
export function repositoryName(url: string): string {
  const last = url.replace(/\/+$/, "").split(/[/:]/).at(-1) ?? "";
  const name = last.replace(/\.git$/, "").replace(/[^\w.-]/g, "_");
  return /^\.*$/.test(name) ? "repository" : name;
}
