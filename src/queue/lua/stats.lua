-- The figures of the whole queue at one instant; src/queue/stats.ts makes sense of them.
-- KEYS  meta, live, scheduled, (line, leases) per line, finished:<state> of today for completed, failed, cancelled
-- ARGV  now, lines, then the names of the meta fields to return
-- Returns {{meta values}, scheduled count, {pending per line: "critical high normal low"}, {in flight per line},
--          {kept of today per state}, {record of the first of each level, of every line}} or {"lines", registered lines}
-- Costs 6 commands, and 1 to 6 per line.
-- @include lines
local first_index = read_lines(4, ARGV[2])
local fields = { unpack(ARGV, 3) }
if not meta_read(LINES, fields) then return { "lines", meta.lines } end

local levels, in_flight, kept_today, firsts = {}, {}, {}, {}
for i, line in ipairs(LINES) do
  levels[i] = join(unpack(pending[line]))
  in_flight[i] = redis.call("ZCARD", LEASES[line])
  local rank = 0
  for _, count in ipairs(pending[line]) do
    -- Levels follow each other in a line unless a backlog is hours old, so this is the level's oldest.
    if count > 0 then firsts[#firsts + 1] = redis.call("ZRANGE", LINE[line], rank, rank)[1] end
    rank = rank + count
  end
end
for i = 0, 2 do
  kept_today[i + 1] = redis.call("ZCOUNT", KEYS[first_index + i], "(" .. ARGV[1], "+inf")
end
local values = {}
for i, field in ipairs(fields) do
  values[i] = meta[field]
end
return { values, redis.call("ZCARD", KEYS[3]), levels, in_flight, kept_today, read_many("HMGET", KEYS[2], firsts) }
