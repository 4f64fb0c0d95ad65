-- Stores requests, all or none, in their line or in `scheduled`.
-- KEYS  meta, live, scheduled, deadlines, (line, leases) per line, one recent key per organization,
--       the idempotency key if there is one, then per request: metadata, body, outcome
-- ARGV  now, lines, fair share ms, MAX_PENDING, MAX_PENDING_PER_ORGANIZATION, body hash ("": no idempotency key),
--       its answer, organizations, EXPIREAT of the recent keys, batch of them all or "",
--       then per request: id, number of its organization, record, metadata ("": none), body
-- Returns {"stored", position of the first, position of the last} (-1: not in a line),
--         {"repeated"}: these ids are known, nothing was changed; {"remembered", answer, first, last}: the
--         idempotency key is known with this body; {"mismatch"}: with another; {"full", organization or ""}; {"closed"}: the batch
--         takes no more;
--         or {"lines", registered lines}
-- Costs 10 commands for one request, 9 into an empty line, 2 more with an idempotency key; a bulk 11.
-- @include entry
-- @include figures
local IDEMPOTENCY_SECONDS = 86400
local first_recent = read_lines(5, ARGV[2])
local max_pending, max_per_organization = tonumber(ARGV[4]), tonumber(ARGV[5])
local body_hash, answer, names, recent_expiry = ARGV[6], ARGV[7], words(ARGV[8]), ARGV[9]
local idempotency_key = body_hash ~= "" and KEYS[first_recent + #names] or nil
local first_request = first_recent + #names + (idempotency_key and 1 or 0)
local FIRST_ARG = 11
local closed = ARGV[10] ~= "" and "batch:" .. ARGV[10] .. ":closed"
local count = (#ARGV - FIRST_ARG + 1) / 5

local fields = { organization_fields(names), figures.fields(), share_fields(LINES, tonumber(ARGV[3])), { closed or nil } }
if not meta_read(LINES, flatten(fields)) then return { "lines", meta.lines } end
if closed and meta[closed] == "1" then return { "closed" } end
if idempotency_key then
  local known = redis.call("GET", idempotency_key)
  local hash, first, last, known_answer = string.match(known or "", "^1|(%x+)|(%-?%d+)|(%-?%d+)|(.*)$")
  if hash == body_hash then return { "remembered", known_answer, tonumber(first), tonumber(last) } end
  if hash then return { "mismatch" } end
end

local outcomes, texts, added = {}, {}, {}
for i = 0, count - 1 do
  local key, arg = first_request + 3 * i, FIRST_ARG + 5 * i
  outcomes[#outcomes + 1] = KEYS[key + 2]
  texts[#texts + 1] = KEYS[key + 1]
  texts[#texts + 1] = ARGV[arg + 4]
  if ARGV[arg + 3] ~= "" then
    texts[#texts + 1] = KEYS[key]
    texts[#texts + 1] = ARGV[arg + 3]
  end
  local name = names[tonumber(ARGV[arg + 1])]
  added[name] = (added[name] or 0) + 1
end
local full = meta.load + count > max_pending and "" or nil
for name, more in pairs(added) do
  if live_of(name) + more > max_per_organization then full = name end
end
if redis.call("EXISTS", unpack(outcomes)) > 0 then return { "repeated" } end
if full and redis.call("EXISTS", texts[1]) == 0 then return { "full", full } end
if full or redis.call("MSETNX", unpack(texts)) == 0 then return { "repeated" } end

local ids, records = {}, {}
for i = 0, count - 1 do
  local arg = FIRST_ARG + 5 * i
  local id, record = ARGV[arg], decode(ARGV[arg + 2])
  ids[i + 1], records[i + 1] = id, record
  add("ZADD", KEYS[first_recent + tonumber(ARGV[arg + 1]) - 1], 0, id)
  if tonumber(record.dueAt) > now then
    add("ZADD", KEYS[3], record.dueAt, id)
    at_latest("due", tonumber(record.dueAt))
  else
    enter_line(id, record, 0)
  end
  add("HSET", KEYS[2], id, encode(record))
  watch_deadline(id, record)
  register_line(record.line)
end
flush()
for i, name in ipairs(names) do
  if meta["recent:" .. name] ~= recent_expiry then
    redis.call("EXPIREAT", KEYS[first_recent + i - 1], recent_expiry)
    meta_set("recent:" .. name, recent_expiry)
  end
end
for name, more in pairs(added) do
  count_live(name, more)
end
meta_set("version", "1")
figures.count_event("enqueued", count)

local function position(i)
  local record = records[i]
  if tonumber(record.dueAt) > now then return -1 end
  if pending[record.line].total == 1 then return 1 end
  return redis.call("ZRANK", LINE[record.line], ids[i]) + 1
end
local first = position(1)
local last = count == 1 and first or position(count)
meta_write()
if idempotency_key then
  local remembered = table.concat({ "1", body_hash, join(first), join(last), answer }, "|")
  redis.call("SET", idempotency_key, remembered, "EX", IDEMPOTENCY_SECONDS)
end
return { "stored", first, last }
