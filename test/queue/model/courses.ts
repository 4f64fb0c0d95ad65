import type { ModelState } from "./state.ts"

/** What an action does to the store, one script or read after the other: at each `yield` it waits for its turn. */
export type Course<Reply = unknown> = Generator<undefined, Reply>

export type Way<Reply = unknown> = (state: ModelState) => Course<Reply>

/** How actions may have come to pass: the state that they leave, and what each was told. */
export interface Order {
  state: ModelState
  replies: unknown[]
}

export function atOnce<Reply>(script: (state: ModelState) => Reply): Way<Reply> {
  return function* (state) {
    yield
    return script(state)
  }
}

/** The answer to its first script was lost, and it was run again. */
export function twice<Reply>(way: Way<Reply>): Way<Reply> {
  return function* (state) {
    const lost = way(state)
    lost.next()
    yield
    lost.next()
    return yield* way(state)
  }
}

/** What is stored when it stops after none, one, … and all of its scripts. */
export function* prefixes(way: Way, before: ModelState): Generator<ModelState> {
  const state = structuredClone(before)
  const course = way(state)
  let isOver = false
  while (!isOver) {
    isOver = course.next().done === true
    yield structuredClone(state)
  }
}

/** Every order in which the scripts of these may reach the store, each once; first those without anything in between. */
export function* orders(before: ModelState, ways: Way[]): Generator<Order> {
  const untried = ways.map((_, i) => [i])
  for (let turns = untried.shift(); turns !== undefined; turns = untried.shift()) {
    const { untold, ...order } = run(before, ways, turns)
    untried.push(...untold)
    yield order
  }
}

/** Takes turns as told, then without a change of who it is; `untold`: where another might have come instead. */
function run(before: ModelState, ways: Way[], turns: number[]): Order & { untold: number[][] } {
  const state = structuredClone(before)
  const replies: unknown[] = []
  const open = new Map(ways.map((way, i) => [i, way(state)]))
  for (const course of open.values()) course.next()
  const taken: number[] = []
  const untold: number[][] = []
  while (open.size > 0) {
    const told = turns[taken.length]
    const last = taken.at(-1)
    const [[first = 0] = []] = open
    const next = told ?? (last !== undefined && open.has(last) ? last : first)
    if (told === undefined)
      for (const other of open.keys()) if (other !== next) untold.push([...taken, other])
    const step = open.get(next)?.next()
    if (step?.done !== false) {
      replies[next] = step?.value
      open.delete(next)
    }
    taken.push(next)
  }
  return { state, replies, untold }
}
