-- Writes a batch if it is still as it was read.
-- KEYS  batch, chores, batches of its kind and organization
-- ARGV  revision that was read (0: there was none), new text, when it ends (epoch ms), its chore, when that is due
--       ("": as it stands), id of a new batch ("": it is known), id below which there are none any more, ms that the
--       index lives without a new batch
-- Returns 1, also when the new text stands there already; 0 when another has changed it.
-- Costs 3 commands, 4 with a chore; a new batch 7.
local revision, text, ends_at, chore, due_at, new_id, oldest_id, index_ms = unpack(ARGV)
local present = redis.call("GET", KEYS[1])
if present ~= text then
  local found = present and string.match(present, "^1|(%d+)|") or "0"
  if found ~= revision then return 0 end
  redis.call("SET", KEYS[1], text, "PXAT", ends_at)
end
if due_at ~= "" then redis.call("ZADD", KEYS[2], due_at, chore) end
if new_id ~= "" then
  redis.call("ZADD", KEYS[3], 0, new_id)
  redis.call("ZREMRANGEBYLEX", KEYS[3], "-", "(" .. oldest_id)
  redis.call("PEXPIRE", KEYS[3], index_ms)
end
return 1
