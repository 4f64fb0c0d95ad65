-- `meta`: everything a script needs beside the requests themselves, in one HMGET and one HSET.
-- @include numbers
local meta, meta_changes = {}, {}
-- Lower bounds of the next due time, lease expiry, deadline and chore: until then nobody has to look.
local next_at = {}
local now = tonumber(ARGV[1])
-- How many are pending: per line its four levels and `total`; of all these lines together.
local pending, all_pending = {}, 0
-- Of other parts, which set the fields that they have collected changes of.
local writers = {}
-- Of the part with the figures, where it is: counts commands of this minute.
local note_commands

local function meta_set(field, value)
  meta[field] = value
  meta_changes[field] = value
end

-- Commands that count from the moment that `meta` is written: those so far, the HSET itself, and what others have told.
local function to_tell()
  return billed + 1 + (tonumber(meta.untold) or 0)
end

-- They go along with what is written anyway: "day today yesterday", the day counted from the epoch.
local function write_spent()
  local today = math.floor(now / 86400000)
  local day, count, before = unpack(numbers(meta.spent))
  if not day then day, count, before = today, 0, 0 end
  -- Clocks differ: around midnight the day does not go back. A day beyond that was a wrong clock's.
  if today > day then
    day, count, before = today, 0, today == day + 1 and count or 0
  elseif today < day - 1 then
    day, before = today, 0
  end
  meta_set("spent", join(day, count + to_tell(), before))
  if meta.untold ~= "" and meta.untold ~= "0" then meta_set("untold", 0) end
  spent = meta.spent
end

-- Returns false when a registered line is missing from `lines`: the caller must come again with its keys.
local function meta_read(lines, fields)
  local names = { "version", "lines", "next", "since", "load", "spent", "untold" }
  for _, line in ipairs(lines) do
    names[#names + 1] = "pending:" .. line
  end
  for _, field in ipairs(fields) do
    names[#names + 1] = field
  end
  for i, value in ipairs(redis.call("HMGET", KEYS[1], unpack(names))) do
    meta[names[i]] = value or ""
  end
  spent = meta.spent
  if meta.version ~= "" and meta.version ~= "1" then
    error("AIQ_VERSION meta " .. meta.version)
  end
  for _, line in ipairs(lines) do
    local counts = numbers(meta["pending:" .. line])
    counts.total = 0
    for level = 1, 4 do
      counts[level] = counts[level] or 0
      counts.total = counts.total + counts[level]
    end
    pending[line], all_pending = counts, all_pending + counts.total
  end
  local next_values = numbers(meta.next)
  for i, what in ipairs({ "due", "expiry", "deadline", "chore" }) do
    next_at[what] = next_values[i] or NEVER
  end
  meta.load = tonumber(meta.load) or 0
  for line in string.gmatch(meta.lines, "%S+") do
    if not pending[line] then return false end
  end
  return true
end

local function meta_write()
  for _, write in ipairs(writers) do
    write()
  end
  if next_at.due then
    local after = join(next_at.due, next_at.expiry, next_at.deadline, next_at.chore)
    if after ~= meta.next then meta_set("next", after) end
  end
  for line, counts in pairs(pending) do
    if counts.changed then meta_changes["pending:" .. line] = join(unpack(counts)) end
  end
  if not next(meta_changes) then return end
  local was_read = meta.spent
  if was_read then
    if note_commands then note_commands(to_tell()) end
    write_spent()
  end
  local values = {}
  for field, value in pairs(meta_changes) do
    values[#values + 1] = field
    values[#values + 1] = value
  end
  redis.call("HSET", KEYS[1], unpack(values))
  -- The process counts only what comes after.
  if was_read then billed = 0 end
end

-- One more or less pending in a line's level.
local function count_pending(line, level, change)
  local counts = pending[line]
  level = tonumber(level)
  counts[level], counts.total, counts.changed = counts[level] + change, counts.total + change, true
  all_pending = all_pending + change
end

local function at_latest(what, instant)
  if instant < next_at[what] then next_at[what] = instant end
end
