/** The providers that the suites run for. */
import { platforms } from "../../model/plan-types.js";
import type { Provider } from "../../providers/contract.js";
import { providerOf } from "../../providers/registry.js";

export const providers: readonly Provider[] = platforms.map(providerOf);
export const clouds: readonly Provider[] = providers.filter(({ platform }) => platform !== "local");
