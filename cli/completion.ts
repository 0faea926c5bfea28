import type { CommandSpec } from "./command.js";

/** The words that may follow a command: its subcommands, its arguments' choices, its options. */
interface Words {
  /** `agent` or `agent start`. */
  readonly path: string;
  readonly words: readonly string[];
  readonly summaries: Readonly<Record<string, string>>;
}

function wordsOf(specs: readonly CommandSpec[], prefix = ""): readonly Words[] {
  return specs.flatMap((spec) => {
    const path = `${prefix}${spec.name}`;
    const options = (spec.options ?? []).map((o) => ({ word: longFlag(o.flags), summary: o.description }));
    const subs = (spec.subcommands ?? []).map((s) => ({ word: s.name, summary: s.summary }));
    const choices = (spec.arguments ?? []).flatMap((a) =>
      (a.choices ?? []).map((word) => ({ word, summary: a.description })),
    );
    const all = [...subs, ...choices, ...options, { word: "--help", summary: "show help" }];
    return [
      {
        path,
        words: all.map((w) => w.word),
        summaries: Object.fromEntries(all.map((w) => [w.word, w.summary])),
      },
      ...wordsOf(spec.subcommands ?? [], `${path} `),
    ];
  });
}

function longFlag(flags: string): string {
  return /--[a-z-]+/.exec(flags)?.[0] ?? flags;
}

/** A script that completes commands, subcommands and options from what the commands themselves say, and folders after -p and -w. */
export function completionScript(shell: "bash" | "zsh" | "fish", specs: readonly CommandSpec[]): string {
  if (shell === "fish") return fishScript(specs);
  // zsh runs bash's completions through its own bridge.
  const bridge =
    shell === "zsh"
      ? "autoload -U +X compinit && compinit -u\nautoload -U +X bashcompinit && bashcompinit\n"
      : "";
  return bridge + bashScript(specs);
}

function bashScript(specs: readonly CommandSpec[]): string {
  const cases = wordsOf(specs).map(({ path, words }) => `    "${path}") words="${words.join(" ")}" ;;`);
  return `_handoff() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" words
  case "$previous" in
    -p|--project|-w|--workspace) COMPREPLY=($(compgen -d -- "$current")); return ;;
  esac
  local path="\${COMP_WORDS[1]}"
  if [ "$COMP_CWORD" -le 1 ]; then path=""; fi
  case "$path \${COMP_WORDS[2]}" in
${specs
  .flatMap((spec) =>
    (spec.subcommands ?? []).map(
      (sub) =>
        `    "${spec.name} ${sub.name}") [ "$COMP_CWORD" -gt 2 ] && path="${spec.name} ${sub.name}" ;;`,
    ),
  )
  .join("\n")}
  esac
  case "$path" in
    "") words="${specs.map((s) => s.name).join(" ")} --help --version" ;;
${cases.join("\n")}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _handoff handoff
`;
}

function fishScript(specs: readonly CommandSpec[]): string {
  const quote = (text: string) => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
  const top = specs.map(
    (s) => `complete -c handoff -n __fish_use_subcommand -f -a ${s.name} -d ${quote(s.summary)}`,
  );
  const rest = wordsOf(specs).flatMap(({ path, words, summaries }) => {
    const [command = "", sub] = path.split(" ");
    const seen = `__fish_seen_subcommand_from ${command}`;
    const condition = sub === undefined ? seen : `${seen}; and __fish_seen_subcommand_from ${sub}`;
    return words.map((word) =>
      word.startsWith("--")
        ? `complete -c handoff -n ${quote(condition)} -l ${word.slice(2)} -d ${quote(summaries[word] ?? "")}`
        : `complete -c handoff -n ${quote(condition)} -f -a ${word} -d ${quote(summaries[word] ?? "")}`,
    );
  });
  return `${[...top, ...rest].join("\n")}\n`;
}
