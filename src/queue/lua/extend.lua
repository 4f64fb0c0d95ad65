-- Makes a lease that is still held last until an instant, if it does not already.
-- KEYS  meta, live, scheduled, deadlines, (line, leases) per line
-- ARGV  now, lines, id, attempt, op, expires at
-- Returns 1, 0 when the lease is no longer held, or {"lines", line of which the keys are missing}
-- Costs 3 commands.
-- @include lines
read_lines(5, ARGV[2])
local id, expires_at = ARGV[3], ARGV[6]
local text = redis.call("HGET", KEYS[2], id)
if not text then return 0 end
local record = decode(text)
if record.owner == "" or record.attempt ~= ARGV[4] or record.op ~= ARGV[5] then return 0 end
if not LEASES[record.provider] then return { "lines", record.provider } end
redis.call("ZADD", LEASES[record.provider], "GT", expires_at, id)
return 1
