import { program } from "handoff";
export const outputs = await program();
