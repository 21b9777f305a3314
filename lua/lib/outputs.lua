--- The collectives that sum partial outputs of a group, as strategies offer them.
local M = {}

---Those that leave all members with all sums, and those that leave each with its rows; the plainest first.
M.replicated = { "flat", "hierarchical", "ring", "recursive", "pipelined" }
M.sharded = { "sharded", "ring-sharded" }

---All of them.
---@return string[]
function M.all()
  local names = table.move(M.replicated, 1, #M.replicated, 1, {})
  return table.move(M.sharded, 1, #M.sharded, #names + 1, names)
end

---The option of a strategy. Any Lua file of lua/collectives under --share may be named too.
---@param default string?
---@return table
function M.option(default)
  local values = M.all()
  values[#values + 1] = "best"
  table.sort(values)
  return {
    name = "output",
    type = "choice",
    values = values,
    folder = "collectives",
    default = default,
    doc = "how partial outputs of a group are summed; best: by price, for each phase",
  }
end

---The collective of a phase.
---@param output string|table<string, string> a name, or one for each phase
---@param phase string
---@return string
function M.of(output, phase)
  return type(output) == "table" and output[phase] or output
end

---Whether a plan with it shards its residual stream.
---@param output string|table<string, string>
---@return boolean
function M.shards(output)
  return require("collectives." .. M.of(output, "decode")).sharded == true
end

return M
