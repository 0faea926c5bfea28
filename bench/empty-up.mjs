// The peer of `handoff up` with nothing to do: the Automation API's smallest program. argv: work folder, CLI's root.
import { LocalWorkspace, PulumiCommand } from "@pulumi/pulumi/automation/index.js";

const [workDir, root] = process.argv.slice(2);
const stack = await LocalWorkspace.createOrSelectStack(
  { stackName: "empty", projectName: "empty", program: async () => ({}) },
  { workDir, pulumiCommand: await PulumiCommand.get({ root, skipVersionCheck: true }) },
);
await stack.up({ suppressOutputs: true });
