-- Goes through the pending requests of all lines, best score first, until enough of them have started.
-- @include choice
-- How far a line is looked through for requests that may start when those before them may not.
local WINDOW = 500

-- When one that could not start may be able to.
local wake_at = NEVER

local function by_score(a, b)
  if a.score ~= b.score then return a.score < b.score end
  return a.id < b.id
end

-- How many of a line may start at most. Requests of a route or with fallbacks have several targets, so only a look tells.
local function room_of_line(line)
  local provider = provider_of(line)
  if not provider then return string.find(line, "[/+]") and NEVER or 0 end
  if provider.refused[line] then return 0 end
  local room, free_at = room_of_provider(provider)
  if room == 0 then wake_at = math.min(wake_at, free_at) end
  return room
end

local function read_more(walk, line, count)
  local from = walk.read[line] or 0
  local members = redis.call("ZRANGE", LINE[line], from, from + count - 1, "WITHSCORES")
  for i = 1, #members, 2 do
    walk.found[#walk.found + 1] = { id = members[i], score = tonumber(members[i + 1]), line = line }
  end
  walk.read[line] = from + #members / 2
  walk.has_more[line] = #members == 2 * count and walk.read[line] < WINDOW
  walk.last[line] = members[#members - 1]
end

-- Ever more at once: of a line whose requests may not start, each command would else read only as many as there is room for.
local function read_records(walk, least)
  local ids, entries, count = {}, {}, math.max(walk.reading, least)
  walk.reading = 2 * count
  for i = walk.next, math.min(walk.next + count - 1, #walk.found) do
    local entry = walk.found[i]
    if not entry.record and not walk.closed[entry.line] then
      ids[#ids + 1], entries[#entries + 1] = entry.id, entry
    end
  end
  for i, packed in ipairs(read_many("HMGET", KEYS[2], ids)) do
    entries[i].record = packed and decode(packed)
  end
end

-- All of what was read of the line is done with, so what comes next must be known before others go on.
local function read_on(walk, line)
  walk.closed[line] = walk.closed[line] or room_of_line(line) == 0
  if walk.closed[line] then return end
  local rest = {}
  for i = walk.next, #walk.found do
    rest[#rest + 1] = walk.found[i]
  end
  walk.found, walk.next = rest, 1
  read_more(walk, line, WINDOW - walk.read[line])
  table.sort(walk.found, by_score)
end

-- Calls start(id, record, target) for what may start, which answers "started", "skipped", "enough", or "later": nothing
-- more of this line now.
local function each_startable(limit, start)
  local walk = { found = {}, next = 1, reading = 1, read = {}, has_more = {}, last = {}, closed = {}, later = {} }
  local open = 0
  for _, line in ipairs(LINES) do
    local room = pending[line].total > 0 and room_of_line(line) or 0
    walk.closed[line] = room == 0
    if limit > 0 and room > 0 then
      read_more(walk, line, math.min(limit, room))
      open = open + 1
    end
  end
  if open > 1 then table.sort(walk.found, by_score) end
  local started = 0
  while started < limit and walk.next <= #walk.found do
    local entry = walk.found[walk.next]
    if not walk.closed[entry.line] then
      if entry.record == nil then read_records(walk, limit - started) end
      if entry.record then
        local target, at = choose_target(entry.record)
        if not target then
          wake_at = math.min(wake_at, at)
          walk.closed[entry.line] = room_of_line(entry.line) == 0
        else
          local result = start(entry.id, entry.record, target)
          if result == "enough" then break end
          if result == "started" then started = started + 1 end
          if result == "later" then walk.closed[entry.line], walk.later[entry.line] = true, true end
        end
      end
    end
    walk.next = walk.next + 1
    if entry.id == walk.last[entry.line] and walk.has_more[entry.line] and started < limit then read_on(walk, entry.line) end
  end
  for i = walk.next, #walk.found do
    walk.has_more[walk.found[i].line] = true
  end
  return walk
end

-- Whether any that a claim would look at may start; 2 commands.
local function has_startable(line)
  local ids = redis.call("ZRANGE", LINE[line], 0, WINDOW - 1)
  for _, packed in ipairs(read_many("HMGET", KEYS[2], ids)) do
    local target, at
    if packed then target, at = choose_target(decode(packed)) end
    if target then return true end
    wake_at = math.min(wake_at, at or NEVER)
  end
  return false
end

-- How many more of a line could start now, as far as can be told by its provider. Where there are several targets, a claim
-- has looked at its requests; one that takes none looks here.
local function startable_of(line, walk, limit)
  local is_done = walk.closed[line] or (limit > 0 and not walk.has_more[line])
  if is_done and not walk.later[line] then return 0 end
  if limit == 0 and not provider_of(line) and not has_startable(line) then return 0 end
  return math.min(pending[line].total, room_of_line(line))
end
