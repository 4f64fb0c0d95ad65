import { createContext } from "preact"
import { useContext } from "preact/hooks"

/** What was read, by name, for as long as one is signed in. */
export type Kept = Map<string, { value: unknown; readAt: number }>

export const KeptContext = createContext<Kept>(new Map())

export function useKept(): Kept {
  return useContext(KeptContext)
}
