-- Makes a file of chunks that are stored: they live as long as it does. Repeated, it changes nothing.
-- KEYS  head, the organization's files, chunks
-- ARGV  expiresAt, stored head, entry of the index, its reservation, ms that the index lives without a new file
-- Returns 1; 0 when a chunk is gone.
-- Costs 4 commands, and one for each chunk.
local head, files = KEYS[1], KEYS[2]
local expires_at, value, entry, reservation, index_ms = unpack(ARGV)
for i = 3, #KEYS do
  if redis.call("PEXPIREAT", KEYS[i], expires_at) == 0 then return 0 end
end
redis.call("SET", head, value, "PXAT", expires_at)
redis.call("ZREM", files, reservation)
redis.call("ZADD", files, expires_at, entry)
redis.call("PEXPIRE", files, index_ms)
return 1
