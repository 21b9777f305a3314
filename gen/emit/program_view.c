/* program_view: see the header. The fields pushed here are the contract with lua/emit/. */
#include "emit/program_view.h"

#include "base/jsonw.h"
#include "schedule/workspace.h"

#include <assert.h>

static void set_int(lua_State *lua, const char *key, int64_t value) {
    lua_pushinteger(lua, value);
    lua_setfield(lua, -2, key);
}

static void set_text(lua_State *lua, const char *key, const char *value) {
    lua_pushstring(lua, value);
    lua_setfield(lua, -2, key);
}

static void set_bool(lua_State *lua, const char *key, bool value) {
    lua_pushboolean(lua, value);
    lua_setfield(lua, -2, key);
}

static void set_real(lua_State *lua, const char *key, double value) {
    char text[32];
    jsonw_format_real(text, value);
    set_text(lua, key, text);
}

static void set_ints(lua_State *lua, const char *key, const int64_t *items, int64_t count) {
    lua_createtable(lua, (int)count, 0);
    for (int64_t i = 0; i < count; ++i) {
        lua_pushinteger(lua, items[i]);
        lua_rawseti(lua, -2, i + 1);
    }
    lua_setfield(lua, -2, key);
}

static void set_range(lua_State *lua, const char *begin, const char *end, Range range) {
    set_int(lua, begin, range.begin);
    set_int(lua, end, range.end);
}

/* --- operations and roles ---------------------------------------------------------------------------- */

/* One field of an operation: a number, or the name of the role's column that holds it. */
static void set_field(lua_State *lua, const char *key, const Role *role, int64_t op, int field,
                      int64_t value) {
    int column = role->column_of ? role->column_of[op * OP_FIELDS + field] : -1;
    if (column < 0)
        set_int(lua, key, value);
    else
        set_text(lua, key, role->columns.items[column].name);
}

static void push_op(lua_State *lua, const Role *role, const Op *op, int64_t id) {
    lua_createtable(lua, 0, 12);
    set_int(lua, "kind", op->kind + 1); /* index into kinds */
    set_text(lua, "part", plan_part_names[op->part]);
    set_int(lua, "microbatch", op->microbatch);
    set_int(lua, "lag", op->lag);
    set_bool(lua, "per_layer", op->per_layer);
    set_int(lua, "stream", op->stream);
    set_text(lua, "stream_name", plan_stream_names[op->stream]);
    set_bool(lua, "records", op->records);
    set_text(lua, "rule", op->rule);
    set_field(lua, "channel", role, id, OP_FIELD_CHANNEL, op->channel);
    set_field(lua, "exchange", role, id, OP_FIELD_EXCHANGE, op->exchange);
    int64_t waits = 0;
    while (waits < OP_WAITS && op->waits[waits] >= 0)
        ++waits;
    set_ints(lua, "waits", op->waits, waits);
    lua_newtable(lua);
    for (int i = 0; i < OP_ARGS && op_info[op->kind].args[i].type != ARG_NONE; ++i) {
        lua_createtable(lua, 0, 2);
        set_field(lua, "value", role, id, i, op->args[i].value);
        set_field(lua, "delta", role, id, OP_ARGS + i, op->args[i].delta);
        lua_rawseti(lua, -2, i + 1);
    }
    lua_setfield(lua, -2, "args");
}

static void push_buffer(lua_State *lua, const Buffer *buffer) {
    lua_createtable(lua, 0, 8);
    set_text(lua, "name", buffer->name);
    set_text(lua, "shape", buffer->shape);
    set_text(lua, "class", buffer_class_names[buffer->class]);
    set_int(lua, "bytes", buffer->bytes);
    set_int(lua, "layers", buffer->layers);
    set_int(lua, "first_layer", buffer->first_layer);
    set_bool(lua, "per_layer", buffer->per_layer);
    set_int(lua, "layer_stride", buffer->layer_stride);
    set_int(lua, "offset", buffer->offset);
}

