import * as z from "zod/mini"
import { modelName } from "./targets.ts"
import { whole } from "./whole.ts"

const limit = z.exactOptional(z.nullable(whole(1, 10_000_000)))
const limits = { concurrency: limit, rpm: limit, tpm: limit }

/** A `LimitsChange`: the body of `PATCH /v1/providers/{name}`, and what `PROVIDER_LIMITS` has of each provider. */
export const LimitsBody = z.strictObject({
  ...limits,
  models: z.exactOptional(z.record(modelName, z.nullable(z.strictObject(limits)))),
})
