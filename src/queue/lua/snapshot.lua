-- What is stored of requests at this very instant, in their order, as far as so many bytes reach; of one at least.
-- KEYS  live, scheduled, then per request: metadata, body, outcome, attempts
-- ARGV  bytes, id per request
-- Returns {commands that it cost, {"live", record, when it is due by `scheduled` ("": it is not there), metadata, body,
--          {number, attempt, …}}, {"ended", outcome, body, {number, attempt, …}} or {"none"}, …}
-- Costs 4 commands for each slice of 16 to 200 requests, and one for each that may have a history.
-- @include record
local FIRST_SLICE, LARGEST_SLICE = 16, 200
local most, count = tonumber(ARGV[1]), #ARGV - 1
local found, bytes, spent, slice, first, is_full = {}, 0, 0, FIRST_SLICE, 1, false

local function key_of(i, part)
  return KEYS[4 * i - 2 + part]
end

local function ask(command, ...)
  spent = spent + 1
  return redis.call(command, ...)
end

local function history_of(i, attempt, is_first)
  return attempt > (is_first and 1 or 0) and ask("HGETALL", key_of(i, 4)) or {}
end

local function size_of(entry)
  local size = 0
  for _, value in ipairs(entry) do
    size = size + (type(value) == "table" and size_of(value) or #value)
  end
  return size
end

while first <= count and not is_full do
  local last = math.min(first + slice - 1, count)
  local ids, outcomes, texts = { unpack(ARGV, first + 1, last + 1) }, {}, {}
  for i = first, last do
    outcomes[#outcomes + 1] = key_of(i, 3)
    texts[#texts + 1], texts[#texts + 2] = key_of(i, 1), key_of(i, 2)
  end
  local records, due = ask("HMGET", KEYS[1], unpack(ids)), ask("ZMSCORE", KEYS[2], unpack(ids))
  outcomes, texts = ask("MGET", unpack(outcomes)), ask("MGET", unpack(texts))
  for i = first, last do
    local at = i - first + 1
    local record, outcome, metadata, body = records[at], outcomes[at], texts[2 * at - 1] or "", texts[2 * at] or ""
    local entry = { "none" }
    if record then
      local history = history_of(i, tonumber(decode(record).attempt), false)
      entry = { "live", record, due[at] or "", metadata, body, history }
    elseif outcome then
      local state, packed = string.match(outcome, "^%d+|(%a+)[^\n]*\n[^\n]*\n([^\n]*)")
      entry = { "ended", outcome, body, history_of(i, tonumber(decode(packed).attempt), state == "completed") }
    end
    local size = size_of(entry)
    is_full = is_full or (#found > 0 and bytes + size > most)
    if is_full then break end
    found[#found + 1], bytes = entry, bytes + size
  end
  first, slice = last + 1, math.max(1, math.min(LARGEST_SLICE, math.floor((most - bytes) * #found / math.max(bytes, 1))))
end
return { spent, unpack(found) }