static void push_segments(lua_State *lua, const RankStep *step) {
    lua_createtable(lua, (int)step->segments.count, 0);
    for (int64_t i = 0; i < step->segments.count; ++i) {
        const Segment *segment = &step->segments.items[i];
        lua_createtable(lua, 0, 4);
        set_range(lua, "layer_begin", "layer_end", segment->layers);
        set_int(lua, "first", segment->first);
        set_int(lua, "count", segment->count);
        lua_rawseti(lua, -2, i + 1);
    }
}

static void push_columns(lua_State *lua, const Role *role) {
    lua_createtable(lua, (int)role->columns.count, 0);
    for (int64_t i = 0; i < role->columns.count; ++i) {
        lua_createtable(lua, 0, 2);
        set_text(lua, "name", role->columns.items[i].name);
        set_ints(lua, "values", role->columns.items[i].values, role->ranks.count);
        lua_rawseti(lua, -2, i + 1);
    }
}

/* The first rank of a role stands for all: offsets are equal, and what differs is a column. */
static void push_role(lua_State *lua, const Schedule *schedule, const Role *role) {
    const RankSchedule *rank = &schedule->ranks[role->ranks.items[0]];
    lua_createtable(lua, 0, 10);
    set_text(lua, "name", role->name);
    set_ints(lua, "ranks", role->ranks.items, role->ranks.count);
    set_int(lua, "slab_bytes", role->slab_bytes);
    set_int(lua, "state_offset", role->state_offset);
    set_int(lua, "state_bytes", role->state_bytes);
    push_columns(lua, role);
    lua_setfield(lua, -2, "columns");
    lua_createtable(lua, (int)rank->ops.count, 0);
    for (int64_t i = 0; i < rank->ops.count; ++i) {
        push_op(lua, role, &rank->ops.items[i], i);
        lua_rawseti(lua, -2, i + 1);
    }
    lua_setfield(lua, -2, "ops");
    lua_createtable(lua, (int)rank->buffers.count, 0);
    for (int64_t i = 0; i < rank->buffers.count; ++i) {
        push_buffer(lua, &rank->buffers.items[i]);
        lua_rawseti(lua, -2, i + 1);
    }
    lua_setfield(lua, -2, "buffers");
    lua_newtable(lua);
    for (int64_t i = 0; i < schedule->plan->steps.count; ++i) {
        push_segments(lua, &rank->steps[i]);
        lua_rawseti(lua, -2, i + 1);
    }
    lua_setfield(lua, -2, "steps");
}

/* --- ranks and their weights --------------------------------------------------------------------------- */

static const char *tensor_name(const Model *model, int64_t kind) {
    if (kind == TENSOR_HEAD && !model_has(model, TENSOR_HEAD))
        kind = TENSOR_EMBEDDING; /* tied */
    for (int64_t i = 0; i < model->tensors.count; ++i)
        if (model->tensors.items[i].kind == kind)
            return model->tensors.items[i].name;
    assert(!"a rank holds a tensor that the model does not have");
    return NULL;
}

static void push_weight(lua_State *lua, const Model *model, const RankSchedule *rank,
                        const Holding *holding) {
    const Buffer *buffer = &rank->buffers.items[holding->buffer];
    bool per_layer = tensor_kind_per_layer((TensorKind)holding->tensor);
    int64_t rows, columns;
    model_tensor_shape(model, (TensorKind)holding->tensor, &rows, &columns);
    lua_createtable(lua, 0, 18);
    set_text(lua, "kind", tensor_kind_names[holding->tensor]);
    set_text(lua, "name", tensor_name(model, holding->tensor));
    set_range(lua, "layer_begin", "layer_end", per_layer ? holding->layers : (Range){-1, -1});
    set_int(lua, "expert", holding->expert);
    set_int(lua, "rows", rows);
    set_int(lua, "columns", columns);
    set_range(lua, "row_begin", "row_end", holding->rows);
    set_range(lua, "column_begin", "column_end", holding->columns);
    set_int(lua, "offset",
            buffer->offset + holding->delta +
                (holding->layers.begin - buffer->first_layer) * buffer->layer_stride);
    set_int(lua, "layer_stride", buffer->per_layer ? buffer->layer_stride : 0);
    set_int(lua, "pitch", holding->pitch);
    set_text(lua, "type", element_names[holding->type]);
}

