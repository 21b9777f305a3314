---Macros of a program's constants.h: versions and digests, sizes of the model, bounds, tiles.
local text = require "emit.text"

local M = {}

local function most_targets(schedule)
  local most = 1
  for _, exchange in ipairs(schedule.exchanges) do
    most = math.max(most, #exchange.targets)
  end
  return most
end

local function most_sources(schedule)
  local most = 1
  for _, exchange in ipairs(schedule.exchanges) do
    most = math.max(most, #exchange.sources)
  end
  return most
end

local function section(title, macros)
  local lines = {}
  for i, macro in ipairs(macros) do
    lines[i] = string.format("#define %s %s", macro[1], macro[2])
  end
  return { title = title, lines = lines }
end

---What scaled rotary positions need.
local function rope(model)
  if model.rope_scaling == "none" then
    return {}
  end
  return {
    { "ROPE_FACTOR", text.real(model.rope_factor) },
    { "ROPE_ORIGINAL", model.rope_original },
    { "ROPE_BETA_FAST", text.real(model.rope_beta_fast) },
    { "ROPE_BETA_SLOW", text.real(model.rope_beta_slow) },
  }
end

---What rotary positions, routers and clips have beyond the plainest.
local function extras(model)
  local macros = rope(model)
  macros[#macros + 1] = { "ROPE_AMPLITUDE", text.real(model.rope_amplitude) }
  macros[#macros + 1] = { "SCORE_SCALE", text.real(model.score_scale) }
  macros[#macros + 1] = { "EXPERT_GROUPS", model.expert_groups }
  macros[#macros + 1] = { "TOP_GROUPS", model.top_groups }
  macros[#macros + 1] = { "ROUTED_SCALE", text.real(model.routed_scale) }
  macros[#macros + 1] = { "QKV_CLIP", text.real(model.qkv_clip) }
  return macros
end

---@param schedule table
---@return {title: string, lines: string[]}[]
function M.sections(schedule)
  local model, tiles = schedule.model, schedule.tiles
  return {
    section("What this program was made from: versions and digests stand here and nowhere else.", {
      { "GEN_VERSION", text.string(schedule.version) },
      { "PLAN_DIGEST", text.string(schedule.digest) },
      { "SCHEDULE_DIGEST", text.string(schedule.schedule_digest) },
      { "CERTIFICATE_DIGEST", text.string(schedule.certificate_digest) },
      { "MODEL_DIGEST", text.string(schedule.model_digest) },
      { "TOPOLOGY_DIGEST", text.string(schedule.topology_digest) },
      { "WORKLOAD_DIGEST", text.string(schedule.workload_digest) },
    }),
    section("The model.", {
      { "LAYERS", model.layers },
      { "HIDDEN", model.hidden },
      { "HEADS", model.heads },
      { "KV_HEADS", model.kv_heads },
      { "HEAD_DIM", model.head_dim },
      { "ROPE_DIM", model.rope_dim },
      { "VALUE_DIM", model.value_dim },
      { "KV_LATENT", model.kv_latent },
      { "VOCABULARY", model.vocabulary },
      { "EXPERTS", model.experts },
      { "EXPERT_HIDDEN", model.expert_hidden },
      { "TOP_K", model.top_k },
      { "NORM_EPS", text.real(model.norm_eps) },
      { "LATENT_NORM_EPS", text.real(model.latent_norm_eps) },
      { "ROPE_THETA", text.real(model.rope_theta) },
      { "CAPACITY_FACTOR", text.real(model.capacity_factor) },
    }),
    section("Of the model's rotary positions, router and clip.", extras(model)),
    section("Bounds: sequences of a wave, prompt tokens, positions of a sequence, entries of a choice.", {
      { "BATCH", schedule.batch },
      { "PROMPT", schedule.prompt },
      { "CONTEXT", schedule.context },
      { "CANDIDATES", schedule.candidates },
    }),
    section("Choices of a token, and experts to choose from: of the model, and what all tokens pass where it is one.", {
      { "CHOICES", schedule.choices },
      { "ROUTED", schedule.routed },
    }),
    section("The most column parts that an expert is cut in; the most sources and targets of an exchange.", {
      { "PARTS", schedule.parts },
      { "SOURCES", most_sources(schedule) },
      { "TARGETS", most_targets(schedule) },
    }),
    section("Tiles of the kernels: gen sized their workspace with these numbers.", {
      { "TILE_WEIGHT", tiles.weight },
      { "TILE_LINEAR", tiles.linear },
      { "TILE_ATTENTION", tiles.attention },
      { "TILE_ROUTE", tiles.route },
      { "TILE_HEAD", tiles.head },
      { "TILE_ENTRIES", tiles.entries },
      { "TILE_LOGITS", tiles.logits },
      { "TILE_EXPERT", tiles.expert },
      { "TILE_SCORES", tiles.scores },
      { "TILE_DENSE", tiles.dense },
      { "TILE_GROUPED", tiles.grouped },
      { "PASS_TILES", tiles.pass },
      { "WORKSPACE_ALIGN", tiles.align },
      { "SPLIT_BLOCKS", tiles.split_blocks },
      { "SPLIT_KEYS", tiles.split_keys },
      { "SPLIT_PAIRS", tiles.split_pairs },
      { "LATENT_PAIRS", tiles.latent_pairs },
      { "LATENT_SPLIT", tiles.latent_split },
      { "LATENT_SPLIT_COLUMNS", tiles.latent_split_columns },
      { "EXPANDED_ELEMENTS", tiles.expanded_elements },
    }),
  }
end

return M
