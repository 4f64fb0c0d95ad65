-- Records what attempts came to. docs/states.md holds the table that this follows.
-- KEYS  meta, live, scheduled, deadlines, (line, leases) per line, finished index keys,
--       then per settlement: head, body, outcome, attempts
-- ARGV  now, lines, retry penalty ms, finished indexes ("completed:20541 …"), blocks ("openai 1790… rate …"),
--       then per settlement: id, attempt, op, kind, at (retry: due; finished: expiry), code,
--       timed out (1/0), provider ms, attempt JSON, summary JSON, response JSON
-- Returns {"settled" | "noted" | "gone" | "again:<finished index>", …} in order, or {"lines", registered lines}.
-- Costs per group of completed 11 commands, and one per request.
-- @include settlement
local FIELDS_PER_SETTLEMENT, KEYS_PER_SETTLEMENT = 11, 4
local next_key = read_lines(5, ARGV[2])
local retry_penalty_ms, index_names = tonumber(ARGV[3]), words(ARGV[4])
local fields = { slot_field(now), minute_field(now), "kept:completed", "kept:failed", "kept:cancelled" }
for i, name in ipairs(index_names) do
  FINISHED[name] = KEYS[next_key + i - 1]
end
next_key = next_key + #index_names
for _, line in ipairs(LINES) do
  fields[#fields + 1] = "blocked:" .. line
end
if not meta_read(LINES, fields) then return { "lines", meta.lines } end

local items, ids, head_keys = {}, {}, {}
for arg = 6, #ARGV, FIELDS_PER_SETTLEMENT do
  local item = {
    id = ARGV[arg], attempt = ARGV[arg + 1], op = ARGV[arg + 2], kind = ARGV[arg + 3], at = tonumber(ARGV[arg + 4]),
    code = ARGV[arg + 5], timed_out = ARGV[arg + 6] == "1", provider_ms = tonumber(ARGV[arg + 7]),
    attempt_json = ARGV[arg + 8], summary = ARGV[arg + 9], response = ARGV[arg + 10],
    keys = { head = KEYS[next_key], body = KEYS[next_key + 1], outcome = KEYS[next_key + 2], attempts = KEYS[next_key + 3] },
  }
  next_key = next_key + KEYS_PER_SETTLEMENT
  items[#items + 1], ids[#ids + 1], head_keys[#head_keys + 1] = item, item.id, item.keys.head
end
local records, heads = read_many("HMGET", KEYS[2], ids), read_many("MGET", nil, head_keys)

local organizations, seen = {}, {}
for _, packed in ipairs(records) do
  local organization = packed and decode(packed).organization
  if organization and not seen[organization] then
    seen[organization] = true
    organizations[#organizations + 1] = organization
  end
end
read_organizations(organizations)

local replies = {}
for i, item in ipairs(items) do
  replies[i] = settle(item, records[i], heads[i], retry_penalty_ms)
end
flush()
for line, until_at, cause in string.gmatch(ARGV[5], "(%S+) (%d+) (%a+)") do
  local old_until, old_cause = string.match(meta["blocked:" .. line] or "", "^(%d+) (%a+)$")
  -- Account trouble stays until a success ends it, however long a rate limit lasts.
  if old_cause == "account" then cause = old_cause end
  meta_set("blocked:" .. line, join(math.max(tonumber(until_at), tonumber(old_until) or 0), cause))
end
write_latencies()
meta_write(LINES)
return replies
