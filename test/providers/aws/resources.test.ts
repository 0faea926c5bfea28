import { testSdkTypes } from "../sdk-types.js";

testSdkTypes({ title: "AWS", folder: "aws", classes: 40, functions: 4 });
