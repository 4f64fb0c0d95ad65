-- Writes a batch if it is still as it was read.
-- KEYS  meta, chores, batch, batches of its kind and organization
-- ARGV  now, revision that was read (0: there was none), new text, when it ends (epoch ms), its chore if that is due now
--       (else ""), the field of `meta` that tells that it takes no more requests (else ""), id of a new batch ("": it is
--       known), id below which there are none any more, ms that the index lives without a new batch
-- Returns 1, also when the new text stands there already; 0 when another has changed it.
-- Costs 3 commands; 8 to cancel one, 9 for a new one.
-- @include meta
local revision, text, ends_at, chore, closed, new_id, oldest_id, index_ms = unpack(ARGV, 2)
local present = redis.call("GET", KEYS[3])
if present ~= text then
  local found = present and string.match(present, "^1|(%d+)|") or "0"
  if found ~= revision then return 0 end
  redis.call("SET", KEYS[3], text, "PXAT", ends_at)
end
if chore ~= "" then
  meta_read({}, {})
  redis.call("ZADD", KEYS[2], "LT", now, chore)
  at_latest("chore", now)
  if closed ~= "" then meta_set(closed, "1") end
  meta_write()
end
if new_id ~= "" then
  redis.call("ZADD", KEYS[4], 0, new_id)
  redis.call("ZREMRANGEBYLEX", KEYS[4], "-", "(" .. oldest_id)
  redis.call("PEXPIRE", KEYS[4], index_ms)
end
return 1
