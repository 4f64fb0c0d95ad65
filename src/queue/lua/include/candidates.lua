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

-- A provider's own line needs no look while nothing of the provider may start.
local function is_shut(line)
  local provider = provider_of(line)
  local until_at = provider and shut_until(provider)
  if until_at then wake_at = math.min(wake_at, until_at) end
  return until_at ~= nil or (provider == nil and not string.find(line, "[/+]"))
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

local function read_records(walk, count)
  local ids, entries = {}, {}
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

-- Calls start(id, record, target) for what may start, which answers "started", "skipped" or "enough".
local function each_startable(limit, start)
  local walk = { found = {}, next = 1, read = {}, has_more = {}, last = {}, closed = {} }
  for _, line in ipairs(LINES) do
    if pending_total({ line }) > 0 then
      walk.closed[line] = is_shut(line)
      if limit > 0 and not walk.closed[line] then read_more(walk, line, limit) end
    end
  end
  table.sort(walk.found, by_score)
  local started = 0
  while started < limit and walk.next <= #walk.found do
    local entry = walk.found[walk.next]
    if not walk.closed[entry.line] then
      if entry.record == nil then read_records(walk, limit - started) end
      if entry.record then
        local target, at = choose_target(entry.record)
        if not target then
          wake_at = math.min(wake_at, at)
          local provider = provider_of(entry.line)
          walk.closed[entry.line] = provider ~= nil and (is_shut(entry.line) or provider.refused[entry.line] ~= nil)
        else
          local result = start(entry.id, entry.record, target)
          if result == "enough" then break end
          if result == "started" then started = started + 1 end
        end
      end
    end
    walk.next = walk.next + 1
    if entry.id == walk.last[entry.line] and walk.has_more[entry.line] and started < limit and not walk.closed[entry.line] then
      walk.found, walk.next = { unpack(walk.found, walk.next) }, 1
      read_more(walk, entry.line, WINDOW - walk.read[entry.line])
      table.sort(walk.found, by_score)
    end
  end
  for i = walk.next, #walk.found do
    walk.has_more[walk.found[i].line] = true
  end
  return walk
end

-- How many more of a line could start now, as far as can be told without reading its requests.
local function startable_of(line, walk, limit)
  local pending, provider = pending_total({ line }), provider_of(line)
  if pending == 0 or walk.closed[line] or (limit > 0 and not walk.has_more[line]) then return 0 end
  if not provider then return pending end
  local room = pending
  local limits = provider.limits[line] or {}
  if limits.concurrency then room = math.min(room, limits.concurrency - in_flight(provider, line)) end
  for _, taking in ipairs(takings(provider, { name = line .. "/" }, 1)) do
    room = math.min(room, math.floor(taking.bucket.level / taking.amount))
  end
  if provider.breaker.state == "o" then room = math.min(room, 1) end
  return math.max(room, 0)
end
