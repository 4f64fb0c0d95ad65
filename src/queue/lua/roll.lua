-- Takes finished minutes from the ring into the history, each once: doubled rolls find nothing to take.
-- KEYS  meta, history:minutes, history:hours
-- ARGV  now, lines
-- Returns how many minutes were taken, or {"lines", registered lines}
-- Costs 4 commands, 4 more in the first minute of an hour; 2 when there is nothing to take.
-- @include batch
-- @include figures
local HISTORY_VERSION, KEPT_MINUTES, KEPT_HOURS = "1", 1500, 720
local lines, fields = words(ARGV[2]), { "rolledAt", "rollAt", "totals" }
for i = 0, figures.MINUTES - 1 do
  fields[#fields + 1] = figures.minute_field(i)
end
if not meta_read(lines, fields) then return { "lines", meta.lines } end

-- What is pending, of lines that have something.
local function pending_now()
  local parts = {}
  for _, line in ipairs(lines) do
    if pending[line].total > 0 then parts[#parts + 1] = join(line, unpack(pending[line])) end
  end
  return table.concat(parts, ";")
end

local function member_of(at, counters, gauges)
  return table.concat({ HISTORY_VERSION, join(at), counters, gauges }, "|")
end

-- Sums up the hours before `last_hour` of which minutes were rolled since.
local function close_hours(first_hour, last_hour)
  local hours, order = {}, {}
  for _, member in ipairs(redis.call("ZRANGEBYSCORE", KEYS[2], first_hour * 60, "(" .. last_hour * 60)) do
    local minute, counters, gauges = string.match(member, "^%d+|(%d+)|([^|]*)|(.*)$")
    local at = math.floor(tonumber(minute) / 60)
    if not hours[at] then
      hours[at], order[#order + 1] = { totals = {} }, at
    end
    figures.add_counts(hours[at].totals, counters)
    hours[at].gauges = gauges
  end
  for _, at in ipairs(order) do
    add("ZADD", KEYS[3], at, member_of(at, figures.format_counts(hours[at].totals), hours[at].gauges))
  end
  add("ZREMRANGEBYRANK", KEYS[2], 0, -(KEPT_MINUTES + 1))
  add("ZREMRANGEBYRANK", KEYS[3], 0, -(KEPT_HOURS + 1))
end

local current, rolled = figures.minute, tonumber(meta.rolledAt) or 0
local taken, left = {}, {}
for i = 0, figures.MINUTES - 1 do
  local minute, counters = string.match(meta[figures.minute_field(i)], "^(%d+) (.*)$")
  minute = tonumber(minute) or 0
  if minute > rolled and minute < current then
    taken[#taken + 1] = { at = minute, counters = counters }
  elseif minute > rolled then
    left[#left + 1] = meta[figures.minute_field(i)]
  end
end
if #taken == 0 then return 0 end

table.sort(taken, function(a, b) return a.at < b.at end)
local totals, gauges = figures.add_counts({}, meta.totals), pending_now()
for _, minute in ipairs(taken) do
  figures.add_counts(totals, minute.counters)
  add("ZADD", KEYS[2], minute.at, member_of(minute.at, minute.counters, gauges))
end
flush()
local last = taken[#taken].at
local first_hour, last_hour = math.floor((rolled > 0 and rolled or taken[1].at) / 60), math.floor(last / 60)
if first_hour < last_hour then close_hours(first_hour, last_hour) end
flush()
meta_set("totals", figures.format_counts(totals))
meta_set("rolledAt", last)
meta_set("rollAt", "")
for _, text in ipairs(left) do
  figures.roll_after(text)
end
meta_write()
return #taken
