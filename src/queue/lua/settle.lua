-- Records what attempts came to. docs/states.md holds the table that this follows.
-- KEYS  meta, live, scheduled, deadlines, (line, leases) per line, finished index keys,
--       then per settlement: head, body, outcome, attempts
-- ARGV  now, lines, retry penalty ms, finished indexes ("completed:20541 …"), blocks ("openai 1790… rate …"),
--       then per settlement: id, attempt, op, kind, at (retry: due; finished: expiry), code,
--       timed out (1/0), provider ms, attempt JSON, summary JSON, response JSON
-- Returns {"settled" | "noted" | "gone" | "again:<finished index>", …} in order, or {"lines", registered lines}.
-- Costs per group of completed 8 commands, and one per request.
-- @include finish
local FIELDS_PER_SETTLEMENT, KEYS_PER_SETTLEMENT = 11, 4
local next_key = read_lines(5, ARGV[2])
local retry_penalty_ms, index_names = tonumber(ARGV[3]), words(ARGV[4])
local FINISHED, fields = {}, { slot_field(now), minute_field(now), "kept:completed", "kept:failed", "kept:cancelled" }
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

-- Finished attempts are written once per number.
local function note(item)
  if item.attempt_json == "" then return "settled" end
  return redis.call("HSETNX", item.keys.attempts, item.attempt, item.attempt_json) == 1 and "noted" or "settled"
end

local function end_request(item, record, head, state)
  if state == "failed" then note(item) end
  finish(item.id, record, head, item.keys, FINISHED[state .. ":" .. join(day_of(item.at))], state, item.code, item.at,
    item.summary, item.response)
  count_event(state, 1)
end

-- The request has its outcome. A late success still replaces a failure that only a lost lease had caused.
local function settle_finished(item)
  local text = redis.call("GET", item.keys.outcome)
  if not text then return "gone" end
  local outcome = parse_outcome(text)
  local head, packed = string.match(text, "^[^\n]*\n([^\n]*)\n([^\n]*)\n")
  local record = decode(packed)
  if item.kind == "completed" and outcome.state == "failed" and outcome.code == "lease_expired" then
    local day = day_of(tonumber(outcome.expires_at))
    local index = "failed:" .. join(day)
    if not FINISHED[index] then return "again:" .. index end
    redis.call("ZREM", FINISHED[index], item.id .. "|" .. outcome.organization)
    set_kept("failed", day, kept("failed", day) - 1)
    meta_set("load", meta.load + 1)
    end_request(item, record, head, "completed")
    return "settled"
  end
  if item.kind == outcome.state and record.attempt == item.attempt then return "settled" end
  local reply = note(item)
  redis.call("EXPIREAT", item.keys.attempts, seconds(tonumber(outcome.expires_at)))
  return reply
end

local function settle(item, text, head)
  if not text then return settle_finished(item) end
  local record = decode(text)
  local mine = record.owner ~= "" and record.attempt == item.attempt
  if item.kind == "completed" then
    leave_place(item.id, record)
    if record.attempt ~= item.attempt then
      redis.call("EXPIREAT", item.keys.attempts, seconds(item.at))
      record.attempt = item.attempt
    end
    unlease(record)
    if string.find(meta["blocked:" .. record.line], "account", 1, true) then meta_set("blocked:" .. record.line, "") end
    observe("p", item.provider_ms)
    end_request(item, record, head, "completed")
    return "settled"
  end
  if item.kind == "release" and record.op ~= item.op then return "noted" end
  if not mine or item.kind == "note" then return note(item) end
  add("ZREM", LEASES[record.provider], item.id)
  unlease(record)
  if item.kind == "failed" then
    end_request(item, record, head, "failed")
    return "settled"
  end
  note(item)
  if item.kind == "retry" then
    increment(record, "retries")
    if item.timed_out then increment(record, "timeouts") end
    add("ZADD", KEYS[3], item.at, item.id)
    at_latest("due", item.at)
    count_event("retried", 1)
  else
    if item.kind == "release" then record.attempt = tonumber(record.attempt) - 1 end
    enter_line(item.id, record, retry_penalty_ms)
  end
  add("HSET", KEYS[2], item.id, encode(record))
  return "settled"
end

local replies = {}
for i, item in ipairs(items) do
  replies[i] = settle(item, records[i], heads[i])
end
flush()
for line, until_at, cause in string.gmatch(ARGV[5], "(%S+) (%d+) (%a+)") do
  local blocked_until = tonumber(string.match(meta["blocked:" .. line] or "", "^%d+")) or 0
  if tonumber(until_at) > blocked_until then meta_set("blocked:" .. line, until_at .. " " .. cause) end
end
write_latencies()
meta_write(LINES)
return replies
