import { useState } from "preact/hooks"

export interface Action {
  run(): Promise<void>
  isBusy: boolean
  /** Why the last one failed. */
  error: Error | null
}

/** Something that a person does: never twice at a time, and its error is told where it was done. */
export function useAction(act: () => Promise<unknown>): Action {
  const [state, setState] = useState<{ isBusy: boolean; error: Error | null }>({ isBusy: false, error: null })
  const run = async () => {
    if (state.isBusy) return
    setState({ isBusy: true, error: null })
    try {
      await act()
      setState({ isBusy: false, error: null })
    } catch (error) {
      setState({ isBusy: false, error: error instanceof Error ? error : new Error(String(error)) })
    }
  }
  return { ...state, run }
}
