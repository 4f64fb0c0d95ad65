-- Takes calls from a key's allowance of one minute.
-- KEYS  counter of the key and minute
-- ARGV  calls wanted, calls per minute
-- Returns {how many were granted (0: the minute is used up), how many are used now}
-- Costs 3 commands, 4 for the first of a minute.
local wanted, per_minute = tonumber(ARGV[1]), tonumber(ARGV[2])
local used = tonumber(redis.call("GET", KEYS[1]) or "0")
local granted = math.max(math.min(wanted, per_minute - used), 0)
if granted == 0 then return { 0, used } end
redis.call("INCRBY", KEYS[1], granted)
if used == 0 then redis.call("EXPIRE", KEYS[1], 120) end
return { granted, used + granted }
