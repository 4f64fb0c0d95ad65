import { ErrorReply } from "redis"
import { type Command, type ParsedCommand, parseCommand, parsePath } from "./commands.ts"
import { type Encoding, encodeReply } from "./encode-reply.ts"
import { isEvalSha, type Route } from "./faults.ts"
import { type Answer, failure } from "./http-exchange.ts"
import type { KeySizes } from "./key-sizes.ts"
import type { RedisConnection, Reply } from "./redis-connection.ts"

/** The commands of one HTTP request; a refused one keeps its place, so that a pipeline can answer for it. */
export interface Batch {
  route: Route
  commands: ParsedCommand[]
}

interface ExecuteOptions {
  redis: RedisConnection
  keySizes: KeySizes
  encoding: Encoding
  /** EVALSHA finds no script: an injected fault. */
  forgetScripts: boolean
  /** Upstash applies its request limit to a command's reply too. */
  maxReplyBytes: number
}

const NOSCRIPT = new ErrorReply("NOSCRIPT No matching script. Please use EVAL.")

export function routeOf(path: string): Route {
  if (path === "/") return "command"
  if (path === "/pipeline") return "pipeline"
  return path === "/multi-exec" ? "multi-exec" : "path"
}

/** Reads the commands out of a request, or answers it when it makes no sense as a whole. */
export function parseBatch(route: Route, url: string, body: Buffer): Batch | Answer {
  if (route === "path") return { route, commands: [parsePath(url, body)] }
  const what = route === "command" ? "command" : "pipeline request"
  let parsed: unknown
  try {
    parsed = JSON.parse(body.toString())
  } catch {
    return failure(400, `ERR failed to parse ${what}`)
  }
  if (route === "command") return { route, commands: [parseCommand(parsed)] }
  if (!Array.isArray(parsed) || !parsed.every(Array.isArray))
    return failure(400, `ERR failed to parse ${what}`)
  if (parsed.length === 0) return failure(400, "ERR empty pipeline request")
  return { route, commands: parsed.map(parseCommand) }
}

/** Runs a batch as its route demands and answers as Upstash does. Throws `StoreUnreachable`. */
export async function execute(batch: Batch, options: ExecuteOptions): Promise<Answer> {
  const { redis, keySizes, encoding, maxReplyBytes } = options
  const run = (entry: ParsedCommand): Promise<Reply> | Reply => {
    if (entry.command === null) return new ErrorReply(entry.refused)
    return options.forgetScripts && isEvalSha(entry.command) ? NOSCRIPT : redis.send(entry.command)
  }
  const entryText = (reply: Reply): string => {
    const text = JSON.stringify(encodeReply(reply, encoding))
    return text.length > maxReplyBytes
      ? JSON.stringify({ error: tooLarge(maxReplyBytes, text.length) })
      : text
  }

  if (batch.route === "multi-exec") {
    const replies = await transact(batch.commands, options)
    if (replies instanceof ErrorReply) return failure(400, replies.message)
    return { status: 200, body: `[${replies.map(entryText).join(",")}]` }
  }
  const admitted = keySizes.admit(accepted(batch.commands))
  const refused = admitted === null ? null : await admitted
  if (refused !== null) return failure(400, refused)
  if (batch.route === "pipeline") {
    const replies = await Promise.all(batch.commands.map(run))
    return { status: 200, body: `[${replies.map(entryText).join(",")}]` }
  }
  const [entry] = batch.commands
  const text = entryText(entry === undefined ? null : await run(entry))
  return { status: text.startsWith('{"error"') ? 400 : 200, body: text }
}

/** All or nothing: one command that is refused discards the rest. */
async function transact(entries: ParsedCommand[], options: ExecuteOptions): Promise<Reply[] | ErrorReply> {
  const refused = entries.find((entry) => entry.refused !== null)?.refused
  const commands = accepted(entries)
  const reason = refused ?? (await options.keySizes.admit(commands))
  if (reason !== null) return new ErrorReply(`EXECABORT Transaction discarded because of: ${reason}`)
  if (!options.forgetScripts) return options.redis.transaction(commands)
  // A script that is unknown fails inside EXEC; everything around it is executed.
  const forgotten = commands.map((c) => (isEvalSha(c) ? ["EVALSHA", "0".repeat(40), ...c.slice(2)] : c))
  return options.redis.transaction(forgotten)
}

export function tooLarge(limit: number, actual: number): string {
  return `ERR max request size exceeded. Limit: ${limit} bytes, Actual: ${actual} bytes. See https://upstash.com/docs/redis/troubleshooting/max_request_size_exceeded for details`
}

export function accepted(entries: ParsedCommand[]): Command[] {
  return entries.flatMap((entry) => (entry.command === null ? [] : [entry.command]))
}
