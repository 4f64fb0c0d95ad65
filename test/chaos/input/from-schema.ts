import fc from "fast-check"
import * as z from "zod/mini"

/** What is read of a JSON Schema, as `z.toJSONSchema` writes it. */
interface JsonSchema {
  type?: string | string[]
  const?: unknown
  enum?: unknown[]
  anyOf?: JsonSchema[]
  oneOf?: JsonSchema[]
  properties?: Record<string, JsonSchema>
  required?: string[]
  additionalProperties?: JsonSchema | boolean
  items?: JsonSchema
  pattern?: string
  maxItems?: number
}

/** Numbers at which something begins or ends: ranges of the contract, of doubles, of Redis and of Lua. */
const EDGES = [
  ...[
    -1, -0, 0, 0.1, 0.5, 1, 1.5, 2, 10, 11, 16, 59, 60, 64, 100, 128, 999, 1000, 1001, 30_000, 600_000,
    600_001,
  ],
  ...[
    2_592_000,
    2_592_001,
    10_000_000,
    2 ** 31,
    2 ** 32,
    99_999_999_999_999,
    1e14,
    2 ** 53,
    2 ** 63,
    1e21,
    1e308,
  ],
  ...[5e-324, -(2 ** 53), -1e308],
]
/** Texts that mean something to someone on the way: separators of our own records, Lua, Redis, JSON, URLs, prototypes. */
const ODD_TEXTS = [
  ...[
    "",
    " ",
    "|",
    "a|b",
    "a:b",
    ";",
    "%",
    "%s",
    "%00",
    "*",
    "+",
    "-",
    "(",
    "[",
    "\n",
    "\r\n",
    "\0",
    "\t",
    "\u001b[2J",
  ],
  ...[
    "\ud800",
    "\udc00x",
    "\ufeff",
    "\u2028",
    "é",
    "你好",
    "👩‍👩‍👧‍👦",
    "null",
    "undefined",
    "NaN",
    "true",
    "0",
    "1e400",
  ],
  ...[
    "__proto__",
    "constructor",
    "toString",
    "hasOwnProperty",
    "../..",
    "req_1m8650amf00005356tsz986",
    "auto",
    "fast",
  ],
  ...["<script>", "' OR 1=1 --", '"', "\\", "{{7*7}}", "aiq:{input}:meta", "org-1", "org-2"],
]
const LENGTHS = [63, 64, 65, 127, 128, 129, 255, 512, 513, 5000]

export const numbers: fc.Arbitrary<number> = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...EDGES) },
  { weight: 2, arbitrary: fc.integer() },
  { weight: 1, arbitrary: fc.double({ noNaN: true, noDefaultInfinity: true }) },
  // A minute to a month from now.
  { weight: 2, arbitrary: fc.integer({ min: 60_000, max: 2_500_000_000 }).map((ms) => Date.now() + ms) },
)
export const texts: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...ODD_TEXTS) },
  { weight: 2, arbitrary: fc.string({ unit: "binary", maxLength: 30 }) },
  { weight: 1, arbitrary: fc.constantFrom(...LENGTHS).map((length) => "x".repeat(length)) },
  { weight: 1, arbitrary: fc.constantFrom(...LENGTHS).map((length) => "👍".repeat(length)) },
)
/**
 * Names of members. A name of one control character is left out: V8's `JSON.parse` takes `"\u0000"` for `"\\"` where an
 * object of the latter's shape came before, here as in the Worker.
 */
export const names = texts.filter((text) => text.length !== 1 || text > " ")
export const anything: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 3, arbitrary: texts },
  { weight: 3, arbitrary: numbers },
  { weight: 2, arbitrary: fc.constantFrom<unknown>(null, true, false, [], {}, [[]], [null]) },
  { weight: 1, arbitrary: fc.dictionary(names, fc.oneof(texts, numbers), { maxKeys: 5 }) },
  { weight: 1, arbitrary: fc.jsonValue() },
)

/** Values of a schema's shape, with little regard to its ranges: about half of them are valid. */
export function valuesOf(schema: z.core.$ZodType, io: "input" | "output" = "output"): fc.Arbitrary<unknown> {
  return fromJsonSchema(z.toJSONSchema(schema, { io, unrepresentable: "any" }) as JsonSchema)
}

/** The schema of each member of an object. */
export function membersOf(
  schema: z.core.$ZodType,
  io: "input" | "output" = "output",
): Record<string, fc.Arbitrary<unknown>> {
  const { properties = {} } = z.toJSONSchema(schema, { io, unrepresentable: "any" }) as JsonSchema
  return Object.fromEntries(
    Object.entries(properties).map(([name, member]) => [name, fromJsonSchema(member)]),
  )
}

function fromJsonSchema(schema: JsonSchema): fc.Arbitrary<unknown> {
  if (schema.const !== undefined) return fc.constant(schema.const)
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum)
  const branches = schema.anyOf ?? schema.oneOf
  if (branches !== undefined) return fc.oneof(...branches.map(fromJsonSchema))
  const types = [schema.type ?? []].flat()
  if (types.length === 0) return anything
  return fc.oneof(...types.map((type) => ofType(type, schema)))
}

function ofType(type: string, schema: JsonSchema): fc.Arbitrary<unknown> {
  switch (type) {
    case "string":
      return schema.pattern === undefined
        ? texts
        : fc.oneof(texts, fc.stringMatching(new RegExp(schema.pattern)))
    case "number":
    case "integer":
      return numbers
    case "boolean":
      return fc.boolean()
    case "null":
      return fc.constant(null)
    case "array":
      return fc.array(fromJsonSchema(schema.items ?? {}), { maxLength: Math.min(schema.maxItems ?? 3, 3) })
    default:
      return objects(schema)
  }
}

function objects({
  properties = {},
  required = [],
  additionalProperties,
}: JsonSchema): fc.Arbitrary<unknown> {
  const members = Object.entries(properties).map(([name, member]) => [name, fromJsonSchema(member)] as const)
  const own = fc.record(Object.fromEntries(members), {
    requiredKeys: required.filter((name) => name in properties),
  })
  if (typeof additionalProperties !== "object") return own
  const more = fc.dictionary(names, fromJsonSchema(additionalProperties), { maxKeys: 3 })
  return fc.tuple(more, own).map(([other, known]) => ({ ...other, ...known }))
}
