-- What is known of several requests, without their responses.
-- KEYS  meta, live, scheduled, (line, leases) per line, then per request: metadata, outcome, attempts
-- ARGV  now, lines, longest part of an outcome in bytes, then the ids
-- Returns a view per id: see include/view.lua
-- Costs 2 to 4 commands a request.
-- @include view
local first = read_lines(4, ARGV[2])
local views = {}
for i = 0, #ARGV - 4 do
  local key = first + 3 * i
  local keys = { metadata = KEYS[key], outcome = KEYS[key + 1], attempts = KEYS[key + 2] }
  views[i + 1] = view(ARGV[4 + i], keys, tonumber(ARGV[3]))
end
return views
