/** The commands that people wait for most, in one file that holds nothing else: `start.ts` loads it fast. */
import { run } from "./commands/run.js";
import { validate } from "./commands/validate.js";
import { runProcess } from "./process.js";

runProcess({ run: async () => run, validate: async () => validate });
