-- Start-time fair queueing: an organization's requests enter a line fairShareMs apart in virtual time, so that tenants
-- with a backlog take turns. docs/fairness.md states the guarantee. A provider's own line and that of its requests with
-- fallbacks share a clock: per level `virtual:<clock>` holds the number of the busy period and V, the time of what was
-- claimed last; `fair:<organization>` its tags as "clock level period tag".
-- @include organizations
-- V lags no further behind the clock, and nobody is put off further, so that levels stay strict.
local MAX_LAG_MS, MAX_LEAD_MS = 7200000, 1500000

local share_ms = 0

local clocks = {}

local function clock_of(line)
  clocks[line] = clocks[line] or string.match(line, "^[^+]+")
  return clocks[line]
end

local function virtual_field(clock)
  return "virtual:" .. clock
end

-- The fields of `meta` that entering lines for the first time needs, beside those of the organizations.
local function share_fields(lines, fair_share_ms)
  share_ms = fair_share_ms
  local fields = {}
  for i, line in ipairs(lines) do
    fields[i] = virtual_field(clock_of(line))
  end
  return fields
end

-- Per level the number of its busy period and V; nil: nothing was read of this clock.
local virtuals = {}

local function virtual_of(clock)
  local values = virtuals[clock]
  if not values and meta[virtual_field(clock)] then
    values = numbers(meta[virtual_field(clock)])
    for i = 1, 8 do
      values[i] = values[i] or 0
    end
    virtuals[clock] = values
  end
  return values
end

writers[#writers + 1] = function()
  for clock, values in pairs(virtuals) do
    if values.changed then meta_set(virtual_field(clock), join(unpack(values))) end
  end
end

-- Tags of an organization, {period, tag} by "clock level"; those of a period that is over, or that V has passed, mean
-- nothing any more.
local tags_by_organization, tagged = {}, {}

local function tags_of(organization)
  local tags = tags_by_organization[organization]
  if tags then return tags end
  tags = {}
  tags_by_organization[organization] = tags
  for clock, level, period, tag in string.gmatch(meta["fair:" .. organization] or "", "(%S+) (%d) (%d+) (%S+)") do
    local values = virtual_of(clock)
    if values then
      local is_current = values[2 * tonumber(level) - 1] == tonumber(period) and values[2 * tonumber(level)] < tonumber(tag)
      if is_current then tags[clock .. " " .. level] = { period = tonumber(period), at = tonumber(tag) } end
    end
  end
  return tags
end

local function pending_at(line, level)
  return pending[line] and pending[line][level] or 0
end

-- Sets since when a request ages, on its first way into a line. Its organization must have been read.
local function take_share(record)
  local clock, level = clock_of(record.line), tonumber(record.level)
  if share_ms == 0 then
    record.effectiveAt = record.dueAt
    return
  end
  local values = virtual_of(clock)
  local period, virtual = values[2 * level - 1], values[2 * level]
  if pending_at(clock, level) + pending_at(clock .. "+", level) == 0 then
    period, virtual = period + 1, now
    values[2 * level - 1], values[2 * level], values.changed = period, now, true
  end
  local tags, place = tags_of(record.organization), clock .. " " .. level
  local tag = tags[place]
  local after = tag and tag.period == period and tag.at or 0
  local start = math.min(math.max(virtual, now - MAX_LAG_MS, after), now + MAX_LEAD_MS)
  -- Tags have fractions; a hair of rounding must not count as a millisecond.
  record.effectiveAt = math.floor(start + 0.01)
  local weight = tonumber(meta["weight:" .. record.organization]) or 1
  tags[place] = { period = period, at = start + share_ms / weight }
  tagged[record.organization] = tags
end

writers[#writers + 1] = function()
  for organization, tags in pairs(tagged) do
    local parts = {}
    for place, tag in pairs(tags) do
      parts[#parts + 1] = place .. " " .. tag.period .. " " .. string.format("%.3f", tag.at)
    end
    meta_set("fair:" .. organization, table.concat(parts, " "))
  end
end

-- V follows what is claimed.
local function advance_virtual(record)
  local clock, level, at = clock_of(record.line), tonumber(record.level), tonumber(record.effectiveAt)
  local values = virtual_of(clock)
  if at > values[2 * level] then
    values[2 * level], values.changed = at, true
  end
end
