import type { Random } from "../core/clock.ts"
import { toHex } from "../core/digest.ts"
import { AppError } from "../core/errors.ts"
import { unreadable } from "./formats.ts"
import { createKeys } from "./keys.ts"
import { type Meter, meterOf } from "./meter.ts"
import { scripts } from "./scripts.generated.ts"
import { HttpClient } from "./upstash-http.mjs"

export type ScriptName = keyof typeof scripts

/** One run of a script. */
export interface ScriptCall {
  name: ScriptName
  keys: string[]
  args: (string | number)[]
}

/** A command and its arguments, as Redis takes them. */
export type Command = (string | number)[]

/** Where an Upstash REST endpoint is, and the right to use it. */
export interface StoreAddress {
  url: string
  token: string
}

/**
 * One exchange with the store. Resolves to the parsed body of a good answer, `{result}` or of a pipeline a list of `{result}`
 * and `{error}`; rejects with what the store says of itself first in the message, or with anything else when it said nothing.
 */
export interface Transport {
  request(request: { path?: string[]; body: unknown }): Promise<unknown>
}

/** Makes a transport of which no exchange takes longer than `timeoutMs`. */
export type OpenTransport = (address: StoreAddress, timeoutMs: number) => Transport

/** The store takes 10 MB; the rest is for keys, ids and what a script needs besides. */
export const MAX_COMMAND_BYTES = 9_000_000
/** How long one try may take, and how many there are: every operation is idempotent, so all are safe to repeat. */
const TRY_TIMEOUT_MS = 5000
const TRIES = 4
const BACKOFF_BASE_MS = 40
const STORE_RETRY_AFTER_SECONDS = 5
/** The message of an error after which trying again may help. */
export const NO_ANSWER = "The store did not answer."
const REDIS_WORDS = /^(?:Command failed: )?(?:[A-Z][A-Z_]{2,}|Unauthorized)\b[^"{<]{0,200}/

/** Scripts that write down what was spent, and take along what others did not tell: those that run all the time. */
const TELLING = new Set<ScriptName>(["enqueue", "claim", "settle", "turn"])

export interface StoreOptions extends StoreAddress {
  queueName: string
  random: Random
  /** Told the field `spent` of `meta`, as scripts have seen it. */
  onSpent?: (spent: string) => void
  /** Default: `fetch`. */
  openTransport?: OpenTransport | undefined
}

function openFetch({ url, token }: StoreAddress, timeoutMs: number): Transport {
  return new HttpClient({
    baseUrl: url,
    headers: { authorization: `Bearer ${token}` },
    responseEncoding: false,
    retry: { retries: 0 },
    signal: () => AbortSignal.timeout(timeoutMs),
  })
}

/**
 * The way to Redis: Upstash's HTTP client without its surprises. Its own retries are off, nothing is parsed but the
 * answer itself, and its errors, which can hold whole requests, end here. Every method costs one round trip a try. What it
 * sends is metered; a try without an answer counts as executed, and then the next one tells the same again.
 */
export class Store {
  private readonly transport: Transport
  private readonly random: Random
  private readonly meter: Meter
  private readonly meta: string
  private readonly onSpent: StoreOptions["onSpent"]

  constructor({ url, token, queueName, random, openTransport = openFetch, onSpent }: StoreOptions) {
    this.random = random
    this.meter = meterOf(url, queueName)
    this.meta = createKeys(queueName).meta
    this.onSpent = onSpent
    this.transport = openTransport({ url, token }, TRY_TIMEOUT_MS)
  }

  /** Runs scripts in order in one round trip; not atomic as a whole. Replies in order. */
  async run<Replies extends unknown[]>(op: string, calls: ScriptCall[], tries = TRIES): Promise<Replies> {
    return this.retrying(op, tries, async () => {
      const replies = await this.evaluate(calls, "sha")
      const unknown = calls.filter((_, i) => isNoScript(replies[i]?.error))
      if (unknown.length === 0) return replies.map(resultOf) as Replies
      const again = await this.evaluate(unknown, "source")
      return replies.map((reply) =>
        resultOf(isNoScript(reply.error) ? (again.shift() ?? reply) : reply),
      ) as Replies
    })
  }

  /** Plain commands in one round trip; not atomic as a whole. Replies in order. */
  async query<Replies extends unknown[]>(op: string, commands: Command[]): Promise<Replies> {
    return this.retrying(op, TRIES, async () => {
      const replies = await this.send(commands)
      this.meter.add(commands.length)
      return replies.map(resultOf) as Replies
    })
  }

  /** Resolves to the scripts' own replies. */
  private async evaluate(calls: ScriptCall[], by: "sha" | "source"): Promise<Reply[]> {
    const command = by === "sha" ? "EVALSHA" : "EVAL"
    const texts = await Promise.all(
      calls.map(async ({ name }) => (by === "sha" ? await shaOf(name) : scripts[name])),
    )
    const told = calls.some(({ name }) => TELLING.has(name)) ? this.meter.take() : 0
    const untold = (i: number) => (i === 0 ? told : 0)
    const commands = calls.map(({ keys, args }, i) => [
      ...[command, texts[i] ?? "", keys.length, ...keys],
      ...[...args, untold(i)],
    ])
    const replies = await this.send(commands).catch((error) => {
      this.meter.add(told)
      throw error
    })
    return replies.map(({ error, result }, i) => {
      if (error !== undefined) {
        this.meter.add(1 + untold(i))
        return { error }
      }
      const [billed, spent, reply] = result as [number, string, unknown]
      this.meter.add(billed)
      this.onSpent?.(spent)
      return { result: reply }
    })
  }

  /** Along with these goes what has not been told, once it is much. */
  private async send(commands: Command[]): Promise<Reply[]> {
    const many = this.meter.takeMany()
    const telling = many === 0 ? [] : [["HINCRBY", this.meta, "untold", many + 1]]
    try {
      const replies = await this.exchange([...commands, ...telling])
      if (replies[commands.length]?.error !== undefined) this.meter.add(many + 1)
      return replies.slice(0, commands.length)
    } catch (error) {
      this.meter.add(many + telling.length + commands.length)
      throw error
    }
  }

  /** A single command travels alone, which spares the pipeline's wrapping. */
  private async exchange(commands: Command[]): Promise<Reply[]> {
    const [only] = commands
    if (commands.length > 1 || only === undefined) {
      return (await this.transport.request({ path: ["pipeline"], body: commands })) as Reply[]
    }
    return this.transport.request({ body: only }).then((reply) => [reply as Reply], onlyNoScript)
  }

  private async retrying<Result>(op: string, tries: number, attempt: () => Promise<Result>): Promise<Result> {
    for (let tried = 1; ; tried++) {
      try {
        return await attempt()
      } catch (error) {
        const mapped = mapError(op, error)
        if (!mapped.passing || tried === tries) throw mapped.error
        await new Promise((resolve) => setTimeout(resolve, this.random() * BACKOFF_BASE_MS * 4 ** tried))
      }
    }
  }
}

const shas = new Map<ScriptName, string>()

/** What Redis calls a script. Worked out once per process: 20 of them would be half a kilobyte that does not compress. */
async function shaOf(name: ScriptName): Promise<string> {
  const known = shas.get(name)
  if (known !== undefined) return known
  const sha = toHex(await crypto.subtle.digest("SHA-1", new TextEncoder().encode(scripts[name])))
  shas.set(name, sha)
  return sha
}

interface Reply {
  result?: unknown
  error?: string | undefined
}

function isNoScript(error: string | undefined): boolean {
  return error?.includes("NOSCRIPT") === true
}

function onlyNoScript(error: unknown): Reply[] {
  if (isNoScript(wordsOf(error))) return [{ error: "NOSCRIPT" }]
  throw error
}

function resultOf(reply: Reply): unknown {
  if (reply.error !== undefined) throw new Error(reply.error)
  return reply.result
}

/**
 * What Redis says of itself, which stands before the client's copy of the command. Of anything else (a proxy's page, an
 * answer that breaks off) only the kind: its text can be the request, or what was asked for.
 */
function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error
  const said = error.message.split(/, command was|, with args/, 1)[0] ?? ""
  return REDIS_WORDS.exec(said)?.[0] ?? error.name
}

