/** As for the lives in `test/queue`: `QUEUE_RUNS` for a longer soak, `QUEUE_SEED` (or `random`) and `QUEUE_PATH` repeat one. */
export function parameters(runs: number) {
  const { QUEUE_RUNS, QUEUE_SEED = "20261124", QUEUE_PATH } = process.env
  return {
    numRuns: Number(QUEUE_RUNS ?? runs),
    ...(QUEUE_SEED === "random" ? {} : { seed: Number(QUEUE_SEED) }),
    ...(QUEUE_PATH === undefined ? {} : { path: QUEUE_PATH }),
  }
}
