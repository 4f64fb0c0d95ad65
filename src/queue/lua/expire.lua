-- Makes requests overdue that have been pending for too long.
-- KEYS  meta, live, scheduled, deadlines
-- ARGV  now, "", first due before (epoch ms), then ids of pending requests created before then
-- Costs 5 commands.
-- @include record
-- @include batch
-- @include meta
meta_read({}, {})
local before, ids = tonumber(ARGV[3]), { unpack(ARGV, 4) }
for i, packed in ipairs(read_many("HMGET", KEYS[2], ids)) do
  local record = packed and decode(packed)
  local is_watched = record and record.deadlineAt ~= "0" and tonumber(record.deadlineAt) <= now
  if record and not is_watched and tonumber(record.dueAt) < before then add("ZADD", KEYS[4], now, ids[i]) end
end
flush()
at_latest("deadline", now)
meta_write()
return 1
