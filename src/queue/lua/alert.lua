-- Writes how alerts stand, if that is still what it was when it was read, and has what was decided told: both, or neither.
-- KEYS  meta, chores
-- ARGV  now, state that was read ("": there was none), new state, names of chores that are due now
-- Returns 1; 0 when another one stands there; 1 too when it is the new one already.
-- Costs 3 commands, 4 with chores.
-- @include meta
meta_read({}, { "alerts" })
if meta.alerts == ARGV[3] then return 1 end
if meta.alerts ~= ARGV[2] then return 0 end
meta_set("alerts", ARGV[3])
local values = {}
for i = 4, #ARGV do
  values[#values + 1] = ARGV[1]
  values[#values + 1] = ARGV[i]
end
if #values > 0 then
  redis.call("ZADD", KEYS[2], "LT", unpack(values))
  at_latest("chore", now)
end
meta_write()
return 1
