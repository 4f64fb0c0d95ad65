-- Takes the next requests of all lines under a lease.
-- @include housekeeping
-- @include candidates
-- @include starts
-- @include figures
-- @include drains
-- Its arguments, from `first` on: owner, op, limit, how many of these can start at once, max bytes, lease ms, lease margin
-- ms, max timeout ms, what the drain has done since ("completed failed retried errors lastError").
local CLAIM_ARGUMENTS = 9

local function claim_fields()
  local fields = { "drains", "lanes", "maintainedAt" }
  for _, line in ipairs(LINES) do
    fields[#fields + 1] = starts_field(line)
    fields[#fields + 1] = turns_field(line)
  end
  return flatten({ figures.fields(), fields })
end

-- {owner's claimed: id, record, lease expiry, …} of the very same operation, whose answer was lost.
local function claimed_before(op)
  local claimed = {}
  for _, line in ipairs(LINES) do
    local leases, ids = redis.call("ZRANGE", LEASES[line], 0, -1, "WITHSCORES"), {}
    for i = 1, #leases, 2 do
      ids[#ids + 1] = leases[i]
    end
    for i, text in ipairs(read_many("HMGET", KEYS[2], ids)) do
      if text and decode(text).op == op then
        for _, value in ipairs({ ids[i], text, leases[2 * i] }) do
          claimed[#claimed + 1] = value
        end
      end
    end
  end
  return claimed
end

-- Returns {wake at, remaining, maintenance due (1/0), {id, record, lease expiry, …}, {overdue id, attempt, reason,
-- organization, trace, …}, chores due (1/0), roll due (1/0)}.
local function claim(first, retry_penalty_ms)
  local owner, op, limit, soon = ARGV[first], ARGV[first + 1], tonumber(ARGV[first + 2]), tonumber(ARGV[first + 3])
  local max_bytes, lease_ms, margin_ms, max_timeout_ms =
    tonumber(ARGV[first + 4]), tonumber(ARGV[first + 5]), tonumber(ARGV[first + 6]), tonumber(ARGV[first + 7])
  local before = seen_before(owner, op)
  if before then return { join(now), 0, 0, before == "same" and claimed_before(op) or {}, {}, 0, 0 } end

  hold_past_deadline()
  take_back_expired(retry_penalty_ms)
  take_in_due(retry_penalty_ms)

  local claimed, bytes, starts, waited = {}, 0, {}, {}
  local walk = each_startable(limit, function(id, record, target)
    if tonumber(record.timeoutMs) > max_timeout_ms or is_past_deadline(record) then return "skipped" end
    local provider = provider_of(target.provider)
    if #claimed >= 3 * soon and is_limited(provider, target) then return "later" end
    bytes = bytes + tonumber(record.bytes)
    if bytes > max_bytes and #claimed > 0 then return "enough" end
    increment(record, "attempt")
    record.startedAt, record.owner, record.op = now, owner, op
    record.provider, record.target = target.provider, target.number
    record.circuit = start_call(provider, target, id, record.attempt, tonumber(record.tokens))
    local line, waited_ms = record.line, now - tonumber(record.dueAt)
    if target.turns then meta_set(turns_field(line), target.turns) end
    if record.attempt == 1 then figures.observe("w", waited_ms, "") end
    starts[line], waited[line] = (starts[line] or 0) + 1, waited[line] or waited_ms
    local expires_at, text = now + math.max(lease_ms, tonumber(record.timeoutMs)) + margin_ms, encode(record)
    add("ZREM", LINE[line], id)
    add("ZADD", LEASES[target.provider], expires_at, id)
    add("HSET", KEYS[2], id, text)
    register_line(target.provider)
    count_pending(line, record.level, -1)
    advance_virtual(record)
    at_latest("expiry", expires_at)
    local last = #claimed
    claimed[last + 1], claimed[last + 2], claimed[last + 3] = id, text, join(expires_at)
    return "started"
  end)
  flush()

  local remaining = 0
  for _, line in ipairs(LINES) do
    remaining = remaining + startable_of(line, walk, limit)
    note_starts(line, starts[line] or 0, waited[line] or 0, pending[line].total)
  end
  local maintenance = maintenance_due()
  remember_op(owner, op, words(ARGV[first + 8]))
  wake_at = math.min(wake_at, next_at.due, next_at.expiry, next_at.deadline)
  return { join(wake_at), remaining, maintenance, claimed, overdue, next_at.chore <= now and 1 or 0, figures.roll_due() }
end
