/** `up` as a process that a test can kill: prints each progress event as a line of JSON. */
import { up } from "../../deploy/stack.js";

const [cwd, stack] = process.argv.slice(2);
if (!cwd || !stack) throw new Error("usage: up-process CWD STACK");
await up({
  cwd,
  stack,
  env: process.env,
  onEvent: (event) => process.stdout.write(`${JSON.stringify(event)}\n`),
});