/** `passing`: trying again at once may help. The client's own error is dropped: its text can hold prompts. */
function mapError(op: string, error: unknown): { error: AppError; passing: boolean } {
  if (error instanceof AppError) return { error, passing: false }
  const text = wordsOf(error)
  const cause = new Error(text)
  const fail = (code: "store_unavailable" | "store_full" | "internal", message: string) =>
    new AppError(code, message, { op, cause, retryAfterSeconds: STORE_RETRY_AFTER_SECONDS })
  const version = /AIQ_VERSION (\w+ \w+)/.exec(text)?.[1]
  if (version !== undefined) return { error: unreadable(version), passing: false }
  if (/\bOOM\b|maxmemory|max data size|storage limit/i.test(text)) {
    return { error: fail("store_full", "The store is full: nothing was stored."), passing: false }
  }
  if (/WRONGPASS|NOAUTH|NOPERM|unauthorized/i.test(text)) {
    return { error: fail("store_unavailable", "The store refused the token."), passing: false }
  }
  if (/limit exceeded/i.test(text)) {
    return { error: fail("store_unavailable", "The store's request limit is reached."), passing: false }
  }
  if (/user_script|Error running script|WRONGTYPE|wrong number of arg|too many results/i.test(text)) {
    return { error: fail("internal", `The store could not run ${op}.`), passing: false }
  }
  return { error: fail("store_unavailable", NO_ANSWER), passing: true }
}
