/** A command as it goes to Redis: name first. Buffers only where a client posted raw bytes. */
export type Command = (string | Buffer)[]

/** A command, or why Upstash would refuse it. */
export type ParsedCommand = { command: Command; refused: null } | { command: null; refused: string }

/** What Upstash serves over REST: its compatibility table without connection state, blocking and subscriptions. */
const AVAILABLE = new Set(
  `APPEND DECR DECRBY GET GETDEL GETEX GETRANGE GETSET INCR INCRBY INCRBYFLOAT MGET MSET MSETNX PSETEX SET SETEX
  SETNX SETRANGE STRLEN BITCOUNT BITFIELD BITFIELD_RO BITOP BITPOS GETBIT SETBIT
  HDEL HEXISTS HGET HGETALL HINCRBY HINCRBYFLOAT HKEYS HLEN HMGET HMSET HSCAN HSET HSETNX HSTRLEN HRANDFIELD HVALS
  LINDEX LINSERT LLEN LMOVE LPOP LPOS LPUSH LPUSHX LRANGE LREM LSET LTRIM RPOP RPOPLPUSH RPUSH RPUSHX
  SADD SCARD SDIFF SDIFFSTORE SINTER SINTERSTORE SISMEMBER SMEMBERS SMISMEMBER SMOVE SPOP SRANDMEMBER SREM SSCAN
  SUNION SUNIONSTORE
  ZADD ZCARD ZCOUNT ZDIFF ZDIFFSTORE ZINCRBY ZINTER ZINTERSTORE ZLEXCOUNT ZMSCORE ZPOPMAX ZPOPMIN ZRANDMEMBER ZRANGE
  ZRANGESTORE ZRANGEBYLEX ZRANGEBYSCORE ZRANK ZREM ZREMRANGEBYLEX ZREMRANGEBYRANK ZREMRANGEBYSCORE ZREVRANGE
  ZREVRANGEBYLEX ZREVRANGEBYSCORE ZREVRANK ZSCAN ZSCORE ZUNION ZUNIONSTORE
  GEOADD GEODIST GEOHASH GEOPOS GEORADIUS GEORADIUS_RO GEORADIUSBYMEMBER GEORADIUSBYMEMBER_RO GEOSEARCH GEOSEARCHSTORE
  PFADD PFCOUNT PFMERGE EVAL EVAL_RO EVALSHA EVALSHA_RO SCRIPT FCALL FCALL_RO FUNCTION PUBLISH PUBSUB
  COPY DEL EXISTS EXPIRE EXPIREAT EXPIRETIME KEYS PERSIST PEXPIRE PEXPIREAT PEXPIRETIME PTTL RANDOMKEY RENAME RENAMENX
  SCAN TOUCH TTL TYPE UNLINK ECHO PING COMMAND CONFIG DBSIZE FLUSHALL FLUSHDB INFO TIME
  XACK XADD XAUTOCLAIM XCLAIM XDEL XGROUP XINFO XLEN XPENDING XRANGE XREAD XREADGROUP XREVRANGE XTRIM`.split(
    /\s+/,
  ),
)

/** Available, but not these subcommands: they would change or stall the store for everyone. */
const REFUSED_SUBCOMMANDS = new Set([
  "CONFIG SET",
  "CONFIG REWRITE",
  "SCRIPT DEBUG",
  "SCRIPT KILL",
  "FUNCTION KILL",
])

/** Commands that can make the key at this index larger. */
const GROWING_KEY = new Map(
  `APPEND SETRANGE SETBIT BITFIELD HINCRBY HINCRBYFLOAT HMSET HSET HSETNX LINSERT LPUSH LPUSHX RPUSH RPUSHX LSET SADD
  ZADD ZINCRBY GEOADD PFADD PFMERGE XADD SUNIONSTORE SINTERSTORE SDIFFSTORE ZUNIONSTORE ZINTERSTORE ZDIFFSTORE
  ZRANGESTORE`
    .split(/\s+/)
    .map((name) => [name, 1]),
)
const SCRIPTS = new Set(["EVAL", "EVALSHA", "FCALL"])

export function commandName(command: Command): string {
  return String(command[0]).toUpperCase()
}

/** Checks one entry of a JSON body: an array of scalars, name first. Booleans and numbers go as their text. */
export function parseCommand(entry: unknown): ParsedCommand {
  if (!Array.isArray(entry) || entry.length === 0) return refuse("ERR failed to parse command")
  const command: Command = []
  for (const argument of entry) {
    if (typeof argument === "string") command.push(argument)
    else if (typeof argument === "number" || typeof argument === "boolean") command.push(String(argument))
    else return refuse("ERR failed to parse command")
  }
  return checkAvailable(command)
}

/** `/set/foo/bar?EX=100`, with the request's body as an argument between path and query. */
export function parsePath(rawUrl: string, body: Buffer): ParsedCommand {
  const queryAt = rawUrl.indexOf("?")
  const path = queryAt === -1 ? rawUrl : rawUrl.slice(0, queryAt)
  const command: Command = []
  try {
    command.push(...path.slice(1).split("/").map(decodeURIComponent))
  } catch {
    return refuse("ERR failed to parse command")
  }
  if (body.length > 0) command.push(body)
  for (const [name, value] of new URLSearchParams(queryAt === -1 ? "" : rawUrl.slice(queryAt))) {
    if (name === "_token") continue
    command.push(name)
    if (value !== "") command.push(value)
  }
  return checkAvailable(command)
}

/** The keys a command may make larger: its KEYS for a script, whose inside nobody can see. */
export function growingKeys(command: Command): Command {
  const name = commandName(command)
  const index = GROWING_KEY.get(name)
  if (index !== undefined) return command.slice(index, index + 1)
  return SCRIPTS.has(name) ? command.slice(3, 3 + Number(command[2])) : []
}

/** The size of a command's arguments, bytes; characters count as one each, which is near enough for limits. */
export function commandSize(command: Command): number {
  return command.reduce((size, argument) => size + argument.length, 0)
}

function checkAvailable(command: Command): ParsedCommand {
  const name = commandName(command)
  const subcommand = `${name} ${String(command[1] ?? "").toUpperCase()}`
  if (!AVAILABLE.has(name)) return refuse(notAvailable(name))
  if (REFUSED_SUBCOMMANDS.has(subcommand)) return refuse(notAvailable(subcommand))
  if (
    (name === "XREAD" || name === "XREADGROUP") &&
    command.some((a) => String(a).toUpperCase() === "BLOCK")
  ) {
    return refuse(notAvailable(`${name} BLOCK`))
  }
  return { command, refused: null }
}

function notAvailable(name: string): string {
  return `ERR Command is not available: '${name}'. See https://upstash.com/docs/redis/overall/rediscompatibility for details`
}

function refuse(refused: string): ParsedCommand {
  return { command: null, refused }
}
