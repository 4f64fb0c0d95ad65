-- Pauses a provider or the whole queue, or resumes it. Who resumes a provider has seen to its trouble: its block ends and
-- its breaker closes, and calls from before tell nothing any more.
-- KEYS  meta
-- ARGV  now, provider ("*": the queue), 1 to pause (0: to resume)
-- Costs 2 commands, 3 to resume a provider.
-- @include breaker
local name, paused = ARGV[2], ARGV[3]
meta_set("paused:" .. name, paused)
if paused == "0" and name ~= "*" then
  local breaker = parse_breaker(redis.call("HGET", KEYS[1], "breaker:" .. name) or "")
  close_breaker(breaker)
  meta_set("breaker:" .. name, format_breaker(breaker))
  meta_set("blocked:" .. name, "")
end
meta_write()
return 1
