import type { ComponentModule } from "../contract.js";
import { LocalResource } from "./resources.js";

/** All types of our own plugin are one class: the plugin knows what each has. */
export const component: ComponentModule = {
  classOf: (type) =>
    class extends LocalResource {
      constructor(...[name, inputs, options]: LocalArguments) {
        super(type, name, inputs, options);
      }
    },
  lookup(type) {
    throw new Error(`the local platform looks nothing up, and ${type} was asked for`);
  },
};

type LocalArguments = ConstructorParameters<ReturnType<ComponentModule["classOf"]>>;
