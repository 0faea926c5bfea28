/** Rows that need a server or an engine beside the two commands. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { emptyProgramUp, localStack } from "./engine.js";
import { compare } from "./measure.js";
import { cacheDir, handoff } from "./paths.js";
import { meltano } from "./peers.js";
import type { Row } from "./rows.js";

/** Pinned: setuptools 81 removed a module that a dependency of the tap still imports. */
const tapRequirement = "tap-rest-api-msdk==1.4.2 setuptools<81";
const targetRequirement = "target-jsonl==0.1.4";
const records = 1000;

/** The same tap, target, source and 1,000 records for both tools. Their virtual environments stay in the cache. */
async function singerPair(samples: number) {
  const dir = join(cacheDir, "singer-pair");
  const body = JSON.stringify(Array.from({ length: records }, (_, id) => ({ id, rate: 1 + id / 1000 })));
  const server = createServer((_request, response) => {
    response.setHeader("content-type", "application/json");
    response.end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const stream = {
      name: "rates",
      path: "/rates.json",
      records_path: "$[*]",
      primary_keys: ["id"],
      num_inference_records: 10,
    };
    const ours = join(dir, "handoff");
    mkdirSync(join(ours, "files"), { recursive: true });
    writeFileSync(join(ours, "files", "tap.json"), JSON.stringify({ api_url: url, streams: [stream] }));
    writeFileSync(join(ours, "files", "target.json"), JSON.stringify({ destination_path: "artifacts" }));
    writeFileSync(
      join(ours, "project.yml"),
      `version: 1\nname: singer\ninstalls:\n- {venv: tap, command: "pip install '${tapRequirement.replace(" ", "' '")}'"}\n` +
        `- {venv: target, command: pip install ${targetRequirement}}\ntasks:\n- name: rates\n  pipeline:\n` +
        "  - {command: tap-rest-api-msdk, args: --config files/tap.json, venv: tap}\n" +
        "  - {command: target-jsonl, args: --config files/target.json, venv: target}\n",
    );
    const work = join(ours, "work");
    rmSync(join(work, "artifacts"), { recursive: true, force: true }); // the target appends
    execFileSync(process.execPath, [handoff, "install", "-p", ours, "-w", work], { stdio: ["ignore", 2, 2] });

    const theirs = join(dir, "meltano");
    rmSync(join(theirs, "out"), { recursive: true, force: true });
    mkdirSync(join(theirs, "out"), { recursive: true });
    writeFileSync(
      join(theirs, "meltano.yml"),
      JSON.stringify({
        default_environment: "dev",
        project_id: "handoff-bench",
        send_anonymous_usage_stats: false,
        environments: [{ name: "dev" }],
        plugins: {
          extractors: [
            {
              name: "tap-rest-api-msdk",
              namespace: "tap_rest_api_msdk",
              pip_url: tapRequirement,
              executable: "tap-rest-api-msdk",
              capabilities: ["catalog", "state", "discover"],
              settings: [{ name: "api_url" }, { name: "streams", kind: "array" }],
              config: { api_url: url, streams: [stream] },
            },
          ],
          loaders: [
            {
              name: "target-jsonl",
              namespace: "target_jsonl",
              pip_url: targetRequirement,
              executable: "target-jsonl",
              settings: [{ name: "destination_path" }],
              config: { destination_path: "out" },
            },
          ],
        },
      }),
    );
    const installed = join(theirs, "installed");
    if (!existsSync(installed)) {
      execFileSync(meltano(), ["install"], { cwd: theirs, stdio: ["ignore", 2, 2] });
      writeFileSync(installed, "");
    }
    return await compare(
      { argv: [process.execPath, handoff, "run", "-p", ours, "-w", work] },
      { argv: [meltano(), "run", "tap-rest-api-msdk", "target-jsonl"], cwd: theirs },
      samples,
    );
  } finally {
    server.close();
  }
}

export function platformRows(dir: string, quick: boolean): Row[] {
  const samples = quick ? 1 : 7;
  return [
    {
      name: "Singer tap to target, 1,000 records",
      against: "meltano run",
      target: 1.0,
      run: () => singerPair(samples),
    },
    {
      name: "up with nothing to do, local",
      against: "an empty program on the same engine",
      target: 1.3,
      run: async () => {
        const stack = localStack(join(dir, "stack"));
        const empty = await emptyProgramUp(join(dir, "empty"));
        return compare(stack, empty, samples);
      },
    },
  ];
}
