/**
 * Calls a minute that lanes start, each with the six connections that an invocation has on Cloudflare: 1 s to the first
 * byte, 10 s an answer, over the real queue in a real Redis. Needs redis-server or valkey-server; takes
 * about 4 minutes.
 */
import { startTestStore } from "../test/helpers/store.ts"
import { spawnSimulator } from "../test/scale/processes.ts"
import { measureLanes } from "./lanes/measure.ts"

const FIRST_BYTE_MS = 1000
const ANSWER_MS = 10_000
const WAVES = 40
const RUNS = [
  { lanes: 1, isStreamed: true },
  { lanes: 8, isStreamed: true },
  { lanes: 32, isStreamed: true },
  { lanes: 8, isStreamed: false },
]

const store = await startTestStore("redis")
console.log(
  "| lanes | answers | calls a minute | of slots ÷ time to first byte | most in flight | calls ÷ requests |",
)
console.log("|---|---|---|---|---|---|")
for (const { lanes, isStreamed } of RUNS) {
  const simulator = await spawnSimulator()
  // Without streaming a wave takes as long as its answers.
  const requests = lanes * 4 * (isStreamed ? WAVES : WAVES / 10)
  const { url, token } = store
  const queueName = `lanes-${lanes}-${isStreamed ? "streamed" : "whole"}`
  const times = { firstByteMs: FIRST_BYTE_MS, answerMs: ANSWER_MS }
  const result = await measureLanes({
    ...{
      store: { url, token },
      simulatorUrl: simulator.url,
      queueName,
      lanes,
      requests,
      isStreamed,
      ...times,
    },
  })
  const { startsPerMinute, share, mostInFlight, calls } = result
  const cells = [lanes, isStreamed ? "streamed" : "whole", Math.round(startsPerMinute), share.toFixed(2)]
  console.log(`| ${[...cells, mostInFlight, (calls / requests).toFixed(3)].join(" | ")} |`)
  await simulator.stop()
}
await store.close()
