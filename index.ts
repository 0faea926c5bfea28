/** The Pulumi program: a stack's config -> model -> Pipeline. `handoff init` writes the same two lines into a user's repository. */
import { program } from "./providers/index.js";

export const outputs = await program();
