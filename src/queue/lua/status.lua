-- Everything about one request.
-- KEYS  live, scheduled, head, body, outcome, attempts, (line, leases) per line
-- ARGV  now, lines, id, 1 to include the body
-- Returns {view, body or ""}: see include/view.lua
-- Costs 4 commands while pending, 3 when finished.
-- @include view
read_lines(7, ARGV[2])
local found = view(ARGV[3], { head = KEYS[3], outcome = KEYS[5], attempts = KEYS[6] }, -1)
return { found, ARGV[4] == "1" and redis.call("GET", KEYS[4]) or "" }
