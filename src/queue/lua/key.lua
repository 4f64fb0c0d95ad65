-- Issues or revokes an API key, and notes it where that changed anything.
-- KEYS  keys, audit
-- ARGV  key id, stored key ("": revoke), audit entry
-- Returns 1 when something changed.
-- Costs 3 commands.
-- @include audit
local changed
if ARGV[2] == "" then
  changed = redis.call("HDEL", KEYS[1], ARGV[1])
else
  changed = redis.call("HSETNX", KEYS[1], ARGV[1], ARGV[2])
end
if changed == 1 then write_audit(KEYS[2], ARGV[3]) end
return changed
