import { setTimeout as wait } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { generateAdminKey, readDevVars } from "../dev-vars.ts"
import type { Lifetime } from "../lifetime.ts"
import { readSettings } from "../settings.ts"
import { type GuardedProcess, spawnGuarded, TYPESCRIPT_FLAGS } from "../spawn-guarded.ts"

/** A stack to post to. */
export interface DemoStack {
  origin: string
  adminApiKey: string
  /** It runs for the demo alone. */
  isOwn: boolean
}

/** The stack that the demo starts lets few calls go at a time, or there would be no line to see. */
const CONCURRENCY = "8"
/** What leads to a real provider. The shell wins over `.dev.vars`, also with an empty value. */
const PROVIDER_VARIABLES = [
  ...["OPENAI_API_KEY", "ANTHROPIC_API_KEY", "DEEPSEEK_API_KEY"],
  ...["OPENAI_BASE_URL", "ANTHROPIC_BASE_URL", "DEEPSEEK_BASE_URL"],
  ...["CUSTOM_PROVIDERS", "ROUTES"],
]
const START = fileURLToPath(new URL("../start.ts", import.meta.url))
const START_TIMEOUT_MS = 90_000
const POLL_MS = 100

/**
 * The environment of a stack that is started for the demo: no provider's key or address unless `isReal`, and a
 * queue of its own, so that it neither drains what waits elsewhere nor leaves anything there.
 */
export function demoEnvironment(
  shell: NodeJS.ProcessEnv,
  devVars: Record<string, string>,
  isReal: boolean,
): NodeJS.ProcessEnv {
  const own = { ...devVars, ...shell }
  const hidden = isReal ? [] : PROVIDER_VARIABLES.map((name) => [name, ""])
  return {
    ...shell,
    ...Object.fromEntries(hidden),
    ADMIN_API_KEY: own.ADMIN_API_KEY?.trim() || generateAdminKey(),
    DRAIN_CONCURRENCY: own.DRAIN_CONCURRENCY?.trim() || CONCURRENCY,
    QUEUE_NAME: isReal ? "demo-real" : "demo",
    ...(isReal ? {} : { ALLOW_SIMULATOR: "1" }),
  }
}

/**
 * The stack that listens on `PORT`, or a new one, which ends with the demo. Throws one line that says what to do:
 * a bad setting, another admin key, a stack that does not come up.
 */
export async function openStack(root: string, isReal: boolean, lifetime: Lifetime): Promise<DemoStack> {
  const devVars = readDevVars(root)
  const env = demoEnvironment(process.env, devVars, isReal)
  const { settings, problems } = readSettings(root, env)
  if (settings === null) {
    throw new Error(problems.map(({ variable, message }) => `${variable}: ${message}`).join("\n"))
  }
  const origin = `http://127.0.0.1:${settings.port}`
  const isOwn = (await health(origin)) === null
  if (isOwn) await start(root, origin, env, lifetime)
  // A key that was made up just now is right only for our own stack.
  const adminApiKey = env.ADMIN_API_KEY ?? ""
  await checkKey(origin, adminApiKey)
  return { origin, adminApiKey, isOwn }
}

async function start(
  root: string,
  origin: string,
  env: NodeJS.ProcessEnv,
  lifetime: Lifetime,
): Promise<void> {
  const running = await lifetime.start(
    spawnGuarded(process.execPath, [...TYPESCRIPT_FLAGS, START], { cwd: root, env }),
    (stack) => stack.stop(),
  )
  const lastWords = collect(running)
  const ended = running.exited.then((code) => {
    throw new Error(`the stack ended with code ${code}\n${lastWords()}`)
  })
  await Promise.race([untilHealthy(origin, lifetime.signal), ended, lifetime.ended])
  ended.catch((error: Error) => lifetime.fail(error.message))
}

async function untilHealthy(origin: string, signal: AbortSignal): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS
  while ((await health(origin)) !== 200) {
    signal.throwIfAborted()
    if (Date.now() > deadline) throw new Error(`the stack was not ready within ${START_TIMEOUT_MS / 1000} s`)
    await wait(POLL_MS)
  }
}

/** The status of `GET /v1/health`; null when nobody listens. */
async function health(origin: string): Promise<number | null> {
  try {
    const answer = await fetch(`${origin}/v1/health`, { signal: AbortSignal.timeout(5_000) })
    await answer.body?.cancel()
    return answer.status
  } catch {
    return null
  }
}

async function checkKey(origin: string, adminApiKey: string): Promise<void> {
  const { status } = await fetch(`${origin}/v1/stats`, {
    headers: { authorization: `Bearer ${adminApiKey}` },
    signal: AbortSignal.timeout(10_000),
  })
  if (status === 401 || status === 403) {
    throw new Error(
      `ADMIN_API_KEY: is not the one of the stack at ${origin}: set it in the shell or in .dev.vars, or stop that stack`,
    )
  }
  if (status !== 200) throw new Error(`GET ${origin}/v1/stats answers ${status}: stop what listens there`)
}

/** Reads what the stack prints, so that it never stalls. The result gives its last complaints; its stdout names keys. */
function collect(running: GuardedProcess): () => string {
  let text = ""
  running.stdout?.resume()
  running.stderr?.setEncoding("utf8").on("data", (chunk: string) => {
    text = (text + chunk).slice(-2_000)
  })
  return () => text.trim()
}
