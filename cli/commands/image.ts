import { defineCommand, jsonOption, projectOption, stackOption } from "../command.js";

export interface ImageOptions {
  readonly project?: string;
  readonly stack?: string;
  readonly tag?: string;
  readonly cache?: boolean;
  readonly json?: boolean;
}

const options = [
  projectOption,
  {
    ...stackOption,
    description:
      "stack that it is for: its processor, its registry (default: the only one, else this machine)",
  },
];
const noCache = {
  flags: "--no-cache",
  description: "build it anew, with the newest packages, also when nothing has changed",
};

const build = defineCommand<[], ImageOptions>({
  name: "build",
  summary: "Build the project's image, unless one of the same content is there",
  description:
    "With your Docker: BuildKit where there is one, else its classic builder. HANDOFF_IMAGE_BASE and HANDOFF_IMAGE_NODE name " +
    "other base images, HANDOFF_IMAGE_NETWORK the network of the build. Prints the image's tag.",
  options: [
    ...options,
    {
      flags: "-t, --tag <tag>",
      description: "a further name for it, such as registry.example.com/team/fx:1",
    },
    noCache,
    jsonOption,
  ],
  examples: [
    { command: "handoff image build", note: "then: docker run --rm $(handoff image build) info" },
    { command: "handoff image build -s client-a --json", note: "tag, id, size, whether it was built" },
  ],
  run: async (_args, given, context) => {
    const { buildProjectImage } = await import("../image.js");
    return await buildProjectImage(given, context);
  },
});

const push = defineCommand<[], ImageOptions>({
  name: "push",
  summary: "Build the project's image, and push it to a registry",
  description:
    "To the registry that the stack's `up` has made, or to that of --tag; you are signed in there (`docker login`). " +
    "`handoff up` does this by itself. Prints the image with its digest, as `handoff:image` in Pulumi.<stack>.yaml wants it.",
  options: [
    ...options,
    { flags: "-t, --tag <tag>", description: "where to: REGISTRY/NAME:TAG (default: the stack's registry)" },
    noCache,
    jsonOption,
  ],
  examples: [
    { command: "handoff image push -s client-a", note: "to the registry of client-a" },
    { command: "handoff image push --tag registry.example.com/team/fx:1", note: "to one of your own" },
  ],
  run: async (_args, given, context) => {
    const { pushProjectImage } = await import("../image.js");
    return await pushProjectImage(given, context);
  },
});

export const image = {
  name: "image",
  summary: "Build and push the image that runs on every platform",
  description: "`handoff up` does both by itself; see docs/image.md for what is in it.",
  subcommands: [build, push],
  examples: [{ command: "handoff image build", note: "with your Docker" }],
};
