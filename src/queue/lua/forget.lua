-- Removes what is kept of organizations that have no live request, so that `meta` does not grow with every tenant ever
-- seen; weights stay.
-- KEYS  meta
-- ARGV  organizations that had none
-- Returns how many fields were removed.
-- Costs 3 commands.
local fields = {}
for i, name in ipairs(ARGV) do
  fields[i] = "live:" .. name
end
local idle = {}
for i, live in ipairs(redis.call("HMGET", KEYS[1], unpack(fields))) do
  if live == "0" then
    for _, prefix in ipairs({ "live:", "fair:", "recent:" }) do
      idle[#idle + 1] = prefix .. ARGV[i]
    end
  end
end
return #idle > 0 and redis.call("HDEL", KEYS[1], unpack(idle)) or 0
