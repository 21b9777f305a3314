--- The two steps of inference: prefill of whole prompts, decode of one token a sequence.
local M = {}

---@param workload table
---@param microbatches {prefill: integer, decode: integer}
---@param orders fun(microbatches: integer): table[]
---@param moves fun(phase: string): table[] fresh for each step
---@return table[]
function M.inference(workload, microbatches, orders, moves)
  local steps = {}
  for i, phase in ipairs({ "prefill", "decode" }) do
    steps[i] = {
      name = phase,
      phase = phase,
      tokens = phase == "prefill" and workload.prefill or 1,
      microbatches = microbatches[phase],
      orders = orders(microbatches[phase]),
      moves = moves(phase),
    }
  end
  return steps
end

---Decode steps of a wave: a prefill yields a first token, and each of these a further one.
---@param workload table
---@return integer
function M.decodes(workload)
  return math.max(0, workload.context - workload.prefill - 1)
end

return M
