-- Later than any instant, and exact in Lua's number format of 14 digits.
local NEVER = 99999999999999

local function numbers(text)
  local values = {}
  for value in string.gmatch(text, "%S+") do
    values[#values + 1] = tonumber(value)
  end
  return values
end

local function words(text)
  local values = {}
  for value in string.gmatch(text, "%S+") do
    values[#values + 1] = value
  end
  return values
end

local function join(...)
  return table.concat({ ... }, " ")
end

local function flatten(lists)
  local all = {}
  for _, list in ipairs(lists) do
    for _, value in ipairs(list) do
      all[#all + 1] = value
    end
  end
  return all
end
