import * as z from "zod"

export type Schema = z.core.$ZodType

/** A JSON Schema, as the document holds it. */
export type JsonSchema = Record<string, unknown>

const registry = z.registry<{ id: string }>()

/** Gives a schema a name: wherever it stands in another one, the document refers to it. */
export function named<Named extends Schema>(id: string, schema: Named): Named {
  registry.add(schema, { id })
  return schema
}

export function refer(schema: Schema): { $ref: string } {
  const id = registry.get(schema)?.id
  if (id === undefined) throw new Error("Bodies and answers have names in the document: use named().")
  return { $ref: uri(id) }
}

const descriptions = new WeakMap<Schema, Record<string, string>>()

type MembersOf<Described> = Described extends { shape: infer Shape } ? keyof Shape & string : never

/** Says what each member is for: the schemas of the Worker carry no words that only this document needs. */
export function described<Described extends Schema>(
  schema: Described,
  members: Record<MembersOf<Described>, string>,
): Described {
  descriptions.set(schema, members)
  return schema
}

const entries = new WeakMap<Schema, Schema>()

/** The Worker reads the entries of this array one by one, by another schema. */
export function readsEach(array: Schema, entry: Schema): void {
  entries.set(array, entry)
}

/** All that have a name. */
export function namedSchemas(): Record<string, JsonSchema> {
  const { schemas } = z.toJSONSchema(registry, { ...OPTIONS, uri })
  const all = Object.entries(schemas).map(([id, { $id: _, $schema: _schema, ...schema }]) => [id, schema])
  return Object.fromEntries(all.sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)))
}

/** One that is written out where it stands, such as a query's. */
export function toJsonSchema(schema: Schema): JsonSchema {
  const { $schema: _, ...converted } = z.toJSONSchema(schema as never, OPTIONS)
  return converted
}

function uri(id: string): string {
  return `#/components/schemas/${id}`
}

const OPTIONS = { io: "input", unrepresentable: "any", override: complete } as const

/** What zod does not tell: the `params` of checks of ours, and the second half of a pipe that checks once more. */
function complete({ zodSchema, jsonSchema }: { zodSchema: Schema; jsonSchema: JsonSchema }): void {
  const { def } = zodSchema._zod as {
    def: z.core.$ZodTypeDef & { out?: Schema; defaultValue?: unknown }
  }
  // Left out of what is read from text.
  if (def.type === "default") jsonSchema.default ??= def.defaultValue
  for (const check of def.checks ?? []) {
    const { params, pattern } = check._zod.def as { params?: JsonSchema; pattern?: RegExp }
    Object.assign(jsonSchema, params)
    // JSON Schema has no flags: better no pattern than one that is too narrow.
    if (pattern?.ignoreCase) delete jsonSchema.pattern
  }
  const entry = entries.get(zodSchema)
  if (entry !== undefined) jsonSchema.items = refer(entry)
  const members = (jsonSchema.properties ?? {}) as Record<string, JsonSchema>
  for (const [name, description] of Object.entries(descriptions.get(zodSchema) ?? {})) {
    // A copy: the same schema may stand elsewhere, too.
    members[name] = { ...members[name], description }
  }
  const then = def.type === "pipe" ? def.out : undefined
  if (then !== undefined && then._zod.def.type !== "transform") {
    const { $schema: _, ...more } = z.toJSONSchema(then as never, OPTIONS)
    for (const [name, value] of Object.entries(more)) {
      const isBound = ["minItems", "maxItems"].includes(name)
      if (!isBound) jsonSchema[name] = value
    }
  }
}
