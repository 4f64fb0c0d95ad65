-- Sets when a chore is due, or ends it.
-- KEYS  meta, chores
-- ARGV  now, name, expiry of the lease it is held under ("": none; then it is due at the earlier of both instants),
--       due at ("": it is done)
-- Returns 1, 0 when the lease is no longer held: whoever has it, or has asked for the chore anew, decides.
-- Costs 4 or 5 commands.
-- @include meta
meta_read({}, {})
local name, held, at = ARGV[2], ARGV[3], ARGV[4]
if held == "" then
  redis.call("ZADD", KEYS[2], "LT", at, name)
elseif redis.call("ZSCORE", KEYS[2], name) ~= held then
  return 0
elseif at == "" then
  redis.call("ZREM", KEYS[2], name)
  return 1
else
  redis.call("ZADD", KEYS[2], at, name)
end
at_latest("chore", tonumber(at))
meta_write()
return 1
