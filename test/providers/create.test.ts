import * as pulumi from "@pulumi/pulumi";
import { expect } from "chai";
import { UserError } from "../../model/diagnostic.js";
import type { ComponentModule } from "../../providers/contract.js";
import { createResources, type Transforms } from "../../providers/create.js";
import { json, type RenderedResource, type Rendering, secret, text } from "../../providers/rendering.js";

interface Made {
  readonly type: string;
  readonly name: string;
  readonly inputs: Readonly<Record<string, unknown>>;
}

/** A class per type, with the outputs that the renderings below refer to. */
function classOf(type: string): ReturnType<ComponentModule["classOf"]> {
  return class extends pulumi.CustomResource {
    declare readonly arn: pulumi.Output<string>;
    declare readonly properties: pulumi.Output<{ vaultUri: string }>;
    constructor(name: string, args: pulumi.Inputs, options: pulumi.CustomResourceOptions) {
      super(type, name, { arn: undefined, properties: undefined, ...args }, options);
    }
  };
}

const asked: { type: string; inputs: unknown }[] = [];
const module: ComponentModule = {
  classOf,
  lookup(type, inputs) {
    asked.push({ type, inputs });
    return pulumi.output({ id: "vpc-1", zones: ["a", "b"] }) as pulumi.Output<unknown>;
  },
};

const resource = (
  name: string,
  inputs: RenderedResource["inputs"],
  more: Partial<RenderedResource> = {},
): RenderedResource => ({ type: "test:index:Thing", name, parent: "fx", inputs, ...more });

async function create(
  rendering: Partial<Rendering>,
  transforms: Transforms = {},
): Promise<{ made: Made[]; outputs: Record<string, unknown>; options: pulumi.CustomResourceOptions[] }> {
  const made: Made[] = [];
  const options: pulumi.CustomResourceOptions[] = [];
  await pulumi.runtime.setMocks({
    newResource: ({ type, name, inputs }) => {
      made.push({ type, name, inputs });
      return { id: `${name}-id`, state: { arn: `arn:${name}`, properties: { vaultUri: `https://${name}` } } };
    },
    call: () => ({}),
  });
  try {
    const parent = new pulumi.ComponentResource("handoff:test:Pipeline", "fx");
    const watched: Transforms = Object.fromEntries(
      [...new Set((rendering.resources ?? []).filter((each) => each.parent).map(({ type }) => type))].map(
        (type) => [
          type,
          (described) => {
            const { name } = described;
            const result = transforms[type]?.({ ...described, name }) ?? described;
            options.push(result.options);
            return result;
          },
        ],
      ),
    );
    const made2 = createResources({ resources: [], lookups: [], outputs: {}, ...rendering }, module, {
      parent,
      secrets: pulumi.secret<Record<string, string>>({ API_KEY: "s3cret" }),
      transforms: { ...transforms, ...watched },
    });
    const outputs = await new Promise<Record<string, unknown>>((resolve) => {
      pulumi.output(made2).apply((values) => resolve(values as Record<string, unknown>));
    });
    return { made, outputs, options };
  } finally {
    await pulumi.runtime.disconnect();
  }
}

const madeOf = (made: readonly Made[], name: string) => made.find((each) => each.name === name)?.inputs;

describe("create: resources of a rendering", function () {
  this.timeout(60_000);
  beforeEach(() => asked.splice(0));

  it("resolves references, also into outputs, in texts and in JSON", async () => {
    const first = resource("bucket", { plain: 1 });
    const { made, outputs } = await create({
      resources: [
        { type: "handoff:test:Pipeline", name: "fx", parent: null, inputs: {} },
        first,
        resource("job", {
          arn: { $ref: ["bucket", "arn"] },
          uri: { $ref: ["bucket", "properties.vaultUri"] },
          policy: json({ on: [text`${{ $ref: ["bucket", "arn"] }}/*`] }),
        }),
      ],
      outputs: { bucket: { $ref: ["bucket", "arn"] }, fixed: "x" },
    });
    expect(madeOf(made, "bucket")).to.deep.equal({ plain: 1 });
    expect(madeOf(made, "job")).to.deep.equal({
      arn: "arn:bucket",
      uri: "https://bucket",
      policy: '{"on":["arn:bucket/*"]}',
    });
    expect(outputs).to.deep.equal({ bucket: "arn:bucket", fixed: "x" });
  });

  it("keeps a secret's value encrypted: the plugin is told that it is one", async () => {
    const { made, options } = await create({
      resources: [resource("secret", { value: secret("API_KEY"), note: "n" })],
    });
    const value = madeOf(made, "secret")?.value;
    expect(pulumi.runtime.isRpcSecret(value)).to.equal(true);
    expect(pulumi.runtime.unwrapRpcSecret(value)).to.equal("s3cret");
    expect(options[0]?.additionalSecretOutputs).to.deep.equal(["value"]);
  });

  it("asks for what exists already, before", async () => {
    const { made } = await create({
      lookups: [{ type: "test:index:getVpc", name: "vpc", inputs: { default: true } }],
      resources: [resource("job", { vpc: { $ref: ["vpc", "id"] }, zone: { $ref: ["vpc", "zones.1"] } })],
    });
    expect(asked).to.deep.equal([{ type: "test:index:getVpc", inputs: { default: true } }]);
    expect(madeOf(made, "job")).to.deep.equal({ vpc: "vpc-1", zone: "b" });
  });

  it("tells Pulumi what the rendering decides beside the inputs", async () => {
    const { options } = await create({
      resources: [
        resource("a", {}),
        resource(
          "b",
          {},
          {
            dependsOn: ["a"],
            retainOnDelete: true,
            deleteBeforeReplace: true,
            ignoreChanges: ["x"],
            timeoutMinutes: 30,
          },
        ),
      ],
    });
    expect(options[1]).to.deep.include({
      retainOnDelete: true,
      deleteBeforeReplace: true,
      ignoreChanges: ["x"],
      customTimeouts: { create: "30m", delete: "30m" },
    });
    expect(options[1]?.dependsOn).to.have.length(1);
    expect(options[0]).not.to.have.any.keys("retainOnDelete", "customTimeouts");
  });

  it("lets a transform change what is created", async () => {
    const { made } = await create(
      { resources: [resource("a", { size: 1 }), resource("b", { size: 1 })] },
      {
        "test:index:Thing": ({ name, args, options }) => ({
          args: name === "a" ? { ...args, size: 2 } : args,
          options,
        }),
      },
    );
    expect([madeOf(made, "a"), madeOf(made, "b")]).to.deep.equal([{ size: 2 }, { size: 1 }]);
  });

  it("a transform of a type that is not there is the user's mistake, with the nearest one", async () => {
    const error = await create({ resources: [resource("a", {})] }, { "test:index:Thin": (it) => it }).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).to.be.instanceOf(UserError);
    expect((error as UserError).hint).to.equal("did you mean test:index:Thing?");
  });

  it("a reference to what comes later, or to no output, is a mistake of the renderer's", async () => {
    const thrown = async (rendering: Partial<Rendering>) =>
      await create(rendering).then(
        () => "",
        (error: Error) => error.message,
      );
    expect(await thrown({ resources: [resource("a", { b: { $ref: ["b", "arn"] } })] })).to.equal(
      "b is referred to before it is described",
    );
    expect(
      await thrown({ resources: [resource("a", {}), resource("b", { x: { $ref: ["a", "nothing"] } })] }),
    ).to.equal("nothing is no output of the resource");
  });
});
