/** What the load does, as often in each hundred turns. A fixed mix: chance would make the memory go up and down by itself. */
const MIX = {
  single: 38,
  action: 6,
  delayed: 8,
  tenant: 6,
  bulk: 4,
  idempotent: 3,
  repeated: 3,
  cancel: 6,
  replay: 2,
  list: 6,
  stats: 4,
  messages: 4,
  audit: 2,
  health: 4,
  unknown: 4,
} as const

export type Action = keyof typeof MIX

/** All turns of the mix, each kind spread evenly over them. */
export function createDeck(): Action[] {
  const turns = Object.entries(MIX).flatMap(([action, count]) =>
    Array.from({ length: count }, (_, i) => ({ action: action as Action, at: (i + 0.5) / count })),
  )
  return turns.toSorted((a, b) => a.at - b.at).map(({ action }) => action)
}
