import fc from "fast-check"
import { anything, names, numbers } from "./from-schema.ts"

type Json = Record<string, unknown>

/** One change of a value, somewhere in it; `seed` chooses where. */
type Mutation = (value: unknown, seed: number) => unknown

const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  fc.constant<Mutation>((value, seed) => edit(value, seed, () => undefined)),
  anything.map(
    (other): Mutation =>
      (value, seed) =>
        edit(value, seed, () => other),
  ),
  numbers.map(
    (other): Mutation =>
      (value, seed) =>
        edit(value, seed, () => other),
  ),
  fc.constant<Mutation>((value, seed) => edit(value, seed, retype)),
  fc.tuple(names, anything).map(
    ([name, member]): Mutation =>
      (value, seed) =>
        edit(value, seed, (old) => withMember(old, name, member)),
  ),
  fc.constantFrom(50, 195, 201, 1000).map(
    (depth): Mutation =>
      (value, seed) =>
        edit(value, seed, () => nested(depth)),
  ),
  fc.constantFrom(17, 101, 1001).map(
    (count): Mutation =>
      (value, seed) =>
        edit(value, seed, (old) => repeat(old, count)),
  ),
)

/** Up to three changes of a value, or none. */
export function mutated(values: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  const changes = fc.array(fc.tuple(mutation, fc.nat()), { maxLength: 3 })
  return fc
    .tuple(values, fc.oneof({ weight: 1, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: changes }))
    .map(([value, list]) => list.reduce((changed, [mutate, seed]) => mutate(changed, seed), value))
}

/** What no serializer would write: doubled members, numbers beyond any, bytes that are no UTF-8, half a body. */
export const textChange: fc.Arbitrary<(text: string) => string | Uint8Array> = fc.oneof(
  { weight: 15, arbitrary: fc.constant((text: string) => text) },
  {
    weight: 3,
    arbitrary: fc.constantFrom<(text: string) => string | Uint8Array>(
      (text) => text.replace("{", '{"model":"first","model":"second",'),
      (text) => text.replace("{", '{"__proto__":{"priority":"critical"},'),
      (text) => text.replace(/\d+/, "1e400"),
      (text) => text.replace(/\d+/, "-0"),
      (text) => text.replace(/\d+/, "123456789012345678901234567890"),
      (text) => text.slice(0, Math.ceil(text.length / 2)),
      (text) => `${text}${text}`,
      (text) => `\ufeff${text}`,
      (text) => ` \n\t${text}\n `,
      (text) => text.replaceAll('"', "'"),
      (text) => text.replace(/"([a-z])/, (_, letter: string) => `"\\u00${letter.charCodeAt(0).toString(16)}`),
      (text) => `//c\n${text}`,
      (text) => Buffer.concat([Buffer.from(text.slice(0, -1)), Buffer.from([0xff, 0xfe]), Buffer.from("}")]),
      (text) => Buffer.from(text, "utf16le"),
      (text) => text.replace(/:("[^"]*"|\d+)/, `:${"[".repeat(100_000)}${"]".repeat(100_000)}`),
      () => "",
    ),
  },
)

/** `change` at one of all places of a value, the value itself included; undefined takes the place away. */
function edit(value: unknown, seed: number, change: (old: unknown) => unknown): unknown {
  const copy: Json = { root: structuredClone(value) }
  const places: [holder: Json, name: string][] = []
  collect(copy, places)
  const [holder, name] = places[seed % places.length] ?? ([copy, "root"] as const)
  const changed = change(holder[name])
  if (changed === undefined) delete holder[name]
  else
    Object.defineProperty(holder, name, {
      value: changed,
      enumerable: true,
      configurable: true,
      writable: true,
    })
  return copy.root ?? null
}

function collect(holder: Json, places: [Json, string][], depth = 0): void {
  for (const name of Object.keys(holder)) {
    places.push([holder, name])
    const member = holder[name]
    if (typeof member === "object" && member !== null && depth < 6) collect(member as Json, places, depth + 1)
  }
}

function retype(old: unknown): unknown {
  if (typeof old === "string") return Number(old) || [old]
  if (typeof old === "number") return String(old)
  return Array.isArray(old) ? Object.fromEntries(Object.entries(old)) : [old]
}

function withMember(old: unknown, name: string, member: unknown): unknown {
  if (Array.isArray(old)) return [...old, member]
  // Entries, so that `__proto__` becomes a member like any other.
  return typeof old === "object" ? Object.fromEntries([...Object.entries(old ?? {}), [name, member]]) : member
}

function nested(depth: number): unknown {
  let value: unknown = 1
  for (let i = 0; i < depth; i++) value = i % 2 === 0 ? [value] : { a: value }
  return value
}

function repeat(old: unknown, count: number): unknown {
  if (Array.isArray(old)) return Array.from({ length: count }, () => old[0] ?? null)
  if (typeof old === "object" && old !== null) {
    return { ...old, ...Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, "v"])) }
  }
  return String(old).repeat(count)
}