static int64_t index_in_role(const Role *role, int64_t rank) {
    int64_t index = 0;
    while (role->ranks.items[index] != rank)
        ++index;
    return index;
}

static void push_rank(lua_State *lua, const Schedule *schedule, int64_t index) {
    const RankSchedule *rank = &schedule->ranks[index];
    const Plan *plan = schedule->plan;
    lua_createtable(lua, 0, 6);
    set_int(lua, "role", rank->role);
    set_int(lua, "index", index_in_role(&schedule->roles.items[rank->role], index));
    set_int(lua, "node", plan->ranks.items[index].node);
    set_int(lua, "gpu", plan->ranks.items[index].gpu);
    lua_createtable(lua, (int)rank->holdings.count, 0);
    for (int64_t i = 0; i < rank->holdings.count; ++i) {
        push_weight(lua, &plan->inputs.model, rank, &rank->holdings.items[i]);
        lua_rawseti(lua, -2, i + 1);
    }
    lua_setfield(lua, -2, "weights");
}

/* --- moves -------------------------------------------------------------------------------------------- */

static void push_channel(lua_State *lua, const Channel *channel) {
    lua_createtable(lua, 0, 5);
    set_text(lua, "name", channel->name);
    set_ints(lua, "ranks", channel->ranks.items, channel->ranks.count);
    set_int(lua, "pieces", channel->pieces);
    set_bool(lua, "is_exchange", channel->is_exchange);
    lua_newtable(lua);
    for (int64_t i = 0; i < channel->own.count; ++i) {
        lua_pushinteger(lua, channel->own.items[i].begin);
        lua_rawseti(lua, -2, 2 * i + 1);
        lua_pushinteger(lua, channel->own.items[i].end);
        lua_rawseti(lua, -2, 2 * i + 2);
    }
    lua_setfield(lua, -2, "own");
    lua_newtable(lua);
    for (int64_t i = 0; i < channel->transfers.count; ++i) {
        const ChannelTransfer *transfer = &channel->transfers.items[i];
        lua_createtable(lua, 0, 5);
        set_int(lua, "from", transfer->from);
        set_int(lua, "to", transfer->to);
        set_range(lua, "begin", "end_", transfer->pieces);
        set_bool(lua, "sum", transfer->sum);
        lua_rawseti(lua, -2, i + 1);
    }
    lua_setfield(lua, -2, "transfers");
}

/* Pairs (rank, count) of one side. */
static void push_end(lua_State *lua, int64_t rank, int64_t count, int64_t index) {
    lua_createtable(lua, 0, 2);
    set_int(lua, "rank", rank);
    set_int(lua, "count", count);
    lua_rawseti(lua, -2, index + 1);
}

/* {stage, from, to, source, target} each, as one list of numbers. */
static void push_hops(lua_State *lua, const Exchange *exchange, bool back) {
    lua_newtable(lua);
    for (int64_t i = 0; i < exchange->hops[back].count; ++i) {
        const ExchangeHop *hop = &exchange->hops[back].items[i];
        const int64_t values[] = {hop->stage, hop->from, hop->to, hop->source, hop->target};
        lua_createtable(lua, 5, 0);
        for (int v = 0; v < 5; ++v) {
            lua_pushinteger(lua, values[v]);
            lua_rawseti(lua, -2, v + 1);
        }
        lua_rawseti(lua, -2, i + 1);
    }
    lua_setfield(lua, -2, back ? "back" : "there");
}

static void push_exchange(lua_State *lua, const Exchange *exchange) {
    lua_createtable(lua, 0, 6);
    set_text(lua, "name", exchange->name);
    set_bool(lua, "exact", exchange->mode == MODE_EXACT);
    set_int(lua, "chunk", exchange->chunk);
    set_int(lua, "in_flight", exchange->in_flight);
    push_hops(lua, exchange, false);
    push_hops(lua, exchange, true);
    lua_newtable(lua);
    for (int64_t i = 0; i < exchange->sources.count; ++i)
        push_end(lua, exchange->sources.items[i].rank, exchange_source_rows(exchange, i), i);
    lua_setfield(lua, -2, "sources");
    lua_newtable(lua);
    for (int64_t i = 0; i < exchange->targets.count; ++i)
        push_end(lua, exchange->targets.items[i].rank, exchange->targets.items[i].slots, i);
    lua_setfield(lua, -2, "targets");
}

