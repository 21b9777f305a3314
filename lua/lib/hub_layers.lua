-- hub_layers: fields that a family derives of several hub keys and that list layers: dense ones, those with a window.

local M = {}

local LAYERS_MAX <const> = 65536

---Layers, from 0, for which `is` holds.
---@param layers integer?
---@param is fun(layer: integer): boolean
---@return integer[]?
---@return string?
local function list(layers, is)
  if not layers then
    return nil
  elseif layers > LAYERS_MAX then
    return nil, "at most " .. LAYERS_MAX .. " layers"
  end
  local found = {}
  for layer = 0, layers - 1 do
    if is(layer) then
      found[#found + 1] = layer
    end
  end
  return found
end

---Rules for dense_layers and dense_hidden. A model without dense layers has no such width, whatever its config says.
---@param from string[][] keys and types that `is_dense` takes after the layer; messages point at the first that is given
---@param is_dense fun(layer: integer, ...): boolean
---@return table[]
function M.dense(from, is_dense)
  local keys = { table.unpack(from) }
  keys[#keys + 1] = { "num_hidden_layers", "integer" }
  keys[#keys + 1] = { "intermediate_size", "integer" }
  local function make(...)
    local given = table.pack(...)
    return list(given[#from + 1], function(layer)
      return is_dense(layer, table.unpack(given, 1, #from))
    end)
  end
  return {
    { field = "dense_layers", from = keys, make = make },
    {
      field = "dense_hidden",
      from = keys,
      make = function(...)
        local dense = make(...)
        return dense and #dense > 0 and (select(#from + 2, ...)) or nil
      end,
    },
  }
end

---Dense where a list says so, and where a step of layers leaves them so: layers step - 1, 2 step - 1, ... have experts.
---@type table[]
M.dense_by_step = M.dense({ { "mlp_only_layers", "table" }, { "decoder_sparse_step", "integer" } },
  function(layer, only, step)
    for _, dense in ipairs(only or {}) do
      if dense == layer then
        return true
      end
    end
    return step ~= nil and (step == 0 or (layer + 1) % step ~= 0)
  end)

---The first so many layers, where the config is silent `default`.
---@param default integer
---@return table[]
function M.dense_first(default)
  return M.dense({ { "first_k_dense_replace", "integer" } }, function(layer, first)
    return layer < (first or default)
  end)
end

---Rules for sliding_window and window_layers: where the config turns the window on, in the layers that it lists, from
---max_window_layers on, or in all.
---@param always boolean a size alone turns it on
---@return table[]
function M.window(always)
  local keys = {
    { "layer_types", "table" },
    { "sliding_window", "integer" },
    { "use_sliding_window", "boolean" },
    { "max_window_layers", "integer" },
    { "num_hidden_layers", "integer" },
  }
  local function layers_of(types, size, use, first, layers)
    if (size or 0) == 0 or use == false or (use == nil and not always) then
      return nil
    end
    return list(layers, function(layer)
      if types then
        return types[layer + 1] == "sliding_attention"
      end
      return layer >= (first or 0)
    end)
  end
  local function supported(types)
    for _, type in ipairs(types or {}) do
      if type ~= "full_attention" and type ~= "sliding_attention" then
        return false
      end
    end
    return true
  end
  return {
    {
      field = "window_layers",
      from = keys,
      make = function(types, ...)
        if not supported(types) then
          return nil, "supported are full_attention and sliding_attention"
        end
        return layers_of(types, ...)
      end,
    },
    {
      field = "sliding_window",
      from = keys,
      make = function(types, size, ...)
        local windowed = layers_of(types, size, ...)
        return windowed and #windowed > 0 and size or nil
      end,
    },
  }
end

return M
