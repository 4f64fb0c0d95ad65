-- Every script is wrapped in this: it counts its own commands as Upstash bills them, its own run first. Its last argument
-- is what the process has sent and not told, which counts as its own until `meta_write` has written it.
local billed = 1 + table.remove(ARGV)
-- The field of `meta` as last seen, which the process learns along with the reply.
local spent = ""
local call = redis.call
local redis = {
  call = function(...)
    billed = billed + 1
    return call(...)
  end,
}
