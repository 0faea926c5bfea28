/** Makes sure that there is a Pulumi engine (installs or builds it when not), and prints its path. For scripts and CI. */
import { findPulumi } from "../deploy/engine.js";

const { command } = await findPulumi({ env: process.env, log: (line) => process.stderr.write(`${line}\n`) });
process.stdout.write(`${command}\n`);
