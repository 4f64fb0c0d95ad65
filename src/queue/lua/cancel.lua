-- Cancels a request that is not finished.
-- KEYS  meta, live, scheduled, deadlines, chores, (line, leases) per line,
--       metadata, body, outcome, attempts, audit, finished:cancelled of today and the days after it
-- ARGV  now, lines, id, organization ("*": any), summary JSON, audit entry or "", "waiting" or "processing" to leave it
--       alone when it is not ("": whatever it is)
-- Returns {"cancelled", lease owner or "", attempt, 1 when somebody is to be told, organization, trace},
--         {"finished", state, expires at, organization}, {"elsewhere"}, {"unknown"}, or {"lines", registered lines}
-- Costs 12 commands for a pending request, 4 for a finished or unknown one.
-- @include finish
-- @include audit
local first = read_lines(6, ARGV[2])
CHORES = KEYS[5]
local keys = { metadata = KEYS[first], body = KEYS[first + 1], outcome = KEYS[first + 2], attempts = KEYS[first + 3] }
local first_index = first + 5
local id, organization, summary = ARGV[3], ARGV[4], ARGV[5]
if not meta_read(LINES, flatten({ figures.fields(), { "kept:cancelled" } })) then return { "lines", meta.lines } end

local text = redis.call("HGET", KEYS[2], id)
if not text then
  local header = redis.call("GETRANGE", keys.outcome, 0, 199)
  if header == "" then return { "unknown" } end
  local outcome = parse_outcome(header)
  if organization ~= "*" and outcome.organization ~= organization then return { "unknown" } end
  if outcome.state == "cancelled" then
    local packed = string.match(redis.call("GET", keys.outcome), "^[^\n]*\n[^\n]*\n([^\n]*)")
    local record = decode(packed)
    return { "cancelled", record.owner, record.attempt, 0, record.organization, record.trace }
  end
  return { "finished", outcome.state, outcome.expires_at, outcome.organization }
end
local record = decode(text)
if organization ~= "*" and record.organization ~= organization then return { "unknown" } end
if ARGV[7] ~= "" and ARGV[7] ~= (record.owner == "" and "waiting" or "processing") then return { "elsewhere" } end
leave_place(id, record)
if record.owner == "overdue" then unlease(record) end
read_organizations({ record.organization })
local expires_at = now + 1000 * tonumber(record.resultTtlSeconds)
local index_key = KEYS[first_index + day_of(expires_at) - day_of(now)]
local ending = { state = "cancelled", code = "", attempt = "0", at = expires_at, summary = summary, response = "" }
finish(id, record, record.metadata == "1" and redis.call("GET", keys.metadata), keys, index_key, ending)
count_minute("x", 1)
flush()
meta_write()
write_audit(KEYS[first + 4], ARGV[6])
return { "cancelled", record.owner, record.attempt, next_at.chore <= now and 1 or 0, record.organization, record.trace }
