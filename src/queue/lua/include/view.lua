-- What is known of one request, for status and lists: where it is, and the texts that tell the rest.
-- @include lines
-- @include starts
-- view(id, keys, max_bytes): keys metadata, outcome, attempts; of outcomes only what fits into max_bytes is looked at, and
-- their response left out (-1: whole).
-- Returns {"unknown"}, {"line", line of which the keys are missing}, {"finished", outcome, attempts} or
-- {state, position | lease expiry | due, record, metadata, attempts, of a pending one how its line has started lately}
local starts_read = {}
local function starts_of(line)
  starts_read[line] = starts_read[line] or redis.call("HGET", KEYS[1], starts_field(line)) or ""
  return starts_read[line]
end

local function view(id, keys, max_bytes)
  local packed = redis.call("HGET", KEYS[2], id)
  if not packed then
    local outcome = max_bytes < 0 and redis.call("GET", keys.outcome) or redis.call("GETRANGE", keys.outcome, 0, max_bytes)
    if not outcome or outcome == "" then return { "unknown" } end
    if max_bytes >= 0 then outcome = string.match(outcome, "^[^\n]*\n[^\n]*\n[^\n]*\n[^\n]*") end
    local first_try = string.find(outcome, "^2|completed") and decode(string.match(outcome, "^[^\n]*\n[^\n]*\n([^\n]*)")).attempt == "1"
    return { "finished", outcome, first_try and {} or redis.call("HGETALL", keys.attempts) }
  end
  local record = decode(packed)
  local missing = not LINE[record.line] and record.line or not LEASES[record.provider] and record.provider
  if missing and missing ~= "" then return { "line", missing } end
  local metadata = record.metadata == "1" and redis.call("GET", keys.metadata)
  local attempts = tonumber(record.attempt) > 0 and redis.call("HGETALL", keys.attempts) or {}
  if record.owner ~= "" then
    return { "processing", redis.call("ZSCORE", LEASES[record.provider], id), packed, metadata, attempts }
  end
  local rank = redis.call("ZRANK", LINE[record.line], id)
  if rank then return { "pending", rank + 1, packed, metadata, attempts, starts_of(record.line) } end
  return { "scheduled", redis.call("ZSCORE", KEYS[3], id), packed, metadata, attempts }
end
