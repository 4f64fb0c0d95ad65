import { expect } from "vitest"
import type { SoloStep } from "./steps.ts"
import type { Action } from "./world.ts"

export type StepOf<Name extends SoloStep["do"]> = Extract<SoloStep, { do: Name }>

/** A step without what goes wrong on its way. */
export type Plain = Omit<Action, "fault">

/** Of those known, the newest first. */
export function choose<Item>(items: readonly Item[], pick: number): Item | undefined {
  return items.length === 0 ? undefined : items[pick % items.length]
}

export function toEqual(actual: unknown, expected: unknown): void {
  expect(actual).toEqual(expected)
}
