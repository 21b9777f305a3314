---Programs for the host: the files under kernels/, in order.
local M = {}

M.folder = "templates/host/"

---What all kernels share.
M.SHARED = {
  "launch.c",
  "kernel.h",
  "matmul.h",
  "matmul.c",
  "gemm.h",
  "gemm.c",
  "dot.h",
  "dot.c",
  "dot_loops.h",
  "dot_avx2.c",
  "dot_avx512.c",
}

---Headers that kernels share, beside those that all have.
M.HEADERS = {
  attention = { "softmax.h" },
  choose = { "choice.h" },
  dense_ffn = { "activation.h" },
  expert_ffn = { "activation.h" },
  head = { "choice.h" },
  latent_append = { "latent.h", "rotate.h" },
  latent_attention = { "latent.h", "softmax.h" },
  latent_norm = { "latent.h" },
  rope_append = { "rotate.h" },
}

---The kernel's own files.
---@param name string of the kernel
---@return string[]
function M.own(name)
  return { name .. ".c" }
end

---Its templates see what those of all targets see.
function M.view()
  return {}
end

return M
