/**
 * Projects with mistakes, as data: what is in their project.yml, and what must be found in it. The loader's tests
 * and the command line's go through the same table.
 */

/** Code, line, column, and the path in the document (empty: the top, or no place in it). */
export type ExpectedProblem = readonly [code: string, line: number, column: number, path: string];

export interface BrokenProject {
  readonly name: string;
  /** Content of project.yml; with `binary`, as bytes. Absent: the file is missing. */
  readonly yaml?: string;
  readonly bytes?: () => Uint8Array;
  /** Other files of the project, by path. */
  readonly files?: Readonly<Record<string, string>>;
  /** A folder is in project.yml's place. */
  readonly folder?: boolean;
  /** Every error that must be reported, in order; warnings aren't listed. */
  readonly errors: readonly ExpectedProblem[];
}

/** A file of version 1 with one good task, and `rest` after it. Its own lines: `rest` starts on line 4. */
function withTask(rest: string): string {
  return `version: 1\ntasks:\n- {name: a, commands: [{command: "true"}]}\n${rest}`;
}

/** A file of version 1 whose only task has `body`, which starts on line 4. */
function task(body: string): string {
  return `version: 1\ntasks:\n- name: a\n${body}`;
}

export const brokenProjects: readonly BrokenProject[] = [
  // The file itself
  { name: "missing file", errors: [["missing-file", 1, 1, ""]] },
  { name: "folder in its place", folder: true, errors: [["not-a-file", 1, 1, ""]] },
  { name: "empty file", yaml: "", errors: [["empty-file", 1, 1, ""]] },
  { name: "comments only", yaml: "# nothing\n\n# here\n", errors: [["empty-file", 1, 1, ""]] },
  {
    name: "binary file",
    bytes: () => Uint8Array.from([0x76, 0x0a, 0x00, 0x01, 0xff]),
    errors: [["binary-file", 2, 1, ""]],
  },
  {
    name: "not UTF-8",
    bytes: () => Buffer.from("version: 1\nname: caf\xe9\n", "latin1"),
    errors: [["not-utf8", 2, 10, ""]],
  },
  {
    name: "UTF-16",
    bytes: () => Buffer.from("\ufeffversion: 1\n", "utf16le"),
    errors: [["not-utf8", 1, 1, ""]],
  },
  {
    name: "50 MB file",
    bytes: () => Buffer.alloc(50_000_000, "# filler\n"),
    errors: [["file-too-large", 1, 1, ""]],
  },
  { name: "a list at the top", yaml: "- version: 1\n", errors: [["wrong-type", 1, 1, ""]] },
  { name: "a word at the top", yaml: "hello\n", errors: [["wrong-type", 1, 1, ""]] },

  // YAML
  { name: "tab as indentation", yaml: "version: 1\ntasks:\n\t- name: a\n", errors: [["yaml-tab", 3, 1, ""]] },
  { name: "unclosed quote", yaml: 'version: 1\nname: "abc\n', errors: [["yaml-syntax", 3, 1, ""]] },
  { name: "unclosed bracket", yaml: "version: 1\ntasks: [{name: a}\n", errors: [["yaml-syntax", 3, 1, ""]] },
  {
    name: "colon in a plain value",
    yaml: "version: 1\ndescription: rates: daily\n",
    errors: [["yaml-syntax", 2, 14, ""]],
  },
  {
    name: "wrong indentation",
    yaml: "version: 1\nvars:\n  a: 1\n b: 2\n",
    errors: [["yaml-syntax", 4, 1, ""]],
  },
  {
    name: "unquoted template",
    yaml: task("  commands:\n  - command: echo\n    args: {{ _today }}\n"),
    errors: [["wrong-type", 6, 11, "tasks[0].commands[0].args"]],
  },
  {
    name: "several documents",
    yaml: `${withTask("")}---\nversion: 1\n`,
    errors: [["yaml-multiple-documents", 4, 1, ""]],
  },
  { name: "unknown alias", yaml: withTask("vars: *nothing\n"), errors: [["yaml-alias", 4, 7, ""]] },
  {
    name: "duplicate key",
    yaml: withTask("vars: {a: 1}\nname: x\nvars: {b: 2}\n"),
    errors: [["duplicate-key", 6, 1, "vars"]],
  },
  {
    name: "anchors gone wild",
    yaml: billionLaughs(),
    errors: [["alias-expansion", 2, 30, "a5[0][5][2][5][2][4]"]],
  },
  {
    name: "an alias inside of itself",
    yaml: withTask("vars: &v\n  a: *v\n"),
    errors: [["alias-cycle", 5, 6, "vars.a"]],
  },
  {
    name: "nested too deep",
    yaml: `version: 1\nname: ${"[".repeat(10_000)}\n`,
    errors: [["too-deep", 2, 7, ""]],
  },
  { name: "nested too deep by indentation", yaml: deepMaps(), errors: [["too-deep", 62, 61, ""]] },
  {
    name: "__proto__ as a key",
    yaml: withTask("vars:\n  __proto__: x\n"),
    errors: [["invalid-name", 5, 3, "vars"]],
  },

  // Versions
  {
    name: "no version",
    yaml: "tasks:\n- {name: a, commands: [{command: ls}]}\n",
    errors: [["missing-version", 1, 1, "version"]],
  },
  {
    name: "a future version",
    yaml: "version: 7\ntasks: []\n",
    errors: [["unsupported-version", 1, 10, "version"]],
  },
  {
    name: "an old version",
    yaml: "version: 0.2\ntasks: []\n",
    errors: [["unsupported-version", 1, 10, "version"]],
  },
  {
    name: "a version that is a list",
    yaml: "version: [1]\ntasks: []\n",
    errors: [["unsupported-version", 1, 10, "version"]],
  },

  // Keys and types
  {
    name: "misspelt top-level key",
    yaml: withTask("schedule: []\n"),
    errors: [["unknown-key", 4, 1, "schedule"]],
  },
  {
    name: "misspelt key of a task",
    yaml: task('  commads: [{command: "true"}]\n'),
    errors: [["unknown-key", 4, 3, "tasks[0].commads"]],
  },
  {
    name: "misspelt key of a command",
    yaml: task("  commands:\n  - {comand: ls}\n"),
    errors: [["unknown-key", 5, 6, "tasks[0].commands[0].comand"]],
  },
  {
    name: "unknown key without a neighbour",
    yaml: withTask("zebra: 1\n"),
    errors: [["unknown-key", 4, 1, "zebra"]],
  },
  {
    name: "0.x deploy keys in version 1",
    yaml: withTask("deploy: {cloud_provider: aws, cpu: 256}\n"),
    errors: [
      ["unknown-key", 4, 10, "deploy.cloud_provider"],
      ["unknown-key", 4, 31, "deploy.cpu"],
    ],
  },
  { name: "tasks is a word", yaml: "version: 1\ntasks: fetch\n", errors: [["wrong-type", 2, 8, "tasks"]] },
  {
    name: "a task is a word",
    yaml: "version: 1\ntasks:\n- fetch\n",
    errors: [["wrong-type", 3, 3, "tasks[0]"]],
  },
  { name: "no tasks", yaml: "version: 1\nname: x\n", errors: [["missing-key", 1, 1, ""]] },
  { name: "empty tasks", yaml: "version: 1\ntasks: []\n", errors: [["empty", 2, 8, "tasks"]] },
  { name: "key without a value", yaml: withTask("vars:\nname: x\n"), errors: [["wrong-type", 4, 1, "vars"]] },
  {
    name: "active is text",
    yaml: task('  active: "yes"\n  commands: [{command: ls}]\n'),
    errors: [["wrong-type", 4, 11, "tasks[0].active"]],
  },
  {
    name: "command is a number",
    yaml: task("  commands: [{command: 12}]\n"),
    errors: [["wrong-type", 4, 24, "tasks[0].commands[0].command"]],
  },
  { name: "vars is a number", yaml: withTask("vars: 3\n"), errors: [["wrong-type", 4, 7, "vars"]] },
  {
    name: "var without its key",
    yaml: withTask("vars:\n- {value: 3}\n"),
    errors: [["missing-key", 5, 3, "vars[0]"]],
  },
  {
    name: "var whose value is a list",
    yaml: withTask("vars:\n  a: [1, 2]\n"),
    errors: [["wrong-type", 5, 6, "vars.a"]],
  },
  {
    name: "var without a value",
    yaml: withTask("vars:\n  a:\n"),
    errors: [["missing-value", 5, 3, "vars.a"]],
  },
  {
    name: "var name with a dash",
    yaml: withTask("vars:\n  my-var: 1\n"),
    errors: [["invalid-name", 5, 3, "vars.my-var"]],
  },
  {
    name: "env twice in a list",
    yaml: withTask("envs:\n- {key: A, value: 1}\n- {key: A, value: 2}\n"),
    errors: [["duplicate-key", 6, 9, "envs[1].key"]],
  },
  {
    name: "wrong word of a choice",
    yaml: withTask("stores:\n- {name: s, kind: tabel}\n"),
    errors: [["invalid-value", 5, 19, "stores[0].kind"]],
  },

  // Tasks
  {
    name: "task without a name",
    yaml: "version: 1\ntasks:\n- commands: [{command: ls}]\n",
    errors: [["missing-key", 3, 3, "tasks[0]"]],
  },
  {
    name: "task name with a space",
    yaml: "version: 1\ntasks:\n- {name: a b, commands: [{command: ls}]}\n",
    errors: [["invalid-name", 3, 10, "tasks[0].name"]],
  },
  {
    name: "two tasks of a name",
    yaml: withTask("- {name: a, commands: [{command: ls}]}\n"),
    errors: [["duplicate-name", 4, 10, "tasks[1].name"]],
  },
  {
    name: "two branches of a name",
    yaml: task(
      "  pipeline:\n  - command: ls\n  - fork:\n    - {name: b, pipeline: [{command: cat}]}\n    - {name: b, pipeline: [{command: cat}]}\n",
    ),
    errors: [["duplicate-name", 8, 14, "tasks[0].pipeline[1].fork[1].name"]],
  },
  {
    name: "commands and pipeline",
    yaml: task("  commands: [{command: ls}]\n  pipeline: [{command: ls}]\n"),
    errors: [["several-bodies", 5, 3, "tasks[0].pipeline"]],
  },
  {
    name: "all three bodies",
    yaml: task(
      "  commands: [{command: ls}]\n  pipeline: [{command: ls}]\n  tasks: [{name: b, commands: [{command: ls}]}]\n",
    ),
    errors: [["several-bodies", 5, 3, "tasks[0].pipeline"]],
  },
  {
    name: "nothing to do",
    yaml: task("  description: idle\n"),
    errors: [["missing-body", 3, 3, "tasks[0]"]],
  },
  { name: "empty pipeline", yaml: task("  pipeline: []\n"), errors: [["empty", 4, 13, "tasks[0].pipeline"]] },
  {
    name: "empty command",
    yaml: task('  commands:\n  - command: "  "\n'),
    errors: [["empty", 5, 14, "tasks[0].commands[0].command"]],
  },
  {
    name: "args without a command",
    yaml: task("  commands:\n  - args: -l\n"),
    errors: [["missing-key", 5, 5, "tasks[0].commands[0]"]],
  },
  {
    name: "fork in the middle",
    yaml: task(
      "  pipeline:\n  - command: ls\n  - fork: [{name: b, pipeline: [{command: cat}]}]\n  - command: wc\n",
    ),
    errors: [["not-last", 6, 5, "tasks[0].pipeline[1].fork"]],
  },
  {
    name: "fork at the start",
    yaml: task("  pipeline:\n  - fork: [{name: b, pipeline: [{command: cat}]}]\n"),
    errors: [["stream-needed", 5, 5, "tasks[0].pipeline[0].fork"]],
  },
  {
    name: "foreach among commands",
    yaml: task("  commands:\n  - command: ls\n  - foreach: [{name: b, commands: [{command: ls}]}]\n"),
    errors: [["stream-needed", 6, 5, "tasks[0].commands[1].foreach"]],
  },
  {
    name: "fork and command in one member",
    yaml: task(
      "  pipeline:\n  - command: ls\n  - command: cat\n    fork: [{name: b, pipeline: [{command: cat}]}]\n",
    ),
    errors: [["several-kinds", 6, 5, "tasks[0].pipeline[1].command"]],
  },
  {
    name: "max_parallel of zero",
    yaml: task(
      "  pipeline:\n  - command: ls\n  - foreach: [{name: b, commands: [{command: ls}]}]\n    max_parallel: 0\n",
    ),
    errors: [["out-of-range", 7, 19, "tasks[0].pipeline[1].max_parallel"]],
  },
  {
    name: "max_parallel without foreach",
    yaml: task("  pipeline:\n  - command: ls\n    max_parallel: 2\n"),
    errors: [["stray-key", 6, 5, "tasks[0].pipeline[0].max_parallel"]],
  },
  {
    name: "timeout of zero",
    yaml: task("  timeout: 0\n  commands: [{command: ls}]\n"),
    errors: [["out-of-range", 4, 12, "tasks[0].timeout"]],
  },
  {
    name: "negative timeout",
    yaml: task("  commands:\n  - {command: ls, timeout: -5}\n"),
    errors: [["out-of-range", 5, 28, "tasks[0].commands[0].timeout"]],
  },
  {
    name: "timeout that is no duration",
    yaml: task("  timeout: soon\n  commands: [{command: ls}]\n"),
    errors: [["invalid-duration", 4, 12, "tasks[0].timeout"]],
  },
  {
    name: "memory without sense",
    yaml: task("  resources: {memory: lots}\n  commands: [{command: ls}]\n"),
    errors: [["invalid-size", 4, 23, "tasks[0].resources.memory"]],
  },
  {
    name: "retries out of range",
    yaml: task("  retries: {max: -1, backoff: 0.5}\n  commands: [{command: ls}]\n"),
    errors: [
      ["out-of-range", 4, 18, "tasks[0].retries.max"],
      ["out-of-range", 4, 31, "tasks[0].retries.backoff"],
    ],
  },
  {
    name: "broken in a nested task",
    yaml: task(
      "  tasks:\n  - name: b\n    pipeline:\n    - command: ls\n    - foreach:\n      - name: c\n        comands: []\n",
    ),
    errors: [["unknown-key", 10, 9, "tasks[0].tasks[0].pipeline[1].foreach[0].comands"]],
  },

  // References
  {
    name: "venv never installed",
    yaml: withTask(
      "- {name: b, commands: [{command: tap, venv: tpa}]}\ninstalls: [{venv: tap, command: pip install tap}]\n",
    ),
    errors: [["unknown-venv", 4, 45, "tasks[1].commands[0].venv"]],
  },
  {
    name: "dependency on nothing",
    yaml: task("  depends_on: [fetch]\n  commands: [{command: ls}]\n"),
    errors: [["unknown-task", 4, 16, "tasks[0].depends_on[0]"]],
  },
  {
    name: "dependency on itself",
    yaml: task("  depends_on: [a]\n  commands: [{command: ls}]\n"),
    errors: [["dependency-cycle", 4, 15, "tasks[0].depends_on"]],
  },
  {
    name: "cycle of three",
    yaml: "version: 1\ntasks:\n- {name: a, depends_on: [b], commands: [{command: ls}]}\n- {name: b, depends_on: [c], commands: [{command: ls}]}\n- {name: c, depends_on: [a], commands: [{command: ls}]}\n",
    errors: [["dependency-cycle", 3, 25, "tasks[0].depends_on"]],
  },
  {
    name: "dependency inside of a task",
    yaml: task(
      "  tasks:\n  - {name: b, commands: [{command: ls}]}\n  - {name: c, depends_on: [b], commands: [{command: ls}]}\n",
    ),
    errors: [["nested-dependency", 6, 15, "tasks[0].tasks[1].depends_on"]],
  },
  {
    name: "env from an undeclared secret",
    yaml: withTask("envs:\n  API_KEY:\n"),
    errors: [["unknown-secret", 5, 3, "envs.API_KEY"]],
  },
  {
    name: "secret twice",
    yaml: withTask("secrets:\n- {key: K}\n- {key: K}\n"),
    errors: [["duplicate-name", 6, 9, "secrets[1].key"]],
  },
  {
    name: "value of a secret in the file",
    yaml: withTask("secrets:\n- {key: K, value: hunter2}\n"),
    errors: [["unknown-key", 5, 12, "secrets[0].value"]],
  },
  {
    name: "install without a venv",
    yaml: withTask("installs:\n- {command: pip install x}\n"),
    errors: [["missing-key", 5, 3, "installs[0]"]],
  },

  // Paths
  {
    name: "secret's file outside",
    yaml: withTask("secrets:\n- {key: K, file: ../k.json}\n"),
    errors: [["path-outside", 5, 18, "secrets[0].file"]],
  },
  {
    name: "output outside",
    yaml: task("  stdout_to_file: /etc/passwd\n  commands: [{command: ls}]\n"),
    errors: [["path-outside", 4, 19, "tasks[0].stdout_to_file"]],
  },
  {
    name: "artifacts outside",
    yaml: withTask("artifacts:\n  keep: [out/../../x]\n"),
    errors: [["path-outside", 5, 10, "artifacts.keep[0]"]],
  },
  {
    name: "source outside of its repository",
    yaml: withTask("deploy:\n  source: {git: {url: https://example.com/x.git, path: ../y}}\n"),
    errors: [["path-outside", 5, 56, "deploy.source.git.path"]],
  },
  {
    name: "password in an address",
    yaml: withTask("deploy:\n  source: {git: {url: 'https://u:p@example.com/x.git'}}\n"),
    errors: [["secret-in-file", 5, 23, "deploy.source.git.url"]],
  },
  {
    name: "token in an address",
    yaml: withTask("deploy:\n  source: {git: {url: 'https://ghp_0123456789@example.com/x.git'}}\n"),
    errors: [["secret-in-file", 5, 23, "deploy.source.git.url"]],
  },
  {
    name: "repository that ssh leads to",
    yaml: withTask("deploy:\n  source: {git: {url: 'git@example.com:team/x.git'}}\n"),
    errors: [["invalid-value", 5, 23, "deploy.source.git.url"]],
  },
  {
    name: "ref that git would take for something else",
    yaml: withTask("deploy:\n  source: {git: {url: https://example.com/x.git, ref: '+a:b', path: x}}\n"),
    errors: [["invalid-value", 5, 55, "deploy.source.git.ref"]],
  },
  {
    name: "token that is no secret",
    yaml: withTask("deploy:\n  source: {git: {url: https://example.com/x.git, token: GIT_TOKEN}}\n"),
    errors: [["unknown-secret", 5, 57, "deploy.source.git.token"]],
  },

  // Templates
  {
    name: "undefined variable",
    yaml: task('  commands:\n  - {command: echo, args: "hi {{ tilte }}"}\nvars: {title: x}\n'),
    errors: [["undefined-name", 5, 34, "tasks[0].commands[0].args"]],
  },
  {
    name: "undefined variable in vars",
    yaml: withTask('vars:\n  a: "{{ b }}"\n'),
    errors: [["undefined-name", 5, 10, "vars.a"]],
  },
  {
    name: "_line outside of a foreach",
    yaml: task('  commands:\n  - command: "echo {{ _line }}"\n'),
    errors: [["undefined-name", 5, 23, "tasks[0].commands[0].command"]],
  },
  {
    name: "unclosed template",
    yaml: task('  commands:\n  - command: "echo {{ _today"\n'),
    errors: [["template-syntax", 5, 20, "tasks[0].commands[0].command"]],
  },
  {
    name: "if without endif",
    yaml: task('  commands:\n  - command: "echo {% if _stage %}x"\n'),
    errors: [["template-syntax", 5, 20, "tasks[0].commands[0].command"]],
  },
  {
    name: "undefined variable in a file",
    yaml: withTask(""),
    files: { "files/config.json": '{\n  "key": "{{ api_key }}"\n}\n' },
    errors: [["undefined-name", 2, 14, ""]],
  },

  // Schedules, triggers, notifications
  {
    name: "bad cron",
    yaml: withTask('schedules:\n- {name: s, cron: "61 6 * * *"}\n'),
    errors: [["bad-cron", 5, 19, "schedules[0].cron"]],
  },
  {
    name: "cron of four fields",
    yaml: withTask('schedules:\n- {name: s, cron: "0 6 * *"}\n'),
    errors: [["bad-cron", 5, 19, "schedules[0].cron"]],
  },
  {
    name: "impossible date",
    yaml: withTask('schedules:\n- {name: s, cron: "0 0 30 2 *"}\n'),
    errors: [["cron-never-fires", 5, 19, "schedules[0].cron"]],
  },
  {
    name: "unknown time zone",
    yaml: withTask('schedules:\n- {name: s, cron: "0 6 * * *", timezone: Europe/Pariss}\n'),
    errors: [["unknown-timezone", 5, 42, "schedules[0].timezone"]],
  },
  {
    name: "schedule without cron",
    yaml: withTask("schedules:\n- {name: s}\n"),
    errors: [["missing-key", 5, 3, "schedules[0]"]],
  },
  {
    name: "two schedules of a name",
    yaml: withTask('schedules:\n- {name: s, cron: "0 6 * * *"}\n- {name: s, cron: "0 7 * * *"}\n'),
    errors: [["duplicate-name", 6, 10, "schedules[1].name"]],
  },
  {
    name: "schedule of an unknown task",
    yaml: withTask('schedules:\n- {name: s, cron: "0 6 * * *", tasks: [b]}\n'),
    errors: [["unknown-task", 5, 40, "schedules[0].tasks[0]"]],
  },
  {
    name: "unknown overlap",
    yaml: withTask('schedules:\n- {name: s, cron: "0 6 * * *", overlap: skipp}\n'),
    errors: [["invalid-value", 5, 41, "schedules[0].overlap"]],
  },
  {
    name: "trigger without a queue",
    yaml: withTask("triggers:\n- {name: t, tasks: [a]}\n"),
    errors: [["missing-key", 5, 3, "triggers[0]"]],
  },
  {
    name: "trigger without room",
    yaml: withTask("triggers:\n- {name: t, queue: {}, max_concurrency: 0}\n"),
    errors: [["out-of-range", 5, 41, "triggers[0].max_concurrency"]],
  },
  {
    name: "webhook with an undeclared secret",
    yaml: withTask(
      "secrets: [{key: SLACK_URL}]\nnotifications:\n- {on: [failure], webhook: {secret: SLACK}}\n",
    ),
    errors: [["unknown-secret", 6, 37, "notifications[0].webhook.secret"]],
  },
  {
    name: "unknown event",
    yaml: withTask("notifications:\n- {on: [failed], email: a@example.com}\n"),
    errors: [["invalid-value", 5, 9, "notifications[0].on[0]"]],
  },
  {
    name: "nobody to tell",
    yaml: withTask("notifications:\n- {on: [failure]}\n"),
    errors: [["missing-key", 5, 3, "notifications[0]"]],
  },
  {
    name: "not an email address",
    yaml: withTask("notifications:\n- {on: [failure], email: data}\n"),
    errors: [["invalid-value", 5, 26, "notifications[0].email"]],
  },
  {
    name: "two targets",
    yaml: withTask("notifications:\n- {on: [failure], email: a@example.com, command: ls}\n"),
    errors: [["several-kinds", 5, 41, "notifications[0].command"]],
  },
  {
    name: "stores of one variable",
    yaml: withTask("stores:\n- {name: a-b, kind: table}\n- {name: a_b, kind: bucket}\n"),
    errors: [["duplicate-name", 6, 10, "stores[1].name"]],
  },

  // 0.x
  {
    name: "0.x: two bodies",
    yaml: "version: 0.3\ntasks:\n- name: a\n  commands: [{command: ls}]\n  pipeline: [{command: ls}]\n",
    errors: [["several-bodies", 5, 3, "tasks[0].pipeline"]],
  },
  { name: "0.x: no tasks", yaml: "version: 0.4\ndescription: x\n", errors: [["missing-key", 1, 1, ""]] },
  {
    name: "0.x: name that is a path",
    yaml: "version: 0.4.0\ntasks:\n- {name: ../a, commands: [{command: ls}]}\n",
    errors: [["invalid-name", 3, 10, "tasks[0].name"]],
  },
  {
    name: "0.x: bad cron",
    yaml: "version: 0.4\ntasks:\n- {name: a, commands: [{command: ls}]}\nschedules:\n- {target_id: 1, cron: '0 0 * * * *'}\n",
    errors: [["bad-cron", 5, 24, "schedules[0].cron"]],
  },
  {
    name: "0.x: cpu is a word",
    yaml: "version: 0.4\ntasks:\n- {name: a, commands: [{command: ls}]}\ndeploy: {cpu: many}\n",
    errors: [["invalid-size", 4, 15, "deploy.cpu"]],
  },

  // Many at once
  {
    name: "many mistakes",
    yaml: "version: 1\nname: my project\nvarz: {a: 1}\ntasks:\n- name: a\n  commands: [{command: ls, venv: x}]\n  timeout: -1\n  depends_on: [zz]\n- name: a\n  pipelin: []\nschedules:\n- {name: s, cron: nope, timezone: Mars/Phobos}\n",
    errors: [
      ["invalid-name", 2, 7, "name"],
      ["unknown-key", 3, 1, "varz"],
      ["unknown-venv", 6, 34, "tasks[0].commands[0].venv"],
      ["out-of-range", 7, 12, "tasks[0].timeout"],
      ["unknown-task", 8, 16, "tasks[0].depends_on[0]"],
      ["duplicate-name", 9, 9, "tasks[1].name"],
      ["unknown-key", 10, 3, "tasks[1].pipelin"],
      ["bad-cron", 12, 19, "schedules[0].cron"],
      ["unknown-timezone", 12, 35, "schedules[0].timezone"],
    ],
  },
];

function billionLaughs(): string {
  const lines = ["version: 1", 'a0: &a0 ["x", "x", "x", "x", "x", "x", "x", "x", "x", "x"]'];
  for (let i = 1; i < 10; i++)
    lines.push(
      `a${i}: &a${i} [${Array(10)
        .fill(`*a${i - 1}`)
        .join(", ")}]`,
    );
  return `${lines.join("\n")}\n`;
}

function deepMaps(): string {
  const lines = ["version: 1", "vars:"];
  for (let i = 1; i < 90; i++) lines.push(`${" ".repeat(i)}k:`);
  return `${lines.join("\n")}\n`;
}
