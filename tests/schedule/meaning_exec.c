/* meaning_exec: one execution of an operation: where its arguments lie, which bytes each row has of them, and what it is
 * known by. */
#include "meaning_run.h"

#include "schedule/workspace.h"

#include <string.h>

int64_t meaning_number(const Op *op, const char *name, int64_t otherwise) {
    for (int i = 0; i < OP_ARGS && op_info[op->kind].args[i].type != ARG_NONE; ++i)
        if (strcmp(op_info[op->kind].args[i].name, name) == 0)
            return op->args[i].value;
    return otherwise;
}

uint64_t meaning_mix_text(uint64_t hash, const char *text) {
    for (; *text; ++text)
        hash = (hash ^ (unsigned char)*text) * 0x100000001b3u;
    return hash;
}

/* Where an argument lies in the slab. */
int64_t meaning_address(const Exec *at, int arg) {
    const Buffer *buffer = buffer_of(at, arg);
    int64_t layer = buffer->per_layer ? at->layer - buffer->first_layer : 0;
    return buffer->offset + layer * buffer->layer_stride + at->op->args[arg].delta;
}

bool meaning_is_weight(const Exec *at, int arg) {
    return at->args[arg].type != ARG_INT && !absent(at, arg) &&
           buffer_of(at, arg)->class == BUFFER_WEIGHT;
}

/* What is loaded into a weight buffer from its delta on; `slot` of `slots`, or all of it with -1. */
uint64_t meaning_weights(const Exec *at, int arg, int64_t slot, int64_t slots) {
    const RankSchedule *rank = &at->run->schedule->ranks[at->rank];
    const Buffer *buffer = buffer_of(at, arg);
    int64_t size = slots > 0 ? buffer->bytes / slots : buffer->bytes;
    int64_t begin = at->op->args[arg].delta + (slot < 0 ? 0 : slot * size);
    uint64_t sum = 0;
    for (int64_t i = 0; i < rank->holdings.count; ++i) {
        const Holding *h = &rank->holdings.items[i];
        bool here =
            h->buffer == at->op->args[arg].value && h->delta >= begin && h->delta < begin + size &&
            (!buffer->per_layer || (h->layers.begin <= at->layer && at->layer < h->layers.end));
        const int64_t fields[] = {h->tensor,      buffer->per_layer ? at->layer : -1,
                                  h->expert,      h->rows.begin,
                                  h->rows.end,    h->columns.begin,
                                  h->columns.end, h->delta - begin,
                                  h->type};
        uint64_t one = 1;
        for (size_t f = 0; here && f < sizeof fields / sizeof *fields; ++f)
            one = meaning_mix(one, (uint64_t)fields[f]);
        sum += here ? one : 0;
    }
    return sum;
}

/* --- rows --------------------------------------------------------------------------------------------- */

/* Bytes of a row, or of what an argument has a sequence of. */
int64_t meaning_grain_bytes(const Exec *at, int arg, Grain *grain) {
    const Model *model = at->run->model;
    const Op *op = at->op;
    const char *name = op->kind == OP_expert_ffn ? "" : at->args[arg].name; /* windows */
    int64_t e = at->run->element, hidden = model->hidden * e, k = at->run->schedule->top_k;
    int64_t heads = meaning_number(op, "heads", 0), kv = meaning_number(op, "kv_heads", 0);
    int64_t context = at->run->schedule->plan->inputs.workload.context;
    int64_t in = meaning_number(op, "inputs", model->hidden),
            out = meaning_number(op, "outputs", model->hidden);
    if (op->kind == OP_attention)
        out = heads * model->head_dim;
    if (op->kind == OP_latent_attention)
        out = heads * model->value_dim;
    const struct {
        const char *name;
        int64_t bytes;
        Grain grain;
    } table[] = {
        {"in", in * e, OF_ROWS},
        {"out", out * e, OF_ROWS},
        {"base", hidden, OF_ROWS},
        {"ids", 4, OF_ROWS},
        {"positions", 4, OF_ROWS},
        {"qkv", (heads + 2 * kv) * model->head_dim * e, OF_ROWS},
        {"queries", heads * model->head_dim * e, OF_ROWS},
        {"latent",
         (op->kind == OP_latent_norm ? meaning_number(op, "width", 0) : model_latent_dim(model)) *
             e,
         OF_ROWS},
        {"choice", 4 * k, OF_ROWS},
        {"share", 4 * k, OF_ROWS},
        {"back", 4 * k * at->run->schedule->parts, OF_ROWS},
        {"keys", context * kv * model->head_dim * e, OF_CACHE},
        {"values", context * kv * model->head_dim * e, OF_CACHE},
        {"latents", context * model_latent_dim(model) * e, OF_CACHE},
        {"best", meaning_told_bytes(at), OF_SEQUENCES},
        {"next", 4, OF_SEQUENCES}};
    for (size_t i = 0; i < sizeof table / sizeof *table; ++i)
        if (strcmp(table[i].name, name) == 0) {
            *grain = table[i].grain;
            return table[i].bytes;
        }
    *grain = OF_NOTHING;
    return 0;
}

