/**
 * `QUEUE_RUNS`: lives per store, for a longer soak; `QUEUE_SEED` and `QUEUE_PATH` repeat one, as a failure prints them.
 * `npm run chaos` looks for new ones each time.
 */
export function parameters(runs: number) {
  const { CHAOS, QUEUE_RUNS, QUEUE_PATH } = process.env
  const { QUEUE_SEED = CHAOS === "full" ? "random" : "20261124" } = process.env
  return {
    numRuns: Number(QUEUE_RUNS ?? runs),
    ...(QUEUE_SEED === "random" ? {} : { seed: Number(QUEUE_SEED) }),
    ...(QUEUE_PATH === undefined ? {} : { path: QUEUE_PATH }),
  }
}
