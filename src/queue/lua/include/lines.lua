-- Keys of the lines and of their providers' leases: two KEYS per line, from `first` on.
-- @include meta
-- @include record
-- @include batch
local LINE, LEASES, LINES = {}, {}, {}
-- Points per priority level times 1,000 ms: src/queue/score.ts holds the same numbers.
local HEAD_START_MS = { 1000000000, 100000000, 10000000, 1000000 }
-- A retried request yields to fresh ones of its level, never to the next level.
local MAX_PENALTY_MS = 8999999

local function read_lines(first, names)
  LINES = words(names)
  for i, line in ipairs(LINES) do
    LINE[line] = KEYS[first + 2 * i - 2]
    LEASES[line] = KEYS[first + 2 * i - 1]
  end
  return first + 2 * #LINES
end

local function score_of(record, retry_penalty_ms)
  local penalty = math.min(tonumber(record.retries) * retry_penalty_ms, MAX_PENALTY_MS)
  return tonumber(record.effectiveAt) - HEAD_START_MS[tonumber(record.level)] + penalty
end

local function watch_deadline(id, record)
  if record.deadlineAt == "0" then return end
  add("ZADD", KEYS[4], record.deadlineAt, id)
  at_latest("deadline", tonumber(record.deadlineAt))
end

local function is_past_deadline(record)
  return record.deadlineAt ~= "0" and tonumber(record.deadlineAt) <= now
end

-- A line is known to every process once a request has entered it.
local registered = {}
local function register_line(line)
  if registered[line] then return end
  registered[line] = true
  if not string.find(" " .. meta.lines .. " ", " " .. line .. " ", 1, true) then
    meta_set("lines", meta.lines == "" and line or join(meta.lines, line))
  end
end

-- Takes a request out of the place it is in. The record says whether it is leased; else it is in
-- its line or scheduled, and only the sets know which.
local function leave_place(id, record)
  if record.owner ~= "" then
    add("ZREM", LEASES[record.provider], id)
  elseif redis.call("ZREM", LINE[record.line], id) == 1 then
    count_pending(record.line, record.level, -1)
  else
    redis.call("ZREM", KEYS[3], id)
  end
end
