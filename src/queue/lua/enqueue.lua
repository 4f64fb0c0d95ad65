-- Stores requests, all or none, in their line or in `scheduled`.
-- KEYS  meta, live, scheduled, deadlines, (line, leases) per line, recent keys,
--       then per request: head, body, outcome
-- ARGV  now, lines, MAX_PENDING, number of recent keys, EXPIREAT of each recent key (0: it is set already),
--       then per request: id, index of its recent key, record, head, body
-- Returns {"stored", position of the first, position of the last} (-1: not in a line),
--         {"repeated"}: these ids are known, nothing was changed; {"full"}; {"lines", registered lines}
-- Costs 8 commands for one request into an empty line, 9 else; a bulk as much per line.
-- @include lines
-- @include figures
local first_recent = read_lines(5, ARGV[2])
local max_pending, recent_count = tonumber(ARGV[3]), tonumber(ARGV[4])
local first_request = first_recent + recent_count
local first_arg = 5 + recent_count
local count = (#ARGV - first_arg + 1) / 5

if not meta_read(LINES, { slot_field(now) }) then return { "lines", meta.lines } end

local outcomes, texts = {}, {}
for i = 0, count - 1 do
  local key, arg = first_request + 3 * i, first_arg + 5 * i
  outcomes[#outcomes + 1] = KEYS[key + 2]
  texts[#texts + 1] = KEYS[key]
  texts[#texts + 1] = ARGV[arg + 3]
  texts[#texts + 1] = KEYS[key + 1]
  texts[#texts + 1] = ARGV[arg + 4]
end
if redis.call("EXISTS", unpack(outcomes)) > 0 then return { "repeated" } end
if meta.load + count > max_pending then
  if redis.call("EXISTS", texts[1]) == 1 then return { "repeated" } end
  return { "full" }
end
if redis.call("MSETNX", unpack(texts)) == 0 then return { "repeated" } end

local ids, records = {}, {}
for i = 0, count - 1 do
  local arg = first_arg + 5 * i
  local id, record = ARGV[arg], decode(ARGV[arg + 2])
  ids[i + 1], records[i + 1] = id, record
  add("HSET", KEYS[2], id, ARGV[arg + 2])
  add("ZADD", KEYS[first_recent + tonumber(ARGV[arg + 1]) - 1], 0, id)
  if tonumber(record.dueAt) > now then
    add("ZADD", KEYS[3], record.dueAt, id)
    at_latest("due", tonumber(record.dueAt))
  else
    enter_line(id, record, 0)
  end
  if record.deadlineAt ~= "0" then
    add("ZADD", KEYS[4], record.deadlineAt, id)
    at_latest("deadline", tonumber(record.deadlineAt))
  end
  if not string.find(" " .. meta.lines .. " ", " " .. record.line .. " ", 1, true) then
    meta_set("lines", meta.lines == "" and record.line or join(meta.lines, record.line))
  end
end
flush()
for i = 1, recent_count do
  if ARGV[4 + i] ~= "0" then redis.call("EXPIREAT", KEYS[first_recent + i - 1], ARGV[4 + i]) end
end
if meta.version == "" then meta_set("version", "1") end
meta_set("load", meta.load + count)
count_event("enqueued", count)
meta_write(LINES)

local function position(i)
  local record = records[i]
  if tonumber(record.dueAt) > now then return -1 end
  if pending_total({ record.line }) == 1 then return 1 end
  return redis.call("ZRANK", LINE[record.line], ids[i]) + 1
end
local first = position(1)
return { "stored", first, count == 1 and first or position(count) }
