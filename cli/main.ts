/** Every command, each loaded when it is asked for. */
import { runProcess } from "./process.js";
import { commands } from "./registry.js";

runProcess(commands);
