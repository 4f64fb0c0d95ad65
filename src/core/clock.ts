/** Where time comes from, in epoch milliseconds. Injected, so that tests can hold it still. */
export type Clock = () => number

export const systemClock: Clock = () => Date.now()

/** A source of uniform numbers in [0, 1). Injected for the same reason. */
export type Random = () => number
