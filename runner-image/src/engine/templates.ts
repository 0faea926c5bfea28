/** Templates of command lines and environment values, parsed once and rendered many times. */
import { compileTemplate, lineScope, type Rendered, type TemplateScope } from "../../../model/template.js";

export interface CompiledText {
  /** `line` is `{{ _line }}` of the innermost foreach. Throws `TemplateFailure`. */
  readonly render: (line: string | null) => string;
}

/** A template that could not be rendered: the task fails, not the runner. */
export class TemplateFailure extends Error {
  override readonly name = "TemplateFailure";
}

export class Templates {
  readonly #scope: TemplateScope;
  readonly #mode: "strict" | "lenient";
  readonly #warn: (message: string) => void;
  readonly #warned = new Set<string>();

  /** `warn` is told once of each problem that is no error. */
  constructor(scope: TemplateScope, mode: "strict" | "lenient", warn: (message: string) => void) {
    this.#scope = scope;
    this.#mode = mode;
    this.#warn = warn;
  }

  compile(text: string): CompiledText {
    if (!/\{\{|\{%|\{#/.test(text)) return { render: () => text };
    const template = compileTemplate(text);
    const constant = !/_line/.test(text);
    let rendered: string | null = null;
    return {
      render: (line) => {
        if (rendered !== null) return rendered;
        const result = this.#render(text, template(this.#scopeOf(line), this.#mode));
        if (constant) rendered = result;
        return result;
      },
    };
  }

  #scopeOf(line: string | null): TemplateScope {
    if (line === null) return this.#scope;
    return { ...this.#scope, ...lineScope(line) };
  }

  #render(text: string, result: Rendered): string {
    for (const problem of result.problems) {
      const message = `${problem.message} in \`${text.slice(0, 200)}\``;
      if (problem.severity === "error") throw new TemplateFailure(message);
      if (this.#warned.has(message)) continue;
      this.#warned.add(message);
      this.#warn(message);
    }
    return result.text;
  }
}
