---The view of a role's source file: its buffers, its table of what differs between ranks, its steps
---as loops over operations. All layout is decided here so that the template only places text.
local statements = require "emit.statements"
local text = require "emit.text"

local M = {}

---Lines of the map of buffers: only those that the steps name.
local function buffer_lines(role)
  local names, values, notes = {}, {}, {}
  for _, buffer in ipairs(role.buffers) do
    if buffer.used then
      local name, value = text.macro(buffer.name), string.format("INT64_C(%d)", buffer.offset)
      local note = string.format("%s, %s", buffer.shape, buffer.class)
      if buffer.per_layer then
        name = name .. "(layer)"
        local layer = buffer.first_layer == 0 and "(layer)"
          or string.format("((layer) - %d)", buffer.first_layer)
        value = string.format("(%s + %s * INT64_C(%d))", value, layer, buffer.layer_stride)
        note = note .. ", by layer"
      end
      names[#names + 1], values[#values + 1], notes[#notes + 1] = name, value, note
    end
  end
  local lines, name_width, value_width = {}, text.widest(names), text.widest(values)
  for i, name in ipairs(names) do
    lines[i] = string.format("#define %s%s %s%s /* %s */", name, text.pad(name, name_width),
      values[i], text.pad(values[i], value_width), notes[i])
  end
  return lines
end

---The table of what differs: a line a rank, columns aligned.
local function row_lines(role)
  local widths, lines = {}, {}
  for c, column in ipairs(role.columns) do
    widths[c] = #column.name
    for _, value in ipairs(column.values) do
      widths[c] = math.max(widths[c], #tostring(value))
    end
  end
  for r, rank in ipairs(role.ranks) do
    local cells = {}
    for c, column in ipairs(role.columns) do
      local value = tostring(column.values[r])
      cells[c] = text.pad(value, widths[c]) .. value
    end
    lines[r] = string.format("{%s}, /* rank %d */", table.concat(cells, ", "), rank)
  end
  local heads = {}
  for c, column in ipairs(role.columns) do
    heads[c] = text.pad(column.name, widths[c]) .. column.name
  end
  return "/* " .. table.concat(heads, "  ") .. " */", lines
end

---@param schedule table what program_view.c pushes
---@param role table one of schedule.roles
---@return table view of templates/program/role.tmpl.c
function M.view(schedule, role)
  local steps = {}
  for i, step in ipairs(schedule.steps) do
    local segments = {}
    for j, segment in ipairs(role.steps[i]) do
      segments[j] = statements.segment(schedule, role, segment)
    end
    steps[i] = {
      name = step.name,
      call = M.step_function(role, step),
      differs = statements.differs(role, segments),
      segments = segments,
    }
  end
  local head, rows = row_lines(role)
  local ranks = text.ranges(role.ranks)
  return {
    name = text.ident(role.name),
    first_rank = role.ranks[1],
    title = text.comment(
      string.format("Role %s of program %s, rank%s %s. Made by gen from plan.json: do not edit. "
        .. "Each statement is an operation of the schedule, in program order; its number is the "
        .. "operation's id in failures, traces and schedule.json.",
        role.name, schedule.name, #role.ranks == 1 and "" or "s", ranks), ""),
    columns = role.columns,
    row_head = head,
    rows = rows,
    buffers = buffer_lines(role),
    steps = steps,
  }
end

---Name of the C function that runs a step in a role.
function M.step_function(role, step)
  return text.ident(role.name) .. "_" .. text.ident(step.name)
end

return M
