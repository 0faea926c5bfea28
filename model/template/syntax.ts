/** The tree that a template is parsed into. Every node that can fail knows its offset in the text. */

export type Expression =
  | { readonly kind: "literal"; readonly value: string | number | boolean | null }
  | { readonly kind: "name"; readonly name: string; readonly offset: number }
  | { readonly kind: "list"; readonly items: readonly Expression[] }
  | { readonly kind: "dict"; readonly entries: readonly (readonly [Expression, Expression])[] }
  | {
      readonly kind: "member";
      readonly object: Expression;
      readonly key: Expression;
      readonly offset: number;
    }
  | { readonly kind: "call"; readonly callee: Expression; readonly args: Arguments; readonly offset: number }
  | {
      readonly kind: "filter";
      readonly operand: Expression;
      readonly name: string;
      readonly args: Arguments;
      readonly offset: number;
    }
  | {
      readonly kind: "test";
      readonly operand: Expression;
      readonly name: string;
      readonly args: Arguments;
      readonly offset: number;
    }
  | { readonly kind: "not" | "negative"; readonly operand: Expression; readonly offset: number }
  | {
      readonly kind: "binary";
      readonly operator: string;
      readonly left: Expression;
      readonly right: Expression;
      readonly offset: number;
    }
  | {
      readonly kind: "condition";
      readonly test: Expression;
      readonly then: Expression;
      readonly otherwise: Expression | null;
    };

export interface Arguments {
  readonly positional: readonly Expression[];
  readonly named: ReadonlyMap<string, Expression>;
}

export type Statement =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "output"; readonly value: Expression; readonly offset: number }
  | {
      readonly kind: "if";
      readonly branches: readonly { readonly test: Expression; readonly body: readonly Statement[] }[];
      readonly otherwise: readonly Statement[];
    }
  | {
      readonly kind: "for";
      readonly names: readonly string[];
      readonly iterable: Expression;
      readonly filter: Expression | null;
      readonly body: readonly Statement[];
      readonly otherwise: readonly Statement[];
      readonly offset: number;
    }
  | { readonly kind: "set"; readonly name: string; readonly value: Expression | readonly Statement[] };

/** The text is no template; `offset` is where reading it stopped. */
export class TemplateSyntaxError extends Error {
  readonly offset: number;
  readonly hint: string | undefined;
  constructor(message: string, offset: number, hint?: string) {
    super(message);
    this.offset = offset;
    this.hint = hint;
  }
}
