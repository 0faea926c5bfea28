import * as pulumi from "@pulumi/pulumi";

/** A resource of the local platform's plugin (plugin-provider.ts says which types there are). */
export class LocalResource extends pulumi.CustomResource {
  /** Outputs that other resources or the stack refer to; undefined for those that this type doesn't have. */
  declare readonly path: pulumi.Output<string>;
  declare readonly codeDir: pulumi.Output<string>;
  declare readonly venvsDir: pulumi.Output<string>;
  declare readonly folder: pulumi.Output<string>;
  declare readonly imageId: pulumi.Output<string>;

  constructor(type: string, name: string, inputs: pulumi.Inputs, options: pulumi.CustomResourceOptions) {
    const outputs = {
      path: undefined,
      codeDir: undefined,
      venvsDir: undefined,
      folder: undefined,
      imageId: undefined,
    };
    super(type, name, { ...outputs, ...inputs }, options);
  }
}
