-- Makes room for a file to be, and forgets files that have expired. Repeated, it changes nothing.
-- KEYS  the organization's files
-- ARGV  now, until, reservation, its bytes, most bytes, most files, ms that the index lives without a new file
-- Returns 1; 0 when there is no room.
-- Costs 4 commands, 2 when there is no room.
local now, until_at, reservation, bytes, most_bytes, most_files, index_ms = unpack(ARGV)
redis.call("ZREMRANGEBYSCORE", KEYS[1], "-inf", now)
local used, count = tonumber(bytes), 1
for _, entry in ipairs(redis.call("ZRANGE", KEYS[1], 0, -1)) do
  if entry ~= reservation then
    used = used + tonumber(string.match(entry, "|(%d+)"))
    count = count + 1
  end
end
if used > tonumber(most_bytes) or count > tonumber(most_files) then return 0 end
redis.call("ZADD", KEYS[1], until_at, reservation)
redis.call("PEXPIRE", KEYS[1], index_ms)
return 1
