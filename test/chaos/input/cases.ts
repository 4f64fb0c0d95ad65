import fc from "fast-check"
import { Message } from "../../../src/core/contracts/messages.ts"
import { FORM_TYPE, toForm } from "./form.ts"
import { membersOf, texts, valuesOf } from "./from-schema.ts"
import { mutated, textChange } from "./mutate.ts"
import { CHAT, fill, type IdName, nameOf, OPERATIONS, type Operation } from "./operations.ts"
import type { Sent } from "./worker.ts"

/** One request of the fuzz. */
export interface Case {
  /** Of the operation. */
  name: string
  sent: Sent
}

/** Ids that are there, filled in by the test as it learns them. */
export type KnownIds = Record<IdName, string[]>

const someHeaders: fc.Arbitrary<Record<string, string>> = fc.oneof(
  { weight: 6, arbitrary: fc.constant({}) },
  {
    weight: 2,
    arbitrary: fc.constantFrom<Record<string, string>>(
      ...["a", "b", "c", "", "k".repeat(255), "k".repeat(256), "é\xff"].map((key) => ({
        "idempotency-key": key,
      })),
      { "x-request-id": "mine-1" },
      { "x-request-id": "not mine" },
      { "content-type": "application/json; charset=utf-8" },
      { "content-type": "text/plain" },
      { "content-type": "application/json; charset=latin1" },
      { "content-encoding": "gzip" },
      { "openai-organization": "org-2" },
      { "openai-organization": "a b" },
      { "x-queue-priority": "urgent" },
      { "x-queue-priority": "low", "x-queue-timeout": "1000" },
      { "x-queue-timeout": "1e3" },
      { "x-queue-request-id": "req_1m8650amf00005356tsz986" },
      { "last-event-id": "1.0.completed" },
      { "last-event-id": "999999999.999999999999.pending" },
      { prefer: 'wait=0, wait="' },
      { "x-http-method-override": "DELETE" },
      { "x-forwarded-for": "10.0.0.1", origin: "https://evil.example" },
    ),
  },
)

const USUAL: Record<string, string[]> = {
  state: ["pending", "scheduled", "cancelled", "completed"],
  organizationId: ["org-1", "__proto__"],
  limit: ["1", "20", "100"],
  cursor: [
    "req_1m8650amf00005356tsz986",
    "req_7zzzzzzzz0000zzzzzzzzzz",
    "1-1",
    "0-0",
    "1-0",
    "99999999999999999999-0",
    "9999999999999999999-9999999999999999999",
  ],
  include: ["messages"],
  wait: ["0", "00", "61", "1.5"],
  order: ["asc", "desc"],
  purpose: ["batch", "vision"],
  after: ["file-1m8650amf00005356tsz986", "batch_1m8650amf00005356tsz986"],
  after_id: ["msgbatch_1m8650amf00005356tsz986"],
  before_id: ["msgbatch_1m8650amf00005356tsz986"],
  olderThanSeconds: ["0", "60"],
}
const USUAL_VALUES = ["", "0", "1", "101", "-1", "1e3", "0x10", "*", "a b", "999999999999"]

/** The runtime itself refuses an address of more than 64 kB. */
const MAX_QUERY_CHARS = 300

/** A body over its limit is answered before it is read, which `fetch` may take for a broken connection. */
const MAX_BODY_CHARS = 300_000

/** Requests of every operation: mostly as its schemas want them, then changed. */
export function cases(known: KnownIds): fc.Arbitrary<Case> {
  return fc.oneof(
    ...OPERATIONS.map((operation) => ({
      weight: operation.body === undefined ? 1 : 2,
      arbitrary: casesOf(operation, known),
    })),
  )
}

function casesOf(operation: Operation, known: KnownIds): fc.Arbitrary<Case> {
  return fc
    .record({
      ids: idsOf(known),
      query: queriesOf(operation),
      headers: someHeaders,
      body: bodiesOf(operation),
    })
    .map(({ ids, query, headers, body }) => {
      const path = fill(operation.path, ids)
      const separator = query === "" ? "" : path.includes("?") ? "&" : "?"
      const all = { ...ownHeaders(operation), ...headers, ...operation.headers }
      const sent: Sent = { method: operation.method, path: `${path}${separator}${query}`, headers: all }
      if (body === undefined) return { name: nameOf(operation), sent }
      const filled = typeof body === "string" ? fill(body, ids) : body
      return { name: nameOf(operation), sent: { ...sent, body: filled } }
    })
}

