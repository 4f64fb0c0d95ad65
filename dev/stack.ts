import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { formatBanner } from "./banner.ts"
import { keepAdminKey } from "./dev-vars.ts"
import { startFront } from "./front.ts"
import type { Lifetime } from "./lifetime.ts"
import { claimPort, freePort } from "./port.ts"
import { openRestStore } from "./rest-store.ts"
import { readSettings, storeVars } from "./settings.ts"
import { startSimulator } from "./simulator/simulator.ts"
import { startTicker } from "./ticker.ts"
import { startWorker } from "./wrangler.ts"

/**
 * Boots the stack: store, bridge, simulator, Worker, ticker. Resolves once `GET /v1/health` answers 200 and that
 * was said. Everything it starts is `lifetime`'s to close. Throws with one line that says what is wrong.
 */
export async function startStack(root: string, lifetime: Lifetime): Promise<void> {
  const { settings, problems } = readSettings(root, process.env)
  if (settings === null) {
    throw new Error(problems.map(({ variable, message }) => `${variable}: ${message}`).join("\n"))
  }
  const { port, cronMs, config } = settings
  const stateFolder = join(root, ".data", `stack-${port}`)
  const stackFile = join(stateFolder, "stack.json")
  await claimPort(port, existsSync(stackFile))
  const adminApiKey = settings.adminKeyIsNew ? keepAdminKey(root, config.adminApiKey) : config.adminApiKey

  const store = await openRestStore(root, settings, lifetime)
  const simulatorUrl = settings.needsSimulator
    ? (await lifetime.start(startSimulator(), (simulator) => simulator.close())).url
    : null
  const vars: Record<string, string> = { ...settings.vars, ADMIN_API_KEY: adminApiKey, ...storeVars(store) }
  if (simulatorUrl !== null) vars.SIMULATOR_URL = simulatorUrl

  // Left behind by a stack that was killed, it tells the next one on this port to wait for the last children.
  mkdirSync(stateFolder, { recursive: true, mode: 0o700 })
  const addresses = { pid: process.pid, port, store: storeVars(store), simulatorUrl }
  writeFileSync(stackFile, JSON.stringify(addresses), { mode: 0o600 })
  const output = {
    verbose: process.argv.includes("--verbose"),
    debug: Boolean(process.env.DEBUG),
    print: (line: string) => console.log(line),
  }
  const worker = await lifetime.start(
    startWorker({ root, port: await freePort(), stateFolder, vars, output }),
    async (started) => {
      await started.close()
      rmSync(stackFile, { force: true })
    },
  )
  await worker.ready(lifetime.signal)
  void worker.ended.then((reason) => lifetime.fail(reason))
  const front = await lifetime.start(startFront(port, worker.origin, adminApiKey), (started) =>
    started.close(),
  )

  const ticker = startTicker(worker.origin, cronMs, (line) => console.error(line))
  await lifetime.start(Promise.resolve(ticker), () => ticker.stop())
  const providers = Object.values(config.providers)
  console.log(
    formatBanner({
      origin: front.origin,
      adminApiKey,
      adminKeyIsNew: settings.adminKeyIsNew,
      queueName: config.queueName,
      store: store.description,
      simulatorUrl,
      providers,
      lanes: config.drainLanes,
      cronMs,
    }),
  )
}
