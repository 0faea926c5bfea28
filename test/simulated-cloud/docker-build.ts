/** A build that pushes nothing: its digest follows from what it was told. */
import type { SimulatedCloud } from "./cloud.js";
import { canonical, valuesAt } from "./values.js";
import { hex } from "./world.js";

const image = "docker-build:index:Image";

export const dockerBuild: SimulatedCloud = {
  packageName: "docker-build",
  functions: {},
  rules: {
    [image]: {
      check: (inputs) =>
        valuesAt(inputs, "tags[]")
          .filter(
            (tag) =>
              typeof tag === "string" && !/^[a-z0-9.-]+(:\d+)?(\/[a-z0-9._-]+)+:[\w.-]{1,128}$/.test(tag),
          )
          .map((tag) => ({ property: "tags", reason: `'${String(tag)}' is no reference` })),
      id: (inputs) => `sha256:${hex(canonical(inputs), 64)}`,
      isSetting: true,
      outputs: (inputs, _place, id) => ({
        digest: id,
        contextHash: hex(canonical(inputs.context), 64),
        ref: `${String(valuesAt(inputs, "tags[]")[0])}@${id}`,
      }),
    },
  },
  place: () => ({ account: "", region: "" }),
  id: (_type, _inputs, _place, name) => name,
  outputs: () => ({}),
  accept: () => [],
  autoname: (name, characters) => `${name}${characters}`,
  duplicate: (_type, id) => `${id} exists`,
  failure: () => "error: failed to solve: failed to push: unexpected status: 503 Service Unavailable",
};