function ownHeaders({ body }: Operation): Record<string, string> {
  return body?.file === undefined ? {} : { "content-type": FORM_TYPE }
}

/** What may stand in paths, by name. */
function idsOf(known: KnownIds): fc.Arbitrary<Record<string, string>> {
  const odd = texts.map((text) => encodeURIComponent(text.toWellFormed()) || "x")
  // A case is generated just before it is sent, so by then there are some.
  const place = fc.tuple(fc.nat(), odd, fc.nat({ max: 3 }))
  return place.map(([index, text, chance]) => {
    const one = (ids: string[]) => (chance > 0 ? (ids[index % Math.max(1, ids.length)] ?? text) : text)
    return {
      ...Object.fromEntries(Object.entries(known).map(([name, ids]) => [name, one(ids)])),
      responseId: one(known.requestId).replace(/^req_/, "resp_"),
      provider: one(["openai", "anthropic", "deepseek"]),
      model: one(["auto/fast", "fast"]),
      organizationId: one(["org-1", "__proto__"]),
    }
  })
}

function queriesOf({ query }: Operation): fc.Arbitrary<string> {
  if (query === undefined) return fc.constantFrom("", "", "", "x=1", "__proto__=1")
  const usual = fc.constantFrom(...USUAL_VALUES)
  const entries = Object.entries(membersOf(query, "input")).map(([name, values]) => {
    const own = { weight: 3, arbitrary: fc.constantFrom(...(USUAL[name] ?? USUAL_VALUES)) }
    return [name, fc.oneof(own, { weight: 1, arbitrary: usual }, { weight: 1, arbitrary: values })] as const
  })
  const members = fc.record(Object.fromEntries(entries), { requiredKeys: [] })
  const odd = fc.tuple(texts, texts).map((pair): [string, string] => pair)
  return fc
    .tuple(
      members,
      fc.oneof(
        { weight: 3, arbitrary: fc.constant([]) },
        { weight: 1, arbitrary: fc.array(odd, { maxLength: 1 }) },
      ),
    )
    .map(([known, more]) => {
      const pairs = [...Object.entries(known), ...more]
        .map(([name, value]) => [name, String(value)])
        .map((pair) => pair.map((text = "") => text.slice(0, MAX_QUERY_CHARS)))
      return pairs
        .map((pair) => pair.map((text) => encodeURIComponent((text ?? "").toWellFormed())).join("="))
        .join("&")
    })
}

function bodiesOf({ method, body }: Operation): fc.Arbitrary<string | Uint8Array | undefined> {
  if (method === "GET") return fc.constant(undefined)
  if (body === undefined) return fc.constantFrom(undefined, undefined, "{}", "{")
  const { schema, least, isBulk = false, isOptional = false, file } = body
  const messages = fc.array(valuesOf(Message), { minLength: 1, maxLength: 3 })
  const members = { ...membersOf(schema), ...(least === CHAT ? { messages } : {}) }
  const entries = Object.entries(members)
  // A few members beyond the least: with all of them hardly any body would be valid.
  const some = fc
    .subarray(entries, { maxLength: Math.min(2, entries.length) })
    .chain((chosen) => fc.record(Object.fromEntries(chosen)))
    .map((chosen) => ({ ...least, ...(chosen as Record<string, unknown>) }))
  const values = isBulk
    ? fc.array(some, { minLength: 1, maxLength: 4 }).map((requests) => ({ requests }))
    : some
  const written = fc
    .tuple(mutated(values), textChange)
    .map(([value, change]) => change(file === undefined ? JSON.stringify(value) : toForm(value, file)))
    .filter((text) => text.length < MAX_BODY_CHARS)
  return isOptional ? fc.option(written, { nil: undefined }) : written
}