uint64_t meaning_read_grain(const Exec *at, int arg, int64_t index, int64_t bytes) {
    int64_t begin = meaning_address(at, arg) + index * bytes;
    return meaning_read(&at->run->slabs[at->rank], begin, begin + bytes);
}

/* Of row i, or of the sequence that it belongs to. */
int64_t meaning_grain_index(const Exec *at, Grain grain, int64_t row) {
    int64_t sequence = at->tokens > 0 ? row / at->tokens : 0;
    return grain == OF_ROWS        ? row
           : grain == OF_SEQUENCES ? sequence
                                   : meaning_number(at->op, "cache_first", 0) + sequence;
}

/* What row i is made of: all that is read of it, and of the cache of its sequence. */
uint64_t meaning_row_value(const Exec *at, int64_t row) {
    uint64_t value = at->value;
    EACH_ARG(a) {
        Grain grain;
        int64_t bytes = at->args[a].type == ARG_INT ? 0 : meaning_grain_bytes(at, a, &grain);
        if (bytes == 0 || absent(at, a) || meaning_is_weight(at, a) || !reads(at, a))
            continue;
        value = meaning_mix(value, meaning_mix_text(7, at->args[a].name));
        value = meaning_mix(value,
                            meaning_read_grain(at, a, meaning_grain_index(at, grain, row), bytes));
    }
    return value;
}

void meaning_write_grain(const Exec *at, int arg, int64_t index, int64_t bytes, uint64_t value) {
    int64_t begin = meaning_address(at, arg) + index * bytes;
    meaning_write(&at->run->slabs[at->rank], begin, begin + bytes,
                  meaning_mix(value, meaning_mix_text(9, at->args[arg].name)));
}

/* Kinds of which a row depends on the rows of its sequence before it: all of them, to be short. */
bool meaning_by_sequence(const Op *op) {
    return op->kind == OP_capacity || op->kind == OP_rope_append || op->kind == OP_append ||
           op->kind == OP_latent_append;
}

/* The scratch of a kernel or of what arrives; rows that are passed on have all of their buffer. */
static int64_t scratch_bytes(const Exec *at, int arg) {
    return strcmp(at->args[arg].name, "workspace") == 0
               ? workspace_bytes(at->run->schedule->plan, at->op)
               : buffer_of(at, arg)->bytes;
}

/* It holds what is of no use to anybody. */
void meaning_write_scratch(const Exec *at) {
    EACH_ARG(a) {
        Grain grain;
        if (at->args[a].type == ARG_INT || !writes(at, a) || absent(at, a) ||
            meaning_grain_bytes(at, a, &grain) > 0)
            continue;
        const Buffer *buffer = buffer_of(at, a);
        if (buffer->class == BUFFER_WORKSPACE)
            meaning_write(&at->run->slabs[at->rank], meaning_address(at, a),
                          meaning_address(at, a) + scratch_bytes(at, a),
                          meaning_mix(at->value, 0x5c7a7c4));
    }
}

/* --- windows ------------------------------------------------------------------------------------------ */

const Window *meaning_window_in(const Run *run, int64_t rank, const Exec *at, int arg) {
    if (absent(at, arg))
        return NULL;
    int64_t begin = meaning_address(at, arg);
    uint64_t value = meaning_value(&run->slabs[rank], begin, begin + 4);
    for (int64_t i = run->windows.count - 1; value && i >= 0; --i)
        for (int a = 0; a < OP_ARGS; ++a)
            if (meaning_mix(run->windows.items[i]->value, (uint64_t)a) == value)
                return run->windows.items[i];
    return NULL;
}

