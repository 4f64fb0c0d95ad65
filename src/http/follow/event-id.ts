import { STATES } from "../../core/request.ts"
import type { Seen } from "./follow-request.ts"

const EVENT_ID = /^(\d{1,9})\.(\d{1,12})\.([a-z]+)$/

/** Says all that a Worker must know to go on where another stopped: `<attempt>.<offset behind the text>.<state>`. */
export function writeEventId({ attempt, offset, state }: Seen): string {
  return `${attempt}.${offset}.${state}`
}

/** null: none, or none of ours. */
export function readEventId(id: string | undefined): Seen | null {
  const [, attempt, offset, name] = EVENT_ID.exec(id ?? "") ?? []
  const state = STATES.find((each) => each === name)
  return state === undefined ? null : { attempt: Number(attempt), offset: Number(offset), state }
}
