--- Arithmetic over what documents claim: what follows from their own figures, beside what they state.
local M = {}

---@class Check
---@field title string what is computed
---@field how string the computation in words and figures
---@field unit string
---@field relation "equal"|"at most"|"at least"|"implied"
---@field stated number 0 where nothing is stated (relation "implied")
---@field follows number
---@field holds boolean
---@field uses string[] ids of the claims that it judges

local holds = {
  equal = function(stated, follows, within) return math.abs(stated - follows) <= within * math.abs(follows) end,
  ["at most"] = function(stated, follows, within) return stated <= follows * (1 + within) end,
  ["at least"] = function(stated, follows, within) return stated >= follows * (1 - within) end,
  implied = function() return true end,
}

---A list of checks that grows by calls. `within` is the part of the result that rounding may take: 1 % unless told.
---@return fun(check: table), Check[]
function M.list()
  local checks = {}
  return function(check)
    local relation = check.relation or (check.stated and "equal" or "implied")
    checks[#checks + 1] = {
      title = check.title,
      how = check.how,
      unit = check.unit or "-",
      relation = relation,
      stated = (check.stated or 0) + 0.0,
      follows = check.follows + 0.0,
      holds = holds[relation](check.stated or 0, check.follows, check.within or 0.01),
      uses = check.uses or {},
    }
  end, checks
end

---Claims by id as numbers; an id that there is not is an error.
---@param claims table<string, number>
function M.reader(claims)
  return function(id)
    return claims[id] or error("there is no claim " .. id, 2)
  end
end

return M