Window *meaning_new_window(Run *run, uint64_t value, int64_t rank) {
    Window *window = ARENA_NEW(run->arena, Window);
    *window = (Window){.value = value, .rank = rank};
    *(const Window **)LIST_PUSH(run->arena, &run->windows) = window;
    return window;
}

/* Windows are written from their first byte on, as far as the buffer goes. */
void meaning_write_window(const Exec *at, int arg, uint64_t value) {
    if (absent(at, arg))
        return;
    const Buffer *buffer = buffer_of(at, arg);
    meaning_write(&at->run->slabs[at->rank], meaning_address(at, arg),
                  buffer->offset + buffer->bytes, meaning_mix(value, (uint64_t)arg));
}

/* --- executions ------------------------------------------------------------------------------------------ */

/* Numbers that say where things lie, not what is computed. */
static bool says_where(const char *name) {
    static const char *const names[] = {"rows",        "sequences", "tokens", "first", "members",
                                        "cache_first", "exchange",  "routes", "slots", "report",
                                        "columns",     "expanded",  "held",   "bound"};
    for (size_t i = 0; i < sizeof names / sizeof *names; ++i)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

Exec meaning_exec_of(Run *run, int64_t rank, WalkItem item) {
    Exec exec = {.run = run, .rank = rank, .layer = item.layer}, *at = &exec;
    exec.op = &run->schedule->ranks[rank].ops.items[item.op];
    exec.args = op_info[exec.op->kind].args;
    exec.tokens = meaning_number(exec.op, "tokens", 0);
    exec.sequences = meaning_number(exec.op, "sequences", 0);
    exec.rows = meaning_number(exec.op, "rows", exec.sequences * exec.tokens);
    exec.value = meaning_mix((uint64_t)exec.op->kind, 17);
    bool experts = exec.op->kind == OP_expert_ffn;
    EACH_ARG(a) {
        if (exec.args[a].type == ARG_INT && !says_where(exec.args[a].name))
            exec.value = meaning_mix(exec.value, (uint64_t)exec.op->args[a].value);
        else if (exec.args[a].type != ARG_INT && meaning_is_weight(at, a) && !experts)
            exec.value = meaning_mix(exec.value, meaning_weights(at, a, -1, 0));
    }
    return exec;
}

/* The bytes that an argument touches, in the slab. */
static Range touched(const Exec *at, int arg) {
    Grain grain = OF_NOTHING;
    int64_t begin = meaning_address(at, arg), bytes = meaning_grain_bytes(at, arg, &grain);
    const Buffer *buffer = buffer_of(at, arg);
    int64_t members = meaning_number(at->op, "members", 1),
            first = meaning_number(at->op, "cache_first", 0);
    if (strcmp(at->args[arg].name, "buffer") == 0) {
        bytes = meaning_number(at->op, "bytes", 0) +
                meaning_number(at->op, "units", 0) * meaning_number(at->op, "unit_bytes", 0);
        return (Range){begin, begin + bytes};
    }
    if (buffer->class == BUFFER_WORKSPACE)
        return (Range){begin, begin + scratch_bytes(at, arg)};
    if (grain == OF_ROWS)
        return (Range){begin, begin + at->rows * bytes};
    if (grain == OF_SEQUENCES)
        return (Range){begin, begin + members * at->sequences * bytes};
    if (grain == OF_CACHE)
        return (Range){begin + first * bytes, begin + (first + at->sequences) * bytes};
    return (Range){begin, begin - at->op->args[arg].delta + buffer->bytes};
}

void meaning_note(const Exec *at) {
    MeaningRank *rank = &at->run->ranks[at->rank];
    *(const Op **)LIST_PUSH(at->run->arena, &rank->executed) = at->op;
    EACH_ARG(a) {
        if (at->args[a].type == ARG_INT || absent(at, a) || meaning_is_weight(at, a))
            continue;
        Range bytes = touched(at, a);
        if (bytes.begin < bytes.end)
            *(MeaningTouch *)LIST_PUSH(at->run->arena, &rank->touches) =
                (MeaningTouch){rank->executed.count - 1, bytes, writes(at, a)};
    }
}
