-- Changes a field of a hash if it is still what it was when it was read.
-- KEYS  meta, or another hash
-- ARGV  field, value that was read ("": there was none), new value
-- Returns 1; 0 when it has another value; 1 too when it has the new one already.
-- Costs 3 commands.
local present = redis.call("HGET", KEYS[1], ARGV[1]) or ""
if present == ARGV[3] then return 1 end
if present ~= ARGV[2] then return 0 end
redis.call("HSET", KEYS[1], ARGV[1], ARGV[3])
return 1
