import { PassThrough } from "node:stream";
import { expect } from "chai";
import type { CliContext } from "../../cli/context.js";
import { handleError } from "../../cli/errors.js";
import { UserError } from "../../model/diagnostic.js";

function handled(error: unknown, abortedBy?: string): { readonly code: number; readonly text: string } {
  const stderr = new PassThrough();
  const interruption = new AbortController();
  if (abortedBy) interruption.abort(abortedBy);
  const code = handleError(error, {
    stderr,
    env: {},
    interrupted: interruption.signal,
  } as unknown as CliContext);
  return { code, text: String(stderr.read() ?? "") };
}

describe("cli: errors", () => {
  it("shows a user's mistake with its place and hint, without a stack", () => {
    const location = { file: "project.yml", line: 3, column: 7, path: "tasks[0].name" };
    expect(handled(new UserError("a name twice", { code: "x", hint: "rename one", location }))).to.deep.equal(
      {
        code: 2,
        text: "project.yml:3:7: error: a name twice (tasks[0].name)\n  -> rename one\n",
      },
    );
  });

  it("shows every diagnostic", () => {
    const diagnostics = ["one", "two"].map((message) => ({ severity: "error" as const, code: "x", message }));
    const { code, text } = handled(
      new UserError("project.yml: 2 problems", { code: "x", diagnostics, exitCode: 2 }),
    );
    expect(text).to.equal("error: one\nerror: two\nhandoff: project.yml: 2 problems\n");
    expect(code).to.equal(2);
  });

  it("keeps the exit code that the error asks for", () => {
    expect(handled(new UserError("no", { code: "x", exitCode: 124 })).code).to.equal(124);
  });

  it("asks for a report of a bug, with its stack", () => {
    const { code, text } = handled(new TypeError("x is not a function"));
    expect(text).to.match(/bug in handoff[\s\S]*TypeError: x is not a function\n {4}at /);
    expect(code).to.equal(1);
  });

  it("tells an interruption from a bug", () => {
    expect(handled(new Error("aborted"), "SIGINT")).to.deep.equal({ code: 130, text: "handoff: stopped\n" });
    expect(handled(new Error("aborted"), "SIGTERM").code).to.equal(143);
  });
});
