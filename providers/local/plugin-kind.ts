import type { Props } from "./plugin-values.js";

/** What a kind of resource needs from outside; passed in so that tests can give another folder. */
export interface PluginContext {
  /** Absolute HANDOFF_HOME. */
  readonly home: string;
  readonly env: NodeJS.ProcessEnv;
  /** One line for the user, shown by the engine beside the resource. */
  log(line: string): void;
}

export interface Failure {
  readonly property: string;
  readonly reason: string;
}

/** One type of resource. Every operation may be repeated after a crash: create adopts what is there, delete accepts what is gone. */
export interface ResourceKind {
  /** Problems of the inputs, by property. Values that a preview doesn't know yet are left out of `inputs`: check those only when there. */
  check(inputs: Props, context: PluginContext): Failure[] | Promise<Failure[]>;
  /** Inputs that the plugin itself fills in, the same for the same inputs. */
  readonly derived?: (inputs: Props, context: PluginContext) => Props;
  /** Inputs whose change makes it another resource: created anew, and the old one deleted afterwards. */
  readonly replaceOn: readonly string[];
  /** Inputs that only creation uses: a change alone is none. */
  readonly ignore?: readonly string[];
  /** Inputs whose value is kept encrypted. */
  readonly secrets?: readonly string[];
  /** Where the resource lives on disk; a function of the inputs and the home. */
  path(inputs: Props, context: PluginContext): string;
  /** Makes it, or brings what is there up to date. Returns outputs beside the inputs and `path`. */
  write(inputs: Props, path: string, context: PluginContext): Promise<Props> | Props;
  /** The inputs as the disk has them, or undefined when it is gone. */
  read(state: Props, path: string, context: PluginContext): Promise<Props | undefined> | Props | undefined;
  remove(state: Props, path: string, context: PluginContext): Promise<void> | void;
}

export function text(props: Props, key: string): string {
  const value = props[key];
  if (typeof value !== "string") throw new Error(`property ${key} is not a string`);
  return value;
}

/** The usual check: these properties are there and are non-empty text. */
export function requireText(props: Props, ...keys: string[]): Failure[] {
  return keys
    .filter((key) => typeof props[key] !== "string" || props[key] === "")
    .map((property) => ({ property, reason: "must be non-empty text" }));
}
