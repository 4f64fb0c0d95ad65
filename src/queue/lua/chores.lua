-- Hands out chores that are due, under a lease: until it is over nobody else gets them.
-- KEYS  meta, chores
-- ARGV  now, how many at most, lease expiry
-- Returns {when the next one is due, {name, …}}
-- Costs 5 commands when there is none, 6 else.
-- @include meta
meta_read({}, {})
local names = redis.call("ZRANGEBYSCORE", KEYS[2], "-inf", now, "LIMIT", 0, ARGV[2])
local values = {}
for i, name in ipairs(names) do
  values[2 * i - 1], values[2 * i] = ARGV[3], name
end
if #names > 0 then redis.call("ZADD", KEYS[2], unpack(values)) end
next_at.chore = tonumber(redis.call("ZRANGE", KEYS[2], 0, 0, "WITHSCORES")[2]) or NEVER
meta_write()
return { join(next_at.chore), names }