/* --- the whole ------------------------------------------------------------------------------------------ */

static void push_kinds(lua_State *lua) {
    static const char *const classes[] = {"kernel", "collective", "exchange", "pair", "request"};
    static const char *const types[] = {"", "int", "read", "write", "both"};
    lua_createtable(lua, OP_KINDS, 0);
    for (int kind = 0; kind < OP_KINDS; ++kind) {
        const OpInfo *info = &op_info[kind];
        lua_createtable(lua, 0, 4);
        set_text(lua, "name", info->name);
        set_text(lua, "class", classes[info->class]);
        set_text(lua, "doc", info->doc);
        lua_newtable(lua);
        for (int i = 0; i < OP_ARGS && info->args[i].type != ARG_NONE; ++i) {
            lua_createtable(lua, 0, 3);
            set_text(lua, "name", info->args[i].name);
            set_text(lua, "type", types[info->args[i].type]);
            set_text(lua, "doc", info->args[i].doc);
            lua_rawseti(lua, -2, i + 1);
        }
        lua_setfield(lua, -2, "args");
        lua_rawseti(lua, -2, kind + 1);
    }
}

/* To 15 digits, which all C libraries agree upon. */
static void push_rope_frequencies(lua_State *lua, const Model *model) {
    lua_newtable(lua);
    for (int64_t pair = 0; pair < model->rope_dim / 2; ++pair) {
        char text[32];
        snprintf(text, sizeof text, "%.15g", model_rope_frequency(model, pair));
        lua_pushstring(lua, text);
        lua_rawseti(lua, -2, pair + 1);
    }
    lua_setfield(lua, -2, "rope_frequencies");
}

/* Sizes that become macros of constants.h; reals as text, since Lua's depend on the locale. */
static void push_model(lua_State *lua, const Model *model) {
    static const char *const norms[] = {"rms", "layer"};
    static const char *const activations[] = {"silu", "gelu", "gelu_tanh"};
    static const char *const scorings[] = {"softmax", "sigmoid"};
    static const char *const scalings[] = {"none", "linear", "yarn"};
    const RopeScaling *scaling = &model->rope_scaling;
    lua_newtable(lua);
    set_text(lua, "name", model->name);
    set_int(lua, "layers", model->layers);
    set_int(lua, "hidden", model->hidden);
    set_int(lua, "heads", model->heads);
    set_int(lua, "kv_heads", model->kv_heads);
    set_int(lua, "head_dim", model->head_dim);
    set_int(lua, "rope_dim", model->rope_dim);
    set_int(lua, "value_dim", model->value_dim);
    set_int(lua, "kv_latent", model->kv_latent);
    set_bool(lua, "rope_interleave", model->rope_interleave);
    set_real(lua, "latent_norm_eps", model->latent_norm_eps);
    set_int(lua, "vocabulary", model->vocabulary);
    set_int(lua, "experts", model->experts);
    set_int(lua, "expert_hidden", model->expert_hidden);
    set_int(lua, "top_k", model->top_k);
    set_text(lua, "norm", norms[model->norm]);
    set_text(lua, "activation", activations[model->activation]);
    set_bool(lua, "gated", model->gated);
    set_bool(lua, "renormalize", model->renormalize);
    set_text(lua, "scoring", scorings[model->scoring]);
    set_bool(lua, "router_correction", model->router_correction);
    set_int(lua, "expert_groups", model->expert_groups);
    set_int(lua, "top_groups", model->top_groups);
    set_real(lua, "routed_scale", model->routed_scale);
    set_real(lua, "qkv_clip", model->qkv_clip);
    set_text(lua, "rope_scaling", scalings[scaling->kind]);
    set_real(lua, "rope_factor", scaling->factor);
    set_int(lua, "rope_original", scaling->original_positions);
    set_real(lua, "rope_beta_fast", scaling->beta_fast);
    set_real(lua, "rope_beta_slow", scaling->beta_slow);
    set_real(lua, "rope_amplitude", scaling->amplitude);
    set_real(lua, "score_scale", scaling->score_scale);
    set_real(lua, "norm_eps", model->norm_eps);
    set_real(lua, "rope_theta", model->rope_theta);
    push_rope_frequencies(lua, model);
    set_real(lua, "capacity_factor", model->capacity_factor);
    set_real(lua, "initializer_range", model->initializer_range);
}

