import { testSdkTypes } from "../sdk-types.js";

testSdkTypes({ title: "Google Cloud", folder: "gcp", classes: 25, functions: 0 });
