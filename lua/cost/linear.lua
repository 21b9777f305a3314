--- linear: the coefficients of the MA-separation documents, as they state them: time of attention by sequence length
--- and hidden size, of experts by their hidden size and how many are active. They name no unit; as milliseconds a
--- step comes near to the documents' TPOT, as seconds a thousand times over it. They say nothing of other operations,
--- which cost nothing here, nor of batch, heads or hardware. Moves are those of roofline.
local roofline = require("cost.roofline")
local M = {}

M.form = "linear"
M.doc = "attention and experts by the linear coefficients of the MA-separation documents, other kernels free"
M.constants = roofline.constants
M.efficiency = roofline.efficiency
M.moves = roofline.moves

local MILLISECOND <const> = 1e-3
M.linear = {
  { kind = "attention", seconds = 0.0012 * MILLISECOND, per_position = 0.000034 * MILLISECOND,
    per_hidden = 0.0000087 * MILLISECOND },
  { kind = "expert_ffn", seconds = 0.0008 * MILLISECOND, per_expert_hidden = 0.000045 * MILLISECOND,
    per_expert = 0.000012 * MILLISECOND },
}

return M
