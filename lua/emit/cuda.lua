---Programs for GPUs: the files under kernels/, in order, and the module that their device code makes: one translation
---unit, module.cu, of the runtime's own functions and of those of each kernel.
local M = {}

M.folder = "templates/cuda/"

---What all kernels share: the host's side, then the device's.
M.SHARED = { "launch.c", "module.c", "kernel.h", "module.cu", "kernel.cuh" }

---Functions of the module that a kernel launches, defined in its KIND.cu or in a header. With none it is made of products
---alone and has no KIND.cu; a kernel that is not here cannot be had.
local FUNCTIONS <const> = {
  add = { "add" },
  append = { "append" },
  attention = { "attention_prefill", "attention_decode", "attention_combine" },
  capacity = { "capacity" },
  choose = { "choose_best", "choose_likely" },
  clip = { "clip" },
  dense_ffn = { "dense_activate", "dense_finish" },
  embed = { "embed" },
  expert_ffn = { "expert_returns", "expert_count", "expert_list", "expert_up", "expert_down" },
  head = { "head_last", "head_parts", "head_best", "head_likeliest" },
  head_norm = { "head_norm" },
  latent_append = { "latent_append" },
  latent_norm = { "latent_norm" },
  layer_norm = { "layer_norm" },
  linear = { "linear_bias" },
  norm_scale = { "norm_scale" },
  norm_squares = { "norm_squares" },
  pack = { "pack_count", "pack_place", "pack_rows" },
  latent_attention = { "latent_carry", "latent_absorbed", "latent_value", "latent_expand", "latent_expanded" },
  rms_norm = { "rms_norm" },
  rope_append = { "rope_append" },
  route = { "route_scores", "route_choose" },
  weighted_sum = { "weighted_sum" },
}

---Headers that kernels share, beside those that all have: .h of the host's side, .cuh of the device's.
M.HEADERS = {
  add = { "piece.cuh" },
  attention = { "attend.h", "tiles.cuh", "mma.cuh", "attend.cuh", "attend_plain.cuh", "tensor.cuh",
    "attend_tensor.cuh" },
  latent_attention = { "attend.h", "tiles.cuh", "mma.cuh", "attend.cuh", "attend_plain.cuh", "tensor.cuh",
    "attend_tensor.cuh", "attend_wide.cuh", "latent.cuh" },
  capacity = { "scan.cuh" },
  choose = { "choice.h", "choice.cuh" },
  dense_ffn = { "activation.cuh" },
  embed = { "piece.cuh" },
  expert_ffn = {
    "activation.cuh",
    "expert_lists.cuh",
    "mma.cuh",
    "product.cuh",
    "product_plain.cuh",
    "product_tensor.cuh",
    "scan.cuh",
    "windows.cuh",
  },
  head = { "choice.h", "choice.cuh", "piece.cuh", "scan.cuh" },
  latent_append = { "latent.cuh", "rotate.cuh" },
  latent_norm = { "latent.cuh" },
  layer_norm = { "piece.cuh" },
  pack = { "piece.cuh", "scan.cuh", "windows.cuh" },
  rms_norm = { "piece.cuh" },
  rope_append = { "rotate.cuh" },
  route = { "best_experts.cuh" },
  weighted_sum = { "piece.cuh" },
}

---Device code of the runtime, as #include names it.
local RUNTIME <const> = { "cuda/moves.cu", "cuda/moves.h", "rt_fault.h" }

local function is_device_code(name)
  return name:match("%.cuh?$") ~= nil
end

---The kernel's own files.
---@param name string of the kernel
---@return string[]|nil names
---@return string? reason
function M.own(name)
  local functions = FUNCTIONS[name]
  if not functions then
    return nil, "there is no kernel for " .. name
  end
  return #functions > 0 and { name .. ".c", name .. ".cu" } or { name .. ".c" }
end

---Functions of the module in the order of the kernels; one that several launch is there once.
local function module_functions(kernels)
  local functions, added = {}, {}
  for _, kernel in ipairs(kernels) do
    for _, name in ipairs(FUNCTIONS[kernel.name]) do
      if not added[name] then
        functions[#functions + 1] = { name = name, macro = name:upper() }
        added[name] = true
      end
    end
  end
  return functions
end

---Everything that module.cu is made of: `name` as #include says it, `path` behind the folder of `root`. What includes
---comes first.
local function module_sources(names)
  local sources = { { name = "module.cu", root = "PROGRAM_DIR", path = "kernels/module.cu" } }
  local function add(name, root, path)
    sources[#sources + 1] = { name = name, root = root, path = path }
  end
  for _, name in ipairs(names) do
    if is_device_code(name) and name ~= "module.cu" then
      add(name, "PROGRAM_DIR", "kernels/" .. name)
    end
  end
  add("../constants.h", "PROGRAM_DIR", "constants.h")
  for _, name in ipairs(RUNTIME) do
    add(name, "RUNTIME_DIR", name)
  end
  for i, source in ipairs(sources) do
    source.symbol = "source_" .. (i - 1)
  end
  return sources
end

---What its templates see beside what those of all targets see.
---@param kernels {name: string}[]
---@param target {kernels: string, arch: {name: string, number: integer}[]}
---@param names string[] of the files
function M.view(kernels, target, names)
  local arch, shown, includes, host = {}, {}, {}, {}
  for i, item in ipairs(target.arch) do
    local compute = item.name:gsub("^sm_", "compute_")
    shown[i] = item.name
    arch[i] = { name = item.name, number = item.number, code = "arch=" .. compute .. ",code=" .. item.name }
  end
  for _, name in ipairs(names) do
    if name:match("%.cu$") and name ~= "module.cu" then
      includes[#includes + 1] = name
    elseif name:match("%.c$") then
      host[#host + 1] = name
    end
  end
  return {
    made = target.kernels,
    arch = arch,
    arch_names = table.concat(shown, ", "),
    cuda_functions = module_functions(kernels),
    includes = includes,
    kernel_files = host,
    sources = module_sources(names),
  }
end

return M
