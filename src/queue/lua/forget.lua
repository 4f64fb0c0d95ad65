-- Removes counts of organizations that have no live request, so that `meta` does not grow with every tenant ever seen.
-- KEYS  meta
-- ARGV  fields of meta ("live:<organization>") that were zero
-- Returns how many were removed.
-- Costs 3 commands.
local values, zero = redis.call("HMGET", KEYS[1], unpack(ARGV)), {}
for i, field in ipairs(ARGV) do
  if values[i] == "0" then zero[#zero + 1] = field end
end
return #zero > 0 and redis.call("HDEL", KEYS[1], unpack(zero)) or 0