static void push_tiles(lua_State *lua) {
    lua_newtable(lua);
    set_int(lua, "weight", TILE_WEIGHT);
    set_int(lua, "linear", TILE_LINEAR);
    set_int(lua, "attention", TILE_ATTENTION);
    set_int(lua, "route", TILE_ROUTE);
    set_int(lua, "head", TILE_HEAD);
    set_int(lua, "entries", TILE_ENTRIES);
    set_int(lua, "logits", TILE_LOGITS);
    set_int(lua, "expert", TILE_EXPERT);
    set_int(lua, "scores", TILE_SCORES);
    set_int(lua, "dense", TILE_DENSE);
    set_int(lua, "grouped", TILE_GROUPED);
    set_int(lua, "pass", PASS_TILES);
    set_int(lua, "align", WORKSPACE_ALIGN);
    set_int(lua, "split_blocks", SPLIT_BLOCKS);
    set_int(lua, "split_keys", SPLIT_KEYS);
    set_int(lua, "split_pairs", SPLIT_PAIRS);
    set_int(lua, "latent_pairs", LATENT_PAIRS);
    set_int(lua, "latent_split", LATENT_SPLIT);
    set_int(lua, "latent_split_columns", LATENT_SPLIT_COLUMNS);
    set_int(lua, "expanded_elements", EXPANDED_ELEMENTS);
}

/* On all ranks, which is what the check asks of those that meet. */
static bool captured(const Schedule *schedule, int64_t step) {
    bool all = true;
    for (int64_t rank = 0; rank < schedule->world; ++rank)
        all = all && schedule->ranks[rank].steps[step].captured;
    return all;
}

/* Nodes up to the last one that has a rank. */
static void push_nodes(lua_State *lua, const Plan *plan) {
    const Topology *topology = &plan->inputs.topology;
    int64_t nodes = 0;
    for (int64_t i = 0; i < plan->ranks.count; ++i)
        nodes = plan->ranks.items[i].node >= nodes ? plan->ranks.items[i].node + 1 : nodes;
    set_real(lua, "network_seconds", topology->network.latency);
    lua_newtable(lua);
    for (int64_t i = 0; i < nodes; ++i) {
        const TopologyNode *node = topology_node(topology, i);
        lua_createtable(lua, 0, 5);
        set_int(lua, "gpus", node->gpus);
        set_int(lua, "nics", node->nics);
        set_real(lua, "link_rate", node->link.bandwidth);
        set_real(lua, "link_seconds", node->link.latency);
        set_real(lua, "nic_rate", node->nic_bandwidth);
        lua_rawseti(lua, -2, i + 1);
    }
    lua_setfield(lua, -2, "nodes");
}

static void push_streams(lua_State *lua) {
    lua_newtable(lua);
    for (int64_t i = 0; plan_stream_names[i]; ++i) {
        lua_createtable(lua, 0, 2);
        set_text(lua, "name", plan_stream_names[i]);
        set_bool(lua, "urgent", i != 0); /* of moves, for which peers wait */
        lua_rawseti(lua, -2, i + 1);
    }
    lua_setfield(lua, -2, "streams");
}

static void push_steps(lua_State *lua, const Schedule *schedule) {
    const Plan *plan = schedule->plan;
    lua_newtable(lua);
    for (int64_t i = 0; i < plan->steps.count; ++i) {
        lua_createtable(lua, 0, 4);
        set_text(lua, "name", plan->steps.items[i].name);
        set_bool(lua, "decode", plan->steps.items[i].phase == PHASE_DECODE);
        set_bool(lua, "captured", captured(schedule, i));
        set_int(lua, "tokens", plan->steps.items[i].tokens);
        lua_rawseti(lua, -2, i + 1);
    }
}

