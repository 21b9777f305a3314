--- Builds a study: deployments to be predicted (points), and tables that put them beside claims.
local M = {}

---@class Study
---@field points table[] {id, model, topology, strategy, set}
---@field tables table[]

---@param model string file of models/
---@param topology string file of topologies/
function M.new(model, topology)
  local study = { points = {}, tables = {} }
  local known = {}

  ---The point of a strategy under settings; the same one when asked for again. `from` may name another model or
  ---topology.
  ---@return string id
  function study.point(strategy, set, from)
    local where = from or {}
    local id = table.concat({ strategy, table.concat(set, " "), where.model or "", where.topology or "" }, " ")
    id = id:gsub("%s+$", "")
    if not known[id] then
      known[id] = true
      study.points[#study.points + 1] = { id = id, model = where.model or model, topology = where.topology or topology,
        strategy = strategy, set = set }
    end
    return id
  end

  ---A table of rows {what, claims, metric, as, scale, points, versus, note}; a row holds as many points as there are columns.
  function study.table(part, id, title, about, columns, chart)
    local rows = {}
    chart = chart or {}
    study.tables[#study.tables + 1] = { part = part, id = id, title = title, about = about, columns = columns, rows = rows,
      chart = chart.kind or "none", x = chart.x or "", log = chart.log or false }
    return function(row)
      rows[#rows + 1] = { what = row.what, claims = row.claims or {}, metric = row.metric, as = row.as or "value",
        scales = row.scales or {}, points = row.points, versus = row.versus or {}, note = row.note or "" }
    end
  end

  return study
end

---The same text for each column.
function M.map(columns, make)
  local list = {}
  for i, column in ipairs(columns) do
    list[i] = make(column, i)
  end
  return list
end

return M
