import * as z from "zod"
import { PROBLEM_STATUS } from "../../src/core/errors.ts"
import { named } from "./components.ts"

// What an error looks like, by whose words a route speaks.

const codes = Object.keys(PROBLEM_STATUS) as (keyof typeof PROBLEM_STATUS)[]

/** Under which names to look for what may have been stored although this says otherwise. */
const maybeStored = {
  maybeStored: z
    .literal(true)
    .optional()
    .describe("The store did not answer in time: what was sent may be stored all the same."),
  requestId: z.string().optional().describe("The request that may be stored."),
  requestIds: z.array(z.string()).optional().describe("The requests that may be stored."),
  keyId: z.string().optional().describe("The key that may have been issued, to be revoked."),
  secretId: z.string().optional().describe("The secret that may have been issued, to be ended."),
}

const FieldProblem = named(
  "FieldProblem",
  z.strictObject({
    path: z.string().describe("A JSON Pointer into the body, or the name of a parameter as one."),
    message: z.string().describe("Continues “this member …”."),
  }),
)

const problems = new Map<number, z.ZodType>()

/** RFC 9457, with the codes that this status can have. */
export function problemOf(status: number): z.ZodType {
  const known = problems.get(status)
  if (known !== undefined) return known
  const schema = named(
    `Problem${status}`,
    z.strictObject({
      type: z.literal("about:blank"),
      title: z.string(),
      status: z.literal(status),
      detail: z.string().describe("For people; never holds content or keys."),
      code: z.enum(codesOf(status)).describe("For programs."),
      errors: z.array(FieldProblem).optional().describe("Every member that is wrong."),
      ...(status === 503 ? maybeStored : {}),
    }),
  )
  problems.set(status, schema)
  return schema
}

export const ActionError = named(
  "ActionError",
  z.strictObject({
    success: z.literal(false),
    error: z.string(),
    code: z.enum(codes),
    ...maybeStored,
  }),
)

export const OpenAiError = named(
  "OpenAiError",
  z
    .strictObject({
      error: z.strictObject({
        message: z.string(),
        type: z.string(),
        param: z.string().nullable().describe("The first member that is wrong."),
        code: z.string().nullable(),
        ...maybeStored,
        inputFileId: z.string().optional(),
      }),
    })
    .describe("As OpenAI's clients expect errors."),
)

export const AnthropicError = named(
  "AnthropicError",
  z
    .strictObject({
      type: z.literal("error"),
      error: z.strictObject({ type: z.string(), message: z.string(), ...maybeStored }),
      request_id: z.string().nullable(),
    })
    .describe("As Anthropic's clients expect errors."),
)

export const ModelError = named("ModelError", z.union([OpenAiError, AnthropicError]))

function codesOf(status: number) {
  return codes.filter((code) => PROBLEM_STATUS[code] === status)
}
