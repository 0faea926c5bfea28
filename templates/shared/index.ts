export { program as default } from "handoff"; // Pulumi calls it; what it returns are the stack's outputs
