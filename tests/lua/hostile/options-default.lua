-- E0460 table
return {
  name = "hostile",
  options = { { name = "x", type = "text", default = {} } },
  plan = function(_, options) return nil, type(options.x) end,
}
