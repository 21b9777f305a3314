---The files of a program, in order: path, template, and the view that the template sees.
---@class EmitFile
---@field path string relative to the program's folder
---@field template string
---@field view table
local constants = require "emit.constants"
local role_view = require "emit.role"
local tables = require "emit.tables"
local text = require "emit.text"

local PROGRAM <const> = "templates/program/"
local PROGRAM_FILES <const> = {
  "README.md",
  "constants.h",
  "ops.h",
  "program.h",
  "main.c",
  "program.c",
  "places.c",
  "moves.c",
}

---Each says what its programs have under kernels/, and what its templates see.
local TARGETS <const> = { host = require "emit.host", cuda = require "emit.cuda" }

---The kernels that some role calls, in the order of their declaration; `index` is that of the kind, from 0.
local function used_kernels(schedule)
  local used, kernels = {}, {}
  for _, role in ipairs(schedule.roles) do
    for _, op in ipairs(role.ops) do
      used[op.kind] = true
    end
  end
  for i, kind in ipairs(schedule.kinds) do
    if used[i] and kind.class == "kernel" then
      kind.index = i - 1
      kernels[#kernels + 1] = kind
    end
  end
  return kernels
end

---Argument structs with their docs, aligned as a table.
local function kernel_structs(kernels)
  local structs = {}
  for i, kernel in ipairs(kernels) do
    local declarations, lines, ints = {}, {}, 0
    for j, arg in ipairs(kernel.args) do
      ints = ints + (arg.type == "int" and 1 or 0)
      declarations[j] = (arg.type == "int" and "int32_t " or "int64_t ") .. arg.name .. ";"
    end
    local width = text.widest(declarations)
    for j, arg in ipairs(kernel.args) do
      local declaration = declarations[j]
      lines[j] = declaration .. text.pad(declaration, width) .. " /* " .. arg.doc .. " */"
    end
    structs[i] = {
      name = kernel.name,
      macro = "K_" .. kernel.name:upper(),
      doc = text.comment(kernel.name .. ": " .. kernel.doc, ""),
      lines = lines,
      args = string.format("{%d, %d, %d}", kernel.index, #kernel.args - ints, ints),
    }
  end
  return structs
end

local function stream_views(schedule)
  local streams = {}
  for i, stream in ipairs(schedule.streams) do
    streams[i] = {
      name = text.string(stream.name),
      plain = stream.name,
      urgent = tostring(stream.urgent),
    }
  end
  return streams
end

local function step_views(schedule)
  local steps = {}
  for i, step in ipairs(schedule.steps) do
    local runs = {}
    for r, role in ipairs(schedule.roles) do
      runs[r] = role_view.step_function(role, step)
    end
    steps[i] = {
      name = text.string(step.name),
      decode = tostring(step.decode),
      captured = tostring(step.captured),
      tokens = step.tokens,
      run = table.concat(runs, ", "),
    }
  end
  return steps
end

local function role_tables(schedule)
  local roles = {}
  for i, role in ipairs(schedule.roles) do
    roles[i] = {
      name = text.ident(role.name),
      ops = tables.ops(schedule, role),
      op_count = #role.ops,
      slab_bytes = role.slab_bytes,
      state_offset = role.state_offset,
      state_bytes = role.state_bytes,
    }
  end
  return roles
end

local function rank_rows(schedule)
  local rows = {}
  for i, rank in ipairs(schedule.ranks) do
    rows[i] = string.format("| %d | %s | %d | %d |", i - 1, schedule.roles[rank.role + 1].name,
      rank.node, rank.gpu)
  end
  return rows
end

---How many nodes have ranks, and the most that one has.
local function node_counts(schedule)
  local counts, nodes, most = {}, 0, 0
  for _, rank in ipairs(schedule.ranks) do
    nodes = nodes + (counts[rank.node] and 0 or 1)
    counts[rank.node] = (counts[rank.node] or 0) + 1
    most = math.max(most, counts[rank.node])
  end
  return nodes, most
end

---What all templates but those of roles see.
local function program_view(schedule, kernels)
  local places, moves = tables.places(schedule), tables.moves(schedule)
  local functions, nodes, local_ranks = {}, node_counts(schedule)
  for _, role in ipairs(schedule.roles) do
    for _, step in ipairs(schedule.steps) do
      functions[#functions + 1] = role_view.step_function(role, step)
    end
  end
  local kinds = {}
  for i, kind in ipairs(schedule.kinds) do
    kinds[i] = text.string(kind.name)
  end
  return {
    target = schedule.target.name,
    name = schedule.name,
    name_string = text.string(schedule.name),
    strategy = text.cell(schedule.strategy:match("[^/]*$")),
    topology = text.cell(schedule.topology),
    model_name = text.cell(schedule.model.name),
    dtype = schedule.dtype,
    type = "RT_" .. schedule.dtype:upper(),
    element_bytes = schedule.element_bytes,
    model = schedule.model,
    choices = schedule.choices,
    initializer_range = text.real(schedule.model.initializer_range),
    world = schedule.world,
    nodes = nodes,
    local_ranks = local_ranks,
    copies = schedule.copies,
    batch = schedule.batch,
    prompt = schedule.prompt,
    context = schedule.context,
    constants = constants.sections(schedule),
    kernels = kernel_structs(kernels),
    functions = functions,
    kinds = kinds,
    steps = step_views(schedule),
    streams = stream_views(schedule),
    roles = role_tables(schedule),
    rank_rows = rank_rows(schedule),
    tensors = places.tensors,
    ranks = places.ranks,
    node_lines = places.nodes,
    network_seconds = text.real(schedule.network_seconds),
    channels = moves.channels,
    exchanges = moves.exchanges,
    routes = moves.routes,
    route_rows = moves.route_rows,
    tables = moves.tables,
  }
end

---The names under kernels/, or nil and a reason: what all kernels share, then each with its headers before it.
local function kernel_files(target, kernels)
  local names, added = { table.unpack(target.SHARED) }, {}
  local function add(list)
    for _, name in ipairs(list) do
      if not added[name] then
        names[#names + 1] = name
        added[name] = true
      end
    end
  end
  for _, kernel in ipairs(kernels) do
    local own, reason = target.own(kernel.name)
    if not own then
      return nil, reason
    end
    add(target.HEADERS[kernel.name] or {})
    add(own)
  end
  return names
end

---@param schedule table what gen/emit/program_view.c pushes
---@return EmitFile[]|nil
---@return string? reason
return function(schedule)
  local kernels, target = used_kernels(schedule), TARGETS[schedule.target.name]
  local names, reason = kernel_files(target, kernels)
  if not names then
    return nil, reason
  end
  local view = program_view(schedule, kernels)
  for key, value in pairs(target.view(kernels, schedule.target, names)) do
    view[key] = value
  end
  local files = {}
  local function add(path, folder, name, own)
    files[#files + 1] = { path = path, template = folder .. name:gsub("%.", ".tmpl.", 1), view = own or view }
  end
  for _, name in ipairs(PROGRAM_FILES) do
    add(name, PROGRAM, name)
  end
  add("CMakeLists.txt", target.folder, "CMakeLists.txt")
  for _, role in ipairs(schedule.roles) do
    add("role_" .. text.ident(role.name) .. ".c", PROGRAM, "role.c", role_view.view(schedule, role))
  end
  for _, name in ipairs(names) do
    add("kernels/" .. name, target.folder, name)
  end
  return files
end
