---Views of the tables of a program: places and weights, channels and exchanges, operations. Lines
---are whole entries: the templates hold them in regions that clang-format leaves alone.
local text = require "emit.text"

local M = {}

---How a tensor is drawn when there is no checkpoint, by its kind's name.
local function fill(kind)
  if kind:find("bias", 1, true) then
    return "RT_FILL_ZERO"
  end
  return kind:find("norm$") and "RT_FILL_ONE" or "RT_FILL_UNIFORM"
end

local function weight_line(w)
  local slice = string.format("%d, %d, %d, %d, %d, %d, %d, %d, %d", w.layer_begin, w.layer_end,
    w.expert, w.rows, w.columns, w.row_begin, w.row_end, w.column_begin, w.column_end)
  return string.format("{TENSOR_%s, %s, INT64_C(%d), INT64_C(%d), %d, RT_%s, %s},", w.kind:upper(),
    slice, w.offset, w.layer_stride, w.pitch, w.type:upper(), fill(w.kind))
end

---What the topology says of each node.
local function node_lines(schedule)
  local lines = {}
  for i, node in ipairs(schedule.nodes) do
    lines[i] = string.format("{%d, %d, %s, %s, %s}, /* %d */", node.gpus, node.nics,
      text.real(node.link_rate), text.real(node.link_seconds), text.real(node.nic_rate), i - 1)
  end
  return lines
end

---Places, the weights of each rank, the tensor names as macros, and the nodes.
---@param schedule table
---@return table view of templates/program/places.tmpl.c
function M.places(schedule)
  local names, tensors, ranks = {}, {}, {}
  for r, rank in ipairs(schedule.ranks) do
    local lines = {}
    for i, weight in ipairs(rank.weights) do
      lines[i] = weight_line(weight)
      names[weight.kind] = weight.name
    end
    local number = r - 1
    ranks[r] = {
      number = number,
      lines = lines,
      place = string.format("{.role = %d, .index = %d, .node = %d, .gpu = %d, .weights = %s, "
        .. ".weight_count = %d}, /* %d */", rank.role, rank.index, rank.node, rank.gpu,
        #lines > 0 and "weights_" .. number or "NULL", #lines, number),
    }
  end
  for kind, name in pairs(names) do
    tensors[#tensors + 1] = string.format("#define TENSOR_%s %s", kind:upper(), text.string(name))
  end
  return { tensors = tensors, ranks = ranks, nodes = node_lines(schedule) }
end

local function ints(numbers)
  return "(const int32_t[]){" .. table.concat(numbers, ", ") .. "}"
end

local function ends(items)
  local cells = {}
  for i, item in ipairs(items) do
    cells[i] = string.format("{%d, %d}", item.rank, item.count)
  end
  return "(const rt_end[]){" .. table.concat(cells, ", ") .. "}"
end

---The transfers of a stage: {from, to, pieces [begin, end), sum}, members by index.
local function transfers(list)
  local cells = {}
  for i, t in ipairs(list) do
    cells[i] = string.format("{%d, %d, %d, %d, %s}", t.from, t.to, t.begin, t.end_, tostring(t.sum))
  end
  return "(const rt_transfer_item[]){" .. table.concat(cells, ", ") .. "}"
end

local function channel_line(channel, index)
  return string.format("{%s, %d, %s, %d, %s, %d, %s}, /* %d */", text.string(channel.name),
    #channel.ranks, ints(channel.ranks), channel.pieces,
    #channel.own > 0 and ints(channel.own) or "NULL", #channel.transfers,
    #channel.transfers > 0 and transfers(channel.transfers) or "NULL", index)
end

---Ways in stages: {stage, from, to, source, target}.
local function hops(list)
  local cells = {}
  for i, hop in ipairs(list) do
    cells[i] = "{" .. table.concat(hop, ", ") .. "}"
  end
  return #list > 0 and "(const rt_hop[]){" .. table.concat(cells, ", ") .. "}"
end

local function exchange_view(schedule, exchange, index)
  return {
    index = index,
    name = text.string(exchange.name),
    sources = #exchange.sources,
    targets = #exchange.targets,
    source = ends(exchange.sources),
    target = ends(exchange.targets),
    exact = tostring(exchange.exact),
    chunk = exchange.chunk,
    in_flight = exchange.in_flight,
    there = #exchange.there,
    back = #exchange.back,
    there_hops = hops(exchange.there),
    back_hops = hops(exchange.back),
  }
end

---One line a row, which layers share: pairs {target, slot} of the parts of each expert.
local function route_lines(schedule, route, first)
  local lines, at = {}, 1
  for row = 1, route.rows do
    local experts = {}
    for expert = 1, schedule.routed do
      local parts = {}
      for part = 1, schedule.parts do
        parts[part] = string.format("{%d, %d}", route.target[at], route.slot[at])
        at = at + 1
      end
      experts[expert] = "{" .. table.concat(parts, ", ") .. "}"
    end
    lines[row] = string.format("{%s}, /* %d */", table.concat(experts, ", "), first + row - 1)
  end
  return lines
end

---Rows of `routes` by table, for each table the row of each layer, and how many rows there are.
local function route_views(schedule)
  local views, rows, first = {}, {}, 0
  for i, route in ipairs(schedule.routes) do
    local of = {}
    for layer, row in ipairs(route.row_of) do
      of[layer] = row < 0 and -1 or first + row
    end
    views[i] = { index = i - 1, lines = route_lines(schedule, route, first) }
    rows[i] = string.format("{%s}, /* table %d */", table.concat(of, ", "), i - 1)
    first = first + route.rows
  end
  return views, rows, first
end

---Tables of numbers that only kernels read, for records of calls.
local function number_tables(schedule, rows)
  if #schedule.routes == 0 then
    return {}
  end
  local numbers = rows * schedule.routed * schedule.parts * 2
  return {
    string.format('{"route_rows", route_rows, %d, 4},', #schedule.routes * schedule.model.layers),
    string.format('{"routes", routes, %d, 2},', numbers),
  }
end

---@param schedule table
---@return table view of templates/program/moves.tmpl.c
function M.moves(schedule)
  local channels, exchanges = {}, {}
  for i, channel in ipairs(schedule.channels) do
    channels[i] = channel_line(channel, i - 1)
  end
  for i, exchange in ipairs(schedule.exchanges) do
    exchanges[i] = exchange_view(schedule, exchange, i - 1)
  end
  local routes, rows, count = route_views(schedule)
  return {
    channels = channels,
    exchanges = exchanges,
    routes = routes,
    route_rows = rows,
    tables = number_tables(schedule, count),
  }
end

local function op_line(schedule, op, id)
  local kind = schedule.kinds[op.kind]
  local waits = { table.unpack(op.waits) }
  if #waits < 6 then
    waits[#waits + 1] = -1
  end
  return string.format("{%s, %s, %d, %d, %d, %s, {%s}, %s}, /* %d */", text.string(kind.name),
    text.string(op.part), op.kind - 1, op.microbatch, op.stream, tostring(op.records),
    table.concat(waits, ", "), text.string(op.rule), id)
end

---The operations of a role as data.
---@param schedule table
---@param role table
---@return string[]
function M.ops(schedule, role)
  local lines = {}
  for i, op in ipairs(role.ops) do
    lines[i] = op_line(schedule, op, i - 1)
  end
  return lines
end

return M
