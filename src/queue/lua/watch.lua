-- Has the text of a live request's attempts stored as it comes, until an instant, if it is not already.
-- KEYS  live
-- ARGV  id, until
-- Returns the record; "" when the request is finished or unknown
-- Costs 3 commands, 2 when there is nothing to change.
-- @include record
local id, watched_until = ARGV[1], ARGV[2]
local text = redis.call("HGET", KEYS[1], id)
if not text then return "" end
local record = decode(text)
if tonumber(record.watchedUntil) >= tonumber(watched_until) then return text end
record.watchedUntil = watched_until
text = encode(record)
redis.call("HSET", KEYS[1], id, text)
return text
