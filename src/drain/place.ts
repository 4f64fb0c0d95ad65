/** What the place where a drain runs gives to it. The subrequests are a setting. */
export interface Place {
  wallMs: number
  /** Connections to providers that may wait for headers. */
  providerSlots: number
  /** Connections to the store, beside the one of the turns. */
  storeSlots: number
  /** So many answers are settled at once. */
  settleGroup: number
}

/** What Cloudflare gives one invocation of a cron tick or an alarm; longer than any timeout. */
export const WALL_MS = 15 * 60_000

/** Six connections may wait for headers in one invocation: four call providers, two talk to the store. */
export const INVOCATION: Place = { wallMs: WALL_MS, providerSlots: 4, storeSlots: 1, settleGroup: 20 }
