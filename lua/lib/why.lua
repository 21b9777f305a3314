--- The reasons that a plan carries: what was chosen, why, and what came second.
local M = {}

---@param list table[] why[] of the plan
---@param choice string
---@param reason string
---@param runner_up string?
---@param level integer? whose line is named: 1, the default, is who calls this, 2 its caller
function M.add(list, choice, reason, runner_up, level)
  list[#list + 1] = {
    choice = choice,
    reason = reason,
    runner_up = runner_up or "",
    where = where((level or 1) + 1),
  }
end

---A time for people.
---@param seconds number
---@return string
function M.time(seconds)
  if seconds >= 1 then
    return string.format("%.2f s", seconds)
  end
  return string.format("%.3g ms", seconds * 1e3)
end

return M