static void push_moves(lua_State *lua, const Schedule *schedule) {
    lua_newtable(lua);
    for (int64_t i = 0; i < schedule->channels.count; ++i) {
        push_channel(lua, &schedule->channels.items[i]);
        lua_rawseti(lua, -2, i + 1);
    }
    lua_setfield(lua, -2, "channels");
    lua_newtable(lua);
    for (int64_t i = 0; i < schedule->exchanges.count; ++i) {
        push_exchange(lua, &schedule->exchanges.items[i]);
        lua_rawseti(lua, -2, i + 1);
    }
    lua_setfield(lua, -2, "exchanges");
    lua_newtable(lua);
    const Model *model = &schedule->plan->inputs.model;
    for (int64_t i = 0; i < schedule->routes.count; ++i) {
        const RouteTable *table = &schedule->routes.items[i];
        int64_t entries = table->rows * schedule->experts * schedule->parts;
        lua_newtable(lua);
        set_int(lua, "rows", table->rows);
        set_ints(lua, "row_of", table->row_of, model->layers);
        set_ints(lua, "target", table->target, entries);
        set_ints(lua, "slot", table->slot, entries);
        lua_rawseti(lua, -2, i + 1);
    }
    lua_setfield(lua, -2, "routes");
}

static void push_target(lua_State *lua, const EmitTarget *target) {
    lua_createtable(lua, 0, 3);
    set_text(lua, "name", target->name ? target->name : "host");
    set_text(lua, "kernels", target->kernels);
    lua_newtable(lua);
    for (int64_t i = 0; i < target->arch.count; i++) {
        lua_createtable(lua, 0, 2);
        set_text(lua, "name", target->arch.items[i].name);
        set_int(lua, "number", target->arch.items[i].number);
        lua_rawseti(lua, -2, i + 1);
    }
    lua_setfield(lua, -2, "arch");
    lua_setfield(lua, -2, "target");
}

void program_view_push(lua_State *lua, const Schedule *schedule, const EmitOptions *options,
                       const EmitDigests *digests) {
    const Plan *plan = schedule->plan;
    const Workload *workload = &plan->inputs.workload;
    lua_newtable(lua);
    push_target(lua, &options->target);
    set_text(lua, "name", plan->name);
    set_text(lua, "version", options->version);
    set_text(lua, "digest", digests->plan);
    set_text(lua, "schedule_digest", digests->schedule);
    set_text(lua, "certificate_digest", digests->certificate);
    set_text(lua, "model_digest", plan->inputs.model_digest);
    set_text(lua, "topology_digest", plan->inputs.topology_digest);
    set_text(lua, "workload_digest", plan->inputs.workload_digest);
    set_text(lua, "topology", plan->inputs.topology.name);
    set_text(lua, "strategy", plan->strategy);
    set_text(lua, "dtype", element_names[workload->dtype]);
    set_int(lua, "element_bytes", element_bytes(workload->dtype));
    set_int(lua, "batch", workload->batch);
    set_int(lua, "prompt", workload->prefill);
    set_int(lua, "choices", schedule->top_k);
    set_int(lua, "routed", schedule->experts);
    set_int(lua, "context", workload->context);
    set_int(lua, "candidates", workload->candidates);
    set_int(lua, "copies", plan->copies);
    set_int(lua, "world", schedule->world);
    set_int(lua, "parts", schedule->parts > 0 ? schedule->parts : 1);
    push_model(lua, &plan->inputs.model);
    lua_setfield(lua, -2, "model");
    push_tiles(lua);
    lua_setfield(lua, -2, "tiles");
    push_kinds(lua);
    lua_setfield(lua, -2, "kinds");
    push_steps(lua, schedule);
    lua_setfield(lua, -2, "steps");
    push_streams(lua);
    push_nodes(lua, plan);
    push_moves(lua, schedule);
    lua_newtable(lua);
    for (int64_t i = 0; i < schedule->roles.count; ++i) {
        push_role(lua, schedule, &schedule->roles.items[i]);
        lua_rawseti(lua, -2, i + 1);
    }
    lua_setfield(lua, -2, "roles");
    lua_newtable(lua);
    for (int64_t i = 0; i < schedule->world; ++i) {
        push_rank(lua, schedule, i);
        lua_rawseti(lua, -2, i + 1);
    }
    lua_setfield(lua, -2, "ranks");
}
