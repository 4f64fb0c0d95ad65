-- Takes the next requests of all served lines, best score first, under a lease.
-- KEYS  meta, live, scheduled, deadlines, (line, leases) per line
-- ARGV  now, lines, served lines, owner, op, limit, max bytes, lease ms, lease margin ms,
--       max timeout ms, retry penalty ms
-- Returns {"claimed", wake at, remaining, maintenance due (1/0), {id, record, lease expiry, …},
--          {overdue id, attempt, reason, …}} or {"lines", registered lines}.
--         The same op again returns the same requests, an earlier one nothing: a lost reply leases nothing to nobody.
-- Costs 3 commands when there is nothing, 8 for a batch from one line.
-- @include housekeeping
-- @include candidates
-- @include figures
-- @include drains
read_lines(5, ARGV[2])
local served, owner, op, limit = words(ARGV[3]), ARGV[4], ARGV[5], tonumber(ARGV[6])
local max_bytes, lease_ms, margin_ms = tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9])
local max_timeout_ms, retry_penalty_ms = tonumber(ARGV[10]), tonumber(ARGV[11])

local fields = { minute_field(now), "drains", "maintainedAt", "paused:*" }
for _, line in ipairs(served) do
  fields[#fields + 1] = "blocked:" .. line
  fields[#fields + 1] = "paused:" .. line
end
if not meta_read(LINES, fields) then return { "lines", meta.lines } end

local claimed = {}
local function hand_out(id, text, expires_at)
  claimed[#claimed + 1] = id
  claimed[#claimed + 1] = text
  claimed[#claimed + 1] = expires_at
end

local before = seen_before(owner, op)
if before then
  for _, line in ipairs(LINES) do
    local leases = before == "same" and redis.call("ZRANGE", LEASES[line], 0, -1, "WITHSCORES") or {}
    for i = 1, #leases, 2 do
      local text = redis.call("HGET", KEYS[2], leases[i])
      if text and decode(text).op == op then hand_out(leases[i], text, leases[i + 1]) end
    end
  end
  return { "claimed", join(now), 0, 0, claimed, overdue }
end

hold_past_deadline()
take_back_expired(retry_penalty_ms)
take_in_due(retry_penalty_ms)

local bytes = 0
local ids, records = candidates(served, limit)
for i, id in ipairs(ids) do
  local record = decode(records[i])
  if tonumber(record.timeoutMs) <= max_timeout_ms and not is_past_deadline(record) then
    bytes = bytes + tonumber(record.bytes)
    if bytes > max_bytes and #claimed > 0 then break end
    local expires_at = now + math.max(lease_ms, tonumber(record.timeoutMs)) + margin_ms
    increment(record, "attempt")
    record.startedAt, record.owner, record.op, record.provider = now, owner, op, record.line
    if record.attempt == 1 then observe("w", now - tonumber(record.dueAt)) end
    add("ZREM", LINE[record.line], id)
    add("ZADD", LEASES[record.provider], expires_at, id)
    local text = encode(record)
    add("HSET", KEYS[2], id, text)
    count_pending(record.line, record.level, -1)
    at_latest("expiry", expires_at)
    hand_out(id, text, join(expires_at))
  end
end
flush()

local maintenance = maintenance_due()
remember_op(owner, op)
write_latencies()
meta_write(LINES)
wake_at = math.min(wake_at, next_at.due, next_at.expiry, next_at.deadline)
return { "claimed", join(wake_at), math.max(startable - #claimed / 3, 0), maintenance, claimed, overdue }
