import { PRIORITIES } from "../../src/core/request.ts"
import type { RequestQueue } from "../../src/queue/contract.ts"
import type { RequestOverrides } from "../../test/helpers/queue.ts"
import type { TestStore } from "../../test/helpers/store.ts"
import { fill, oneKilobyte } from "./requests.ts"
import { openQueue, startLargeStore } from "./stores.ts"

const PROVIDERS = ["openai", "anthropic", "deepseek"] as const
const ORGANIZATIONS = 10_000

/** What the i-th request asks for, beyond its 1 KB. */
type Shape = (i: number) => RequestOverrides

const SHAPES = {
  "one line": () => ({}),
  "3 providers, 4 priorities": (i) => ({
    provider: turn(PROVIDERS, i),
    priority: turn(PRIORITIES, Math.floor(i / PROVIDERS.length)),
  }),
  "10,000 organizations": (i) => ({ organizationId: `org-${i % ORGANIZATIONS}` }),
} satisfies Record<string, Shape>

function turn<T>(values: readonly [T, ...T[]], i: number): T {
  return values[i % values.length] ?? values[0]
}

export type ShapeName = keyof typeof SHAPES

/** A queue in a store of its own with so many pending, which operations leave as they find it, taken round by round. */
export interface Scene {
  shape: ShapeName
  pending: number
  store: TestStore
  queue: RequestQueue
  /** The next request of this shape. */
  next(): ReturnType<typeof oneKilobyte>
  /** Any that is pending. */
  anyId(): string
  /** Tells which are pending no more. */
  gone(requestId: string): void
}

export async function openScene(shape: ShapeName, pending: number): Promise<Scene> {
  const store = await startLargeStore()
  const queue = openQueue(store)
  const [ids, left]: [string[], Set<string>] = [[], new Set()]
  let made = 0
  const next = () => {
    const request = oneKilobyte(made, SHAPES[shape](made))
    made += 1
    ids.push(request.head.requestId)
    return request
  }
  await fill(queue, pending, next)
  const anyId = (): string => {
    const id = ids[Math.floor(Math.random() * ids.length)] ?? ""
    return left.has(id) ? anyId() : id
  }
  return { shape, pending, store, queue, next, anyId, gone: (id) => left.add(id) }
}
