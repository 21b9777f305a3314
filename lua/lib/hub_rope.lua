-- hub_rope: rotary positions of hub configs in our words: how angles are scaled, and how much of a head rotates.

local M = {}

local KNOWN <const> = {
  attention_factor = "number",
  beta_fast = "number",
  beta_slow = "number",
  factor = "number",
  mscale = "number",
  mscale_all_dim = "number",
  original_max_position_embeddings = "number",
  partial_rotary_factor = "number",
  rope_theta = "number",
  rope_type = "string",
  type = "string",
}

---What of the mapping is not supported, or nil. Of several keys the first in the alphabet is told.
local function fault(scaling)
  local wrong
  for key, value in pairs(scaling) do
    if KNOWN[key] ~= type(value) and (not wrong or tostring(key) < wrong) then
      wrong = tostring(key)
    end
  end
  return wrong and wrong .. " is not known there, or has a value of another type"
end

---How much larger rotated elements become where positions are `factor` times denser.
local function amplitude(factor, scale)
  return factor <= 1 and 1.0 or 0.1 * scale * math.log(factor) + 1.0
end

local function yarn(scaling, positions)
  local factor = scaling.factor
  if not factor then
    return nil, "yarn needs a factor"
  end
  local size = scaling.attention_factor
  if not size and scaling.mscale and scaling.mscale_all_dim then
    size = amplitude(factor, scaling.mscale) / amplitude(factor, scaling.mscale_all_dim)
  end
  return {
    kind = "yarn",
    factor = factor,
    original_positions = math.tointeger(scaling.original_max_position_embeddings) or positions,
    beta_fast = scaling.beta_fast,
    beta_slow = scaling.beta_slow,
    amplitude = size or amplitude(factor, 1.0),
  }
end

---The rule for rope_scaling. Older configs write rope_scaling, newer ones rope_parameters.
---@param scores boolean mscale_all_dim scales attention scores too
---@return table
function M.scaling(scores)
  return {
    field = "rope_scaling",
    from = {
      { "rope_scaling", "table" },
      { "rope_parameters", "table" },
      { "max_position_embeddings", "integer" },
    },
    make = function(old, new, positions)
      local scaling = old or new or {}
      local kind = scaling.rope_type or scaling.type or "default"
      local wrong = fault(scaling)
      if wrong then
        return nil, wrong
      elseif kind == "default" then
        return nil
      elseif kind == "linear" and scaling.factor then
        return { kind = "linear", factor = scaling.factor }
      elseif kind ~= "yarn" then
        return nil, "supported are default, linear with a factor, and yarn"
      end
      local made, reason = yarn(scaling, positions)
      if made and scores and scaling.mscale_all_dim then
        made.score_scale = amplitude(scaling.factor, scaling.mscale_all_dim) ^ 2
      end
      return made, reason
    end,
  }
end

---The rule for rope_dim where a part of each head rotates.
---@param default number the part, where the config is silent
---@return table
function M.partial(default)
  return {
    field = "rope_dim",
    from = {
      { "head_dim", "integer" },
      { "hidden_size", "integer" },
      { "num_attention_heads", "integer" },
      { "partial_rotary_factor", "number" },
      { "rope_parameters.partial_rotary_factor", "number" },
    },
    make = function(size, hidden, heads, old, new)
      size = size or (hidden and (heads or 0) > 0 and hidden // heads)
      local part = old or new or default
      return size and part < 1 and math.tointeger(size * part // 1) or nil
    end,
  }
end

return M
