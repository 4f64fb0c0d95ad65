-- Everything about one request.
-- KEYS  meta, live, scheduled, metadata, body, outcome, attempts, (line, leases) per line
-- ARGV  now, lines, id, 1 to include the body
-- Returns {view, body or ""}: see include/view.lua
-- Costs 4 commands while pending, 3 when finished.
-- @include view
read_lines(8, ARGV[2])
local found = view(ARGV[3], { metadata = KEYS[4], outcome = KEYS[6], attempts = KEYS[7] }, -1)
return { found, ARGV[4] == "1" and redis.call("GET", KEYS[5]) or "" }
