/** The Pulumi program: a stack's config -> model -> Pipeline. Pulumi calls it, and what it returns are the stack's outputs. */
export { program as default } from "./providers/index.js";
