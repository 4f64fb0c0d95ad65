-- What time does to requests: due ones enter their line, expired leases return, overdue ones are
-- handed to the caller under a lease of 30 s, to be settled as failed. Costs nothing until `next_at`.
-- @include entry
-- @include figures
local BATCH = 200
local MAX_LOST_LEASES = 3
local OVERDUE_LEASE_MS = 30000
local overdue = {}

local function earliest(key)
  local first = redis.call("ZRANGE", key, 0, 0, "WITHSCORES")
  return tonumber(first[2]) or NEVER
end

local function past(key)
  local ids = redis.call("ZRANGEBYSCORE", key, "-inf", now, "LIMIT", 0, BATCH)
  if #ids == 0 then return ids, {} end
  return ids, read_many("HMGET", KEYS[2], ids)
end

-- `owner` tells that no call is running under this lease, `op` why it is held.
local function hold_overdue(id, record, reason)
  record.owner, record.op = "overdue", reason
  if record.provider == "" then record.provider = record.line end
  add("ZADD", LEASES[record.provider], now + OVERDUE_LEASE_MS, id)
  at_latest("expiry", now + OVERDUE_LEASE_MS)
  add("HSET", KEYS[2], id, encode(record))
  overdue[#overdue + 1] = id
  overdue[#overdue + 1] = record.attempt
  overdue[#overdue + 1] = reason
  overdue[#overdue + 1] = record.organization
  overdue[#overdue + 1] = record.trace
end

local function take_in_due(retry_penalty_ms)
  if next_at.due > now then return end
  local ids, records = past(KEYS[3])
  local organizations = {}
  for i = 1, #ids do
    local record = records[i] and decode(records[i])
    records[i] = record
    if record and record.effectiveAt == "0" then organizations[#organizations + 1] = record.organization end
  end
  read_organizations(organizations)
  for i, id in ipairs(ids) do
    add("ZREM", KEYS[3], id)
    local record = records[i]
    if record then
      local is_new = record.effectiveAt == "0"
      enter_line(id, record, retry_penalty_ms)
      if is_new then add("HSET", KEYS[2], id, encode(record)) end
    end
  end
  flush()
  next_at.due = earliest(KEYS[3])
end

local function take_back_expired(retry_penalty_ms)
  if next_at.expiry > now then return end
  local earliest_expiry = NEVER
  for _, line in ipairs(LINES) do
    local ids, records = past(LEASES[line])
    for i, id in ipairs(ids) do
      local record = records[i] and decode(records[i])
      if record and record.owner ~= "overdue" then
        increment(record, "lost")
        figures.count_attempt("lease_expired", record.provider)
        local span = table.concat({ record.attempt, record.startedAt, join(now), record.target }, ":")
        record.history = record.history == "" and span or record.history .. ";" .. span
      end
      if not record then
        add("ZREM", LEASES[line], id)
      elseif record.owner == "overdue" then
        hold_overdue(id, record, record.op)
      elseif tonumber(record.lost) >= MAX_LOST_LEASES then
        hold_overdue(id, record, "lease_expired")
      elseif is_past_deadline(record) then
        hold_overdue(id, record, "deadline_exceeded")
      else
        add("ZREM", LEASES[line], id)
        unlease(record)
        record.dueAgainAt = now
        enter_line(id, record, retry_penalty_ms)
        add("HSET", KEYS[2], id, encode(record))
      end
    end
    flush()
    earliest_expiry = math.min(earliest_expiry, earliest(LEASES[line]))
  end
  next_at.expiry = earliest_expiry
end

local function hold_past_deadline()
  if next_at.deadline > now then return end
  local ids, records = past(KEYS[4])
  for i, id in ipairs(ids) do
    add("ZREM", KEYS[4], id)
    local record = records[i] and decode(records[i])
    if record and record.owner == "" then
      leave_place(id, record)
      hold_overdue(id, record, "deadline_exceeded")
    end
  end
  flush()
  next_at.deadline = earliest(KEYS[4])
end
