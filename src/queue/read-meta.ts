import { PRIORITIES, type Priority } from "../core/request.ts"
import { learn, type QueueContext } from "./context.ts"
import type { Command } from "./store.ts"

/** Fields of `meta`; those it has not are empty. */
export type Meta = Record<string, string>

/**
 * Fields of `meta`, `own` and those of all lines, and the replies of commands that go along. One round trip and one command;
 * one more of each where there is a line that this process has not met.
 */
export async function readMeta<Replies extends unknown[]>(
  context: QueueContext,
  op: string,
  fields: { own: string[]; ofLine: (line: string) => string[] },
  commands: Command[],
): Promise<{ meta: Meta; replies: Replies }> {
  const { keys, store } = context
  const fieldsOfLines = () => context.lines.flatMap(fields.ofLine)
  const first = ["lines", ...fields.own, ...fieldsOfLines()]
  const [values, ...replies] = await store.query<[(string | null)[], ...Replies]>(op, [
    ["HMGET", keys.meta, ...first],
    ...commands,
  ])
  const meta = new Map(first.map((field, i) => [field, values[i] ?? ""]))
  learn(context, (meta.get("lines") ?? "").split(" "))
  // Another call of this process may have learnt them meanwhile.
  const more = fieldsOfLines().filter((field) => !meta.has(field))
  if (more.length > 0) {
    const [rest] = await store.query<[(string | null)[]]>(op, [["HMGET", keys.meta, ...more]])
    for (const [i, field] of more.entries()) meta.set(field, rest[i] ?? "")
  }
  return { meta: Object.fromEntries(meta), replies }
}

/** Of a line: "critical high normal low". */
export function parsePending(text: string): Record<Priority, number> {
  const counts = text.split(" ").map(Number)
  return Object.fromEntries(PRIORITIES.map((priority, i) => [priority, counts[i] ?? 0])) as Record<
    Priority,
    number
  >
}

export function pendingByLine({ lines }: QueueContext, meta: Meta): Record<string, Record<Priority, number>> {
  return Object.fromEntries(lines.map((line) => [line, parsePending(meta[`pending:${line}`] ?? "")]))
}

export function countPending(pending: Record<string, Record<Priority, number>>): number {
  return Object.values(pending)
    .flatMap((levels) => Object.values(levels))
    .reduce((sum, count) => sum + count, 0)
}
