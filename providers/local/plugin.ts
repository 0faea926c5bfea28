/** Process that the Pulumi engine starts for `handoff:local:*` resources. Kept light: it starts with every update. */
import { main } from "@pulumi/pulumi/provider/server.js";
import { handoffHome } from "./home.js";
import { endWithParent } from "./plugin-orphan.js";
import { localProvider } from "./plugin-provider.js";

const local = localProvider(
  {
    home: handoffHome(process.env),
    env: process.env,
    // The engine shows what a plugin prints as a line of the update.
    log: (line) => process.stdout.write(`${line}\n`),
  },
  "0.1.0",
);

const { provider } = endWithParent(local, { parent: () => process.ppid, end: () => process.exit(0) });

await main(provider, process.argv.slice(2));
