/** What a simulated cloud consists of: rules for the types of resources that it knows better than by the SDK's schema. */
import type { Failure, Props } from "./values.js";
import type { Held, World } from "./world.js";

/** Whose account it is and where, from the provider's configuration. */
export interface Place {
  /** AWS account, GCP project, Azure subscription. */
  readonly account: string;
  readonly region: string;
  /** `host:port` of a registry that really takes images, for the one that the cloud would have. */
  readonly registry?: string;
}

export interface NameRule {
  /** Input that holds the physical name. */
  readonly input: string;
  readonly pattern: RegExp;
  readonly min?: number;
  readonly max: number;
}

export interface TypeRule {
  readonly name?: NameRule;
  /** Inputs whose change makes another resource, beside the name. */
  readonly replaceOn?: readonly string[];
  /** Inputs that name others, by path: the types that they may be of. */
  readonly refs?: Readonly<Record<string, readonly string[]>>;
  /** Problems that only this type has. Values that a preview doesn't know are `unknownValue`. */
  check?(inputs: Props, place: Place): Failure[];
  /** What is found when the cloud is asked: references into other resources' contents, roles that don't trust. */
  accept?(inputs: Props, world: World, place: Place): Failure[];
  id?(inputs: Props, place: Place, name: string): string;
  outputs?(inputs: Props, place: Place, id: string): Record<string, unknown>;
  /** Why it can't be deleted now. */
  refuseDelete?(held: Held, world: World): string | undefined;
  /** What goes with it when it is deleted. */
  contains?(held: Held, other: Held): boolean;
  /** A second creation takes over what is there: a setting of another resource, not a thing. */
  readonly isSetting?: boolean;
}

export interface SimulatedCloud {
  readonly packageName: string;
  readonly rules: Readonly<Record<string, TypeRule>>;
  /** @throws Error as the real plugin does without its configuration */
  place(config: Readonly<Record<string, string>>): Place;
  id(type: string, inputs: Props, place: Place, name: string): string;
  outputs(type: string, inputs: Props, place: Place, id: string): Record<string, unknown>;
  /** Problems that any type can have, such as ARNs of what isn't there. */
  accept(type: string, inputs: Props, world: World, place: Place): Failure[];
  /** The name of what is given none. */
  autoname(name: string, characters: string): string;
  /** Error text of a name that is taken. */
  duplicate(type: string, id: string): string;
  /** Error text of a failure on demand. */
  failure(method: string, type: string): string;
  readonly functions: Readonly<Record<string, (args: Props, world: World, place: Place) => Props>>;
}
