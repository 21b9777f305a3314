--- mlp: kernels by a network of three layers over their work and the machine's peaks; moves are those of roofline.
--- It has no weights of its own: they are fitted to one machine (docs/cost-models.md), and given as --cost FILE.json.
local roofline = require("cost.roofline")
local M = {}

M.form = "mlp"
M.doc = "kernels by a network of three layers, fitted to measurements of one machine"
M.constants = roofline.constants
M.efficiency = roofline.efficiency
M.moves = roofline.moves

return M
