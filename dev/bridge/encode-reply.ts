import { ErrorReply } from "redis"
import type { Reply } from "./redis-connection.ts"

export type Encoding = "plain" | "base64"
type Json = null | number | string | Json[]
export type ReplyEntry = { result: Json } | { error: string }

/** A reply as Upstash's JSON entry. With base64 every string is encoded, except a plain `OK`. */
export function encodeReply(reply: Reply, encoding: Encoding): ReplyEntry {
  if (reply instanceof ErrorReply) return { error: reply.message }
  return { result: reply === "OK" ? reply : encodeValue(reply, encoding) }
}

function encodeValue(reply: Reply, encoding: Encoding): Json {
  if (reply === null || typeof reply === "number") return reply
  if (Array.isArray(reply)) return reply.map((item) => encodeValue(item, encoding))
  if (reply instanceof ErrorReply) return encodeValue(reply.message, encoding)
  if (encoding === "base64") return Buffer.from(reply as string).toString("base64")
  // Bytes that are not UTF-8 become U+FFFD, as at Upstash.
  return reply.toString()
}
