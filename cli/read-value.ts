import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { ExitCode, UserError } from "../model/diagnostic.js";
import type { CliContext } from "./context.js";

/**
 * A secret's value: from `file`, else from stdin, else typed into the terminal without being shown. A final newline is
 * dropped.
 * @throws UserError `empty-secret`, or `interrupted` when Ctrl-C ended the prompt.
 */
export async function readSecretValue(
  key: string,
  file: string | undefined,
  context: CliContext,
): Promise<string> {
  const text = file !== undefined ? readValueFile(file, context) : await readFromStdin(key, context);
  const value = text.replace(/\r?\n$/, "");
  if (value === "") {
    throw new UserError(`the value of ${key} is empty`, {
      code: "empty-secret",
      hint: `pipe it in, as in: printf %s "$VALUE" | handoff secrets set ${key}`,
    });
  }
  return value;
}

function readValueFile(file: string, context: CliContext): string {
  try {
    return readFileSync(resolve(context.cwd, file), "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new UserError(`${file} can't be read: ${code}`, {
      code: "no-file",
      hint: "--file takes the path of a file that holds the value alone",
    });
  }
}

async function readFromStdin(key: string, context: CliContext): Promise<string> {
  if (context.stdin.isTTY) return await promptHidden(`${key}: `, context);
  context.stdin.setEncoding("utf8");
  let text = "";
  for await (const chunk of context.stdin) text += String(chunk);
  return text;
}

function promptHidden(question: string, context: CliContext): Promise<string> {
  const { stdin, stderr } = context;
  stderr.write(question);
  stdin.setRawMode(true);
  stdin.setEncoding("utf8");
  stdin.resume();
  return new Promise((done, fail) => {
    let typed = "";
    const finish = (): void => {
      stdin.off("data", take);
      stdin.setRawMode(false);
      stdin.pause();
      stderr.write("\n");
    };
    const take = (chunk: string): void => {
      for (const character of chunk) {
        if (character === "\r" || character === "\n" || character === "\u0004") {
          finish();
          done(typed);
          return;
        }
        // Raw mode hands us Ctrl-C as a character.
        if (character === "\u0003") {
          finish();
          fail(
            new UserError("stopped; nothing was set", {
              code: "interrupted",
              exitCode: ExitCode.interrupted,
            }),
          );
          return;
        }
        typed = character === "\u007f" || character === "\b" ? typed.slice(0, -1) : typed + character;
      }
    };
    stdin.on("data", take);
  });
}
