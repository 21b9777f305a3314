-- hub_rope: rotary positions of hub configs in our words: how angles are scaled, and how much of a head rotates.

local M = {}

-- What the mapping has, the kind first: messages point at the first key that is given.
local KEYS <const> = {
  { "rope_type", "string" },
  { "type", "string" },
  { "factor", "number" },
  { "attention_factor", "number" },
  { "beta_fast", "number" },
  { "beta_slow", "number" },
  { "mscale", "number" },
  { "mscale_all_dim", "number" },
  { "original_max_position_embeddings", "integer" },
}

---Keys of the older mapping, of the newer one, and the positions of the model, as a rule reads them.
local function keys()
  local from = {}
  for _, mapping in ipairs({ "rope_scaling", "rope_parameters" }) do
    for _, key in ipairs(KEYS) do
      from[#from + 1] = { mapping .. "." .. key[1], key[2] }
    end
  end
  from[#from + 1] = { "max_position_embeddings", "integer" }
  return from
end

---The values of a mapping by their keys; the older one counts where it names a kind or a factor.
local function scaling_of(...)
  local old, new = {}, {}
  for i, key in ipairs(KEYS) do
    old[key[1]] = (select(i, ...))
    new[key[1]] = (select(#KEYS + i, ...))
  end
  local used = (old.rope_type or old.type or old.factor) and old or new
  return used, (select(2 * #KEYS + 1, ...))
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
    original_positions = scaling.original_max_position_embeddings or positions,
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
    from = keys(),
    make = function(...)
      local scaling, positions = scaling_of(...)
      local kind = scaling.rope_type or scaling.type or "default"
      if kind == "default" then
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
