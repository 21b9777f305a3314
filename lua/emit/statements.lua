---Operations of a role as statements: calls, arguments and the comment beside each. In the loop of a
---segment `layer` is a variable, elsewhere a number.
local text = require "emit.text"

local M = {}

---@param value integer|string a number, or the name of a column
---@return string
local function field(value)
  return type(value) == "string" and "row->" .. value or tostring(value)
end

---The layer that an operation works on, as C: in a loop an expression of `layer`, else a number.
---@return string
local function op_layer(op, segment)
  if not op.per_layer then
    return "-1"
  elseif not segment.loop then
    return tostring(segment.layer_begin - op.lag)
  elseif op.lag == 0 then
    return "layer"
  end
  return op.lag > 0 and "layer - " .. op.lag or "layer + " .. -op.lag
end

---A buffer argument as C; marks the buffer as used.
local function buffer_value(role, arg, layer)
  if type(arg.value) == "string" then
    error("a buffer differs between the ranks of role " .. role.name)
  elseif arg.value < 0 then
    return "-1"
  end
  local buffer = role.buffers[arg.value + 1]
  buffer.used = true
  local at = text.macro(buffer.name)
  if buffer.per_layer then
    at = at .. "(" .. layer .. ")"
  end
  if arg.delta ~= 0 then
    at = at .. " + " .. field(arg.delta)
  end
  return at
end

local TYPES <const> = { "RT_F32", "RT_BF16", "RT_F16" }

---A number as C. A route table has a row of `routes` for each layer.
local function int_value(name, arg, layer)
  if name == "type" then
    return TYPES[arg.value + 1]
  elseif name ~= "routes" then
    return field(arg.value)
  end
  return "route_rows[" .. field(arg.value) .. "][" .. layer .. "]"
end

local function op_args(role, op, kind, layer)
  local args = {}
  for i, info in ipairs(kind.args) do
    local arg = op.args[i]
    local value = info.type == "int" and int_value(info.name, arg, layer)
      or buffer_value(role, arg, layer)
    args[i] = { name = info.name, value = value }
  end
  return args
end

---Function, leading arguments and argument type of an operation's call.
local function op_call(op, kind, id, layer)
  local lead = string.format("rank, %d, %s", id, layer)
  if kind.class == "kernel" then
    return "rt_launch", lead .. ", K_" .. kind.name:upper(), "struct " .. kind.name .. "_args"
  elseif kind.class == "collective" then
    return "rt_" .. kind.name, lead .. ", " .. field(op.channel),
      kind.name == "transfer" and "rt_transfer_args" or "rt_collective"
  elseif kind.class == "exchange" then
    lead = lead .. ", " .. field(op.channel) .. ", " .. field(op.exchange)
  elseif kind.class == "pair" then
    return "rt_" .. kind.name, lead .. ", " .. field(op.channel), "rt_pair_args"
  end
  return "rt_" .. kind.name, lead, "rt_" .. kind.name .. "_args"
end

---What stands beside an operation: id, micro-batch, part, provenance, stream, what it waits for.
local function op_comment(schedule, op, kind, id, indent)
  local words = string.format("%d m%d %s: %s", id, op.microbatch, op.part, op.rule)
  if math.type(op.channel) == "integer" and op.channel >= 0 then
    words = words .. "; over " .. schedule.channels[op.channel + 1].name
  end
  if op.stream ~= 0 then
    words = words .. "; on stream " .. op.stream_name
  end
  if #op.waits > 0 then
    words = words .. "; waits for " .. table.concat(op.waits, " ")
  end
  return text.comment(words, indent)
end

local function op_view(schedule, role, segment, id)
  local op = role.ops[id + 1]
  local kind = schedule.kinds[op.kind]
  local indent = segment.loop and "        " or "    "
  local layer = op_layer(op, segment)
  local call, lead, type_name = op_call(op, kind, id, layer)
  return {
    comment = op_comment(schedule, op, kind, id, indent),
    indent = indent,
    hang = indent .. string.rep(" ", #"RT_TRY(" + #call + 1),
    call = call,
    lead = lead,
    type = type_name,
    args = op_args(role, op, kind, layer),
  }
end

---A segment with its operations as statements.
---@param schedule table
---@param role table
---@param segment table
---@return table
function M.segment(schedule, role, segment)
  segment.loop = segment.layer_end - segment.layer_begin > 1
  segment.indent = segment.loop and "    " or ""
  segment.ops = {}
  for id = segment.first, segment.first + segment.count - 1 do
    segment.ops[#segment.ops + 1] = op_view(schedule, role, segment, id)
  end
  return segment
end

local function op_differs(op, columns)
  if columns[op.channel] or columns[op.exchange] then
    return true
  end
  for _, arg in ipairs(op.args) do
    if columns[arg.value] or columns[arg.delta] then
      return true
    end
  end
  return false
end

---Does a step of the role read its row of the table?
---@param role table
---@param segments table[]
---@return boolean
function M.differs(role, segments)
  local columns = {}
  for _, column in ipairs(role.columns) do
    columns[column.name] = true
  end
  for _, segment in ipairs(segments) do
    for id = segment.first, segment.first + segment.count - 1 do
      if op_differs(role.ops[id + 1], columns) then
        return true
      end
    end
  end
  return false
end

return M
