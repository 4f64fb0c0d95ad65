-- Which target a request goes to.
-- @include providers

-- Targets of routes take turns by weight (smooth weighted round robin, its counters by target in `meta`), and the
-- less room a target has left in its limits, the less its weight counts.
local function room_of(provider, target)
  local room = 1
  local concurrency = (provider.limits[provider.name] or {}).concurrency
  if concurrency then room = 1 - in_flight(provider, provider.name) / concurrency end
  for _, taking in ipairs(takings(provider, target, 0)) do
    room = math.min(room, taking.bucket.level / taking.bucket.capacity)
  end
  return math.max(room, 0.01)
end

local function turns_field(line)
  return "turns:" .. line
end

local function take_turns(line, open)
  local total, chosen, turns = 0, nil, {}
  for name, turn in string.gmatch(meta[turns_field(line)], "(%S+) (%S+)") do
    turns[name] = tonumber(turn)
  end
  for _, target in ipairs(open) do
    local weight = target.weight * room_of(provider_of(target.provider), target)
    total = total + weight
    target.turn = (turns[target.name] or 0) + weight
    if not chosen or target.turn > chosen.turn then chosen = target end
  end
  chosen.turn = chosen.turn - total
  local parts = {}
  for _, target in ipairs(open) do
    parts[#parts + 1] = join(target.name, string.format("%.3f", target.turn))
  end
  -- For the claim to keep, if the request does start.
  chosen.turns = table.concat(parts, " ")
  return chosen
end

-- One pass over the targets of a kind. Returns the one to call; else when one may be free, and what a wait is for.
local function pick(record, targets, kind, tokens)
  local is_route = string.sub(record.targets, 1, 1) == "w"
  local open, waits, until_at = {}, {}, NEVER
  for _, target in ipairs(targets) do
    if target.kind == kind then
      local provider = provider_of(target.provider)
      local state, at, name = availability(provider, target, tokens)
      if at then until_at = math.min(until_at, at) end
      if state == "open" then
        if not is_route then return target end
        open[#open + 1] = target
      elseif state == "full" then
        waits[#waits + 1] = { provider = provider, name = name, at = at }
        -- Fallbacks are for trouble; a full target is worth its wait, unless that ends too late.
        local is_too_late = record.deadlineAt ~= "0" and at ~= NEVER and at >= tonumber(record.deadlineAt)
        if not is_route and not is_too_late then break end
      end
    end
  end
  if #open > 0 then return take_turns(record.line, open) end
  return nil, until_at, waits
end

-- The target that may be called now, or nil and when there can be one: rather one that had no trouble with this request,
-- and one that is used up only when the others are configured nowhere. What its limits refuse closes these for what comes
-- behind it in this claim: nobody of the same target may overtake, or a large request would wait for ever.
local function choose_target(record)
  local targets, tokens, until_at = targets_of(record), tonumber(record.tokens), NEVER
  local only = not targets[2] and targets[1]
  if only and availability(provider_of(only.provider), only, tokens) == "open" then return only end
  local kinds = { "used_up" }
  for number, target in ipairs(targets) do
    local is_avoided = occurrences(record.avoid, number) > 0
    target.kind = is_used_up(record, number) and "used_up" or is_avoided and "avoided" or "fresh"
    if target.kind ~= "used_up" and provider_of(target.provider) then kinds = { "fresh", "avoided" } end
  end
  for _, kind in ipairs(kinds) do
    local target, at, waits = pick(record, targets, kind, tokens)
    if target then return target end
    until_at = math.min(until_at, at)
    for _, wait in ipairs(waits) do
      wait.provider.refused[wait.name] = math.max(wait.at, now + 1)
    end
    if #waits > 0 then break end
  end
  return nil, until_at
end
