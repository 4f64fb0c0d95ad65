-- Takes the next requests of all served lines, best score first, under a lease.
-- KEYS  meta, live, scheduled, deadlines, (line, leases) per line
-- ARGV  now, lines, served lines, owner, op, limit, max bytes, lease ms, lease margin ms,
--       max timeout ms, retry penalty ms
-- Returns {"claimed", wake at, remaining, maintenance due (1/0), {id, record, lease expiry, …},
--          {overdue id, attempt, reason, …}} or {"lines", registered lines}.
--         The same op again returns the same requests: a lost reply leases nothing to nobody.
-- Costs 3 commands when there is nothing, 8 for a batch from one line.
-- @include housekeeping
-- @include figures
-- @include drains
read_lines(5, ARGV[2])
local served, owner, op, limit = words(ARGV[3]), ARGV[4], ARGV[5], tonumber(ARGV[6])
local max_bytes, lease_ms, margin_ms = tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9])
local max_timeout_ms, retry_penalty_ms = tonumber(ARGV[10]), tonumber(ARGV[11])
local MAINTENANCE_MS = 3600000

local fields = { minute_field(now), "drains", "maintainedAt", "paused:*" }
for _, line in ipairs(served) do
  fields[#fields + 1] = "blocked:" .. line
  fields[#fields + 1] = "paused:" .. line
end
if not meta_read(LINES, fields) then return { "lines", meta.lines } end

local claimed = {}
local wake_at = NEVER
if last_op(owner) == op then
  for _, line in ipairs(LINES) do
    local ids = redis.call("ZRANGE", LEASES[line], 0, -1, "WITHSCORES")
    for i = 1, #ids, 2 do
      local text = redis.call("HGET", KEYS[2], ids[i])
      if text and decode(text).op == op then
        claimed[#claimed + 1] = ids[i]
        claimed[#claimed + 1] = text
        claimed[#claimed + 1] = ids[i + 1]
      end
    end
  end
  return { "claimed", join(wake_at), 0, 0, claimed, overdue }
end

hold_past_deadline()
take_back_expired(retry_penalty_ms)
take_in_due(retry_penalty_ms)

local candidates, startable = {}, 0
for _, line in ipairs(served) do
  local pending = pending_total({ line })
  local blocked_until, cause = string.match(meta["blocked:" .. line], "^(%d+) (%a+)$")
  blocked_until = tonumber(blocked_until) or 0
  local allowed = limit
  if meta["paused:*"] == "1" or meta["paused:" .. line] == "1" or pending == 0 then
    allowed = 0
  elseif blocked_until > now then
    allowed = 0
    wake_at = math.min(wake_at, blocked_until)
  elseif cause == "account" then
    -- After account trouble one probe at a time, until one succeeds.
    allowed = redis.call("ZCARD", LEASES[line]) == 0 and math.min(limit, 1) or 0
  else
    startable = startable + pending
  end
  if allowed > 0 then
    local ids = redis.call("ZRANGE", LINE[line], 0, allowed - 1, "WITHSCORES")
    for i = 1, #ids, 2 do
      candidates[#candidates + 1] = { id = ids[i], score = tonumber(ids[i + 1]), line = line }
    end
  end
end
table.sort(candidates, function(a, b)
  if a.score ~= b.score then return a.score < b.score end
  return a.id < b.id
end)

local ids = {}
for i = 1, math.min(limit, #candidates) do
  ids[i] = candidates[i].id
end
local records = #ids > 0 and read_many("HMGET", KEYS[2], ids) or {}
local bytes = 0
for i, id in ipairs(ids) do
  local record = decode(records[i])
  if tonumber(record.timeoutMs) <= max_timeout_ms then
    bytes = bytes + tonumber(record.bytes)
    if bytes > max_bytes and #claimed > 0 then break end
    local expires_at = now + math.max(lease_ms, tonumber(record.timeoutMs)) + margin_ms
    increment(record, "attempt")
    record.startedAt, record.owner, record.op, record.provider = now, owner, op, record.line
    if record.attempt == 1 then observe("w", now - tonumber(record.dueAt)) end
    local text = encode(record)
    add("ZREM", LINE[record.line], id)
    add("ZADD", LEASES[record.provider], expires_at, id)
    add("HSET", KEYS[2], id, text)
    count_pending(record.line, record.level, -1)
    at_latest("expiry", expires_at)
    claimed[#claimed + 1] = id
    claimed[#claimed + 1] = text
    claimed[#claimed + 1] = join(expires_at)
  end
end
flush()

local maintenance = 0
if tonumber(meta.maintainedAt) == nil or now - tonumber(meta.maintainedAt) >= MAINTENANCE_MS then
  maintenance = meta.maintainedAt ~= "" and 1 or 0
  meta_set("maintainedAt", now)
end
remember_op(owner, op)
write_latencies()
meta_write(LINES)
wake_at = math.min(wake_at, next_at.due, next_at.expiry, next_at.deadline)
return { "claimed", join(wake_at), math.max(startable - #claimed / 3, 0), maintenance, claimed, overdue }
