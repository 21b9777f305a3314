/* mutate_meaning: runs the steps of a schedule over symbols: a prefill and two decodes. Kernels work row by row, so
 * that it does not matter which rank has which rows; what experts make of a row is told by the weights that its route
 * leads to, so that it does not matter where they lie. Ranks meet as the walk lets them. */
#include "meaning.h"

#include <string.h>

enum { CALLS = 3, EXPERT_SLOTS = 64 };

/* What fills a window of an exchange: packed rows, all of them at a target, results, all of them at a source. */
typedef struct Window {
    uint64_t value; /* of the operation that made it; arguments follow by mixing */
    int64_t rank;   /* that packed, or that computed */
    int64_t count;  /* sources or targets whose windows these are */
    const struct Window **of;
    int64_t rows, slots;
    uint64_t *row;     /* [rows] that were packed, with what they chose */
    uint64_t *weights; /* [slots] of results: of what expert */
} Window;

typedef struct Run {
    const Schedule *schedule;
    const Model *model;
    Arena *arena;
    int64_t element, step, call, sequences;
    MeaningSlab *slabs; /* [world] */
    uint64_t **table;   /* [world][sequences] newest token as a rank knows it */
    uint64_t *results;  /* [sequences] */
    LIST_OF(const Window *) windows;
} Run;

/* --- operations --------------------------------------------------------------------------------------- */

/* One execution. */
typedef struct Exec {
    Run *run;
    int64_t rank, layer;
    const Op *op;
    const OpArg *args;
    uint64_t value; /* of the kind and what is the same for all rows */
    int64_t rows, tokens, sequences;
} Exec;

static int64_t number(const Op *op, const char *name, int64_t otherwise) {
    for (int i = 0; i < OP_ARGS && op_info[op->kind].args[i].type != ARG_NONE; ++i)
        if (strcmp(op_info[op->kind].args[i].name, name) == 0)
            return op->args[i].value;
    return otherwise;
}

static uint64_t mix_text(uint64_t hash, const char *text) {
    for (; *text; ++text)
        hash = (hash ^ (unsigned char)*text) * 0x100000001b3u;
    return hash;
}

static const Buffer *buffer_of(const Exec *at, int arg) {
    return &at->run->schedule->ranks[at->rank].buffers.items[at->op->args[arg].value];
}

static bool absent(const Exec *at, int arg) {
    return at->op->args[arg].value < 0;
}

/* Where an argument lies in the slab. */
static int64_t address(const Exec *at, int arg) {
    const Buffer *buffer = buffer_of(at, arg);
    int64_t layer = buffer->per_layer ? at->layer - buffer->first_layer : 0;
    return buffer->offset + layer * buffer->layer_stride + at->op->args[arg].delta;
}

static bool is_weight(const Exec *at, int arg) {
    return !absent(at, arg) && buffer_of(at, arg)->class == BUFFER_WEIGHT;
}

/* What is loaded into a weight buffer from its delta on; `slot` of `slots`, or all of it with -1. */
static uint64_t weights(const Exec *at, int arg, int64_t slot, int64_t slots) {
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

typedef enum Grain { OF_ROWS, OF_SEQUENCES, OF_CACHE, OF_NOTHING } Grain;

/* Bytes of a row, or of what an argument has a sequence of. */
static int64_t grain_bytes(const Exec *at, int arg, Grain *grain) {
    const Model *model = at->run->model;
    const Op *op = at->op;
    const char *name = at->args[arg].name;
    int64_t e = at->run->element, hidden = model->hidden * e, k = model->top_k;
    int64_t heads = number(op, "heads", 0), kv = number(op, "kv_heads", 0);
    int64_t context = at->run->schedule->plan->inputs.workload.context;
    int64_t in = number(op, "inputs", model->hidden), out = number(op, "outputs", model->hidden);
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
         (op->kind == OP_latent_norm ? number(op, "width", 0) : model_latent_dim(model)) * e,
         OF_ROWS},
        {"choice", 4 * k, OF_ROWS},
        {"share", 4 * k, OF_ROWS},
        {"back", 4 * k * at->run->schedule->parts, OF_ROWS},
        {"keys", context * kv * model->head_dim * e, OF_CACHE},
        {"values", context * kv * model->head_dim * e, OF_CACHE},
        {"latents", context * model_latent_dim(model) * e, OF_CACHE},
        {"best", 8, OF_SEQUENCES},
        {"next", 4, OF_SEQUENCES}};
    for (size_t i = 0; i < sizeof table / sizeof *table; ++i)
        if (strcmp(table[i].name, name) == 0) {
            *grain = table[i].grain;
            return table[i].bytes;
        }
    *grain = OF_NOTHING;
    return 0;
}

static uint64_t read_grain(const Exec *at, int arg, int64_t index, int64_t bytes) {
    int64_t begin = address(at, arg) + index * bytes;
    return meaning_read(&at->run->slabs[at->rank], begin, begin + bytes);
}

/* Of row i, or of the sequence that it belongs to. */
static int64_t grain_index(const Exec *at, Grain grain, int64_t row) {
    int64_t sequence = at->tokens > 0 ? row / at->tokens : 0;
    return grain == OF_ROWS        ? row
           : grain == OF_SEQUENCES ? sequence
                                   : number(at->op, "cache_first", 0) + sequence;
}

static bool reads(const Exec *at, int arg) {
    return at->args[arg].type == ARG_READ || at->args[arg].type == ARG_READ_WRITE;
}
static bool writes(const Exec *at, int arg) {
    return at->args[arg].type == ARG_WRITE || at->args[arg].type == ARG_READ_WRITE;
}

#define EACH_ARG(a) for (int a = 0; a < OP_ARGS && at->args[a].type != ARG_NONE; ++a)

/* What row i is made of: all that is read of it, and of the cache of its sequence. */
static uint64_t row_value(const Exec *at, int64_t row) {
    uint64_t value = at->value;
    EACH_ARG(a) {
        Grain grain;
        int64_t bytes = at->args[a].type == ARG_INT ? 0 : grain_bytes(at, a, &grain);
        if (bytes == 0 || absent(at, a) || is_weight(at, a) || !reads(at, a))
            continue;
        value = meaning_mix(value, mix_text(7, at->args[a].name));
        value = meaning_mix(value, read_grain(at, a, grain_index(at, grain, row), bytes));
    }
    return value;
}

static void write_grain(const Exec *at, int arg, int64_t index, int64_t bytes, uint64_t value) {
    int64_t begin = address(at, arg) + index * bytes;
    meaning_write(&at->run->slabs[at->rank], begin, begin + bytes,
                  meaning_mix(value, mix_text(9, at->args[arg].name)));
}

/* Kinds of which a row depends on the rows of its sequence before it: all of them, to be short. */
static bool by_sequence(const Op *op) {
    return op->kind == OP_capacity || op->kind == OP_rope_append || op->kind == OP_append ||
           op->kind == OP_latent_append;
}

/* Scratch holds what is of no use to anybody. */
static void write_scratch(const Exec *at) {
    EACH_ARG(a) {
        Grain grain;
        if (at->args[a].type == ARG_INT || !writes(at, a) || absent(at, a) ||
            grain_bytes(at, a, &grain) > 0)
            continue;
        const Buffer *buffer = buffer_of(at, a);
        if (buffer->class == BUFFER_WORKSPACE)
            meaning_write(&at->run->slabs[at->rank], buffer->offset, buffer->offset + buffer->bytes,
                          meaning_mix(at->value, 0x5c7a7c4));
    }
}

static void run_rows(const Exec *at) {
    uint64_t *values = ARENA_ARRAY(at->run->arena, at->rows + 1, uint64_t);
    for (int64_t i = 0; i < at->rows; ++i)
        values[i] = row_value(at, i);
    write_scratch(at);
    for (int64_t i = 0; i < at->rows; ++i) {
        int64_t first = at->tokens > 0 ? i / at->tokens * at->tokens : i;
        uint64_t value = values[i], sequence = 0;
        for (int64_t t = first; by_sequence(at->op) && t < first + at->tokens; ++t)
            sequence = meaning_mix(sequence, values[t]);
        EACH_ARG(a) {
            Grain grain;
            int64_t bytes = at->args[a].type == ARG_INT ? 0 : grain_bytes(at, a, &grain);
            if (bytes == 0 || absent(at, a) || !writes(at, a))
                continue;
            if (grain == OF_ROWS)
                write_grain(at, a, i, bytes, meaning_mix(value, sequence));
            else if (i + 1 == first + at->tokens) /* the last row of the sequence is in too */
                write_grain(at, a, grain_index(at, grain, i), bytes, sequence ? sequence : value);
        }
    }
}

/* --- requests ----------------------------------------------------------------------------------------- */

static void run_begin(const Exec *at) {
    int64_t first = number(at->op, "first", 0);
    for (int64_t i = 0; i < at->rows; ++i) {
        int64_t sequence = first + i / at->tokens;
        uint64_t token =
            sequence >= 0 && sequence < at->run->sequences ? at->run->table[at->rank][sequence] : 0;
        uint64_t place = meaning_mix((uint64_t)(at->run->call * 1000 + i % at->tokens), 5);
        if (!absent(at, 0))
            write_grain(at, 0, i, 4, meaning_mix(token, place));
        if (!absent(at, 1))
            write_grain(at, 1, i, 4, meaning_mix((uint64_t)sequence, place));
    }
}

static void run_finish(const Exec *at) {
    int64_t first = number(at->op, "first", 0);
    for (int64_t i = 0; i < at->sequences; ++i) {
        uint64_t token = read_grain(at, 0, i, 4);
        if (first + i < 0 || first + i >= at->run->sequences)
            continue;
        at->run->table[at->rank][first + i] = token;
        if (number(at->op, "report", 0))
            at->run->results[first + i] += meaning_mix(token, 3);
    }
}

/* The largest of all members: in which order they stand is of no account. */
static void run_choose(const Exec *at) {
    int64_t members = number(at->op, "members", 0);
    for (int64_t i = 0; i < at->sequences; ++i) {
        uint64_t sum = 0;
        for (int64_t m = 0; m < members; ++m)
            sum += meaning_mix(read_grain(at, 0, m * at->sequences + i, 8), 11);
        write_grain(at, 1, i, 4, sum);
    }
}

static void run_head(const Exec *at) {
    for (int64_t i = 0; i < at->sequences; ++i)
        write_grain(at, op_arg(OP_head, "best"), i, 8, row_value(at, (i + 1) * at->tokens - 1));
    write_scratch(at);
}

/* --- experts ------------------------------------------------------------------------------------------ */

static const Window *window_in(const Run *run, int64_t rank, const Exec *at, int arg) {
    if (absent(at, arg))
        return NULL;
    int64_t begin = address(at, arg);
    uint64_t value = meaning_value(&run->slabs[rank], begin, begin + 4);
    for (int64_t i = run->windows.count - 1; value && i >= 0; --i)
        for (int a = 0; a < OP_ARGS; ++a)
            if (meaning_mix(run->windows.items[i]->value, (uint64_t)a) == value)
                return run->windows.items[i];
    return NULL;
}

static Window *new_window(Run *run, uint64_t value, int64_t rank) {
    Window *window = ARENA_NEW(run->arena, Window);
    *window = (Window){.value = value, .rank = rank};
    *(const Window **)LIST_PUSH(run->arena, &run->windows) = window;
    return window;
}

/* Windows are written from their first byte on, as far as the buffer goes. */
static void write_window(const Exec *at, int arg, uint64_t value) {
    if (absent(at, arg))
        return;
    const Buffer *buffer = buffer_of(at, arg);
    meaning_write(&at->run->slabs[at->rank], address(at, arg), buffer->offset + buffer->bytes,
                  meaning_mix(value, (uint64_t)arg));
}

static void run_pack(const Exec *at) {
    Run *run = at->run;
    uint64_t value = meaning_mix(at->value, (uint64_t)at->rank);
    uint64_t *row = ARENA_ARRAY(run->arena, at->rows + 1, uint64_t);
    for (int64_t i = 0; i < at->rows; ++i)
        value = meaning_mix(value, row[i] = row_value(at, i));
    Window *window = new_window(run, value, at->rank);
    window->rows = at->rows;
    window->row = row;
    EACH_ARG(a) {
        Grain grain;
        if (at->args[a].type != ARG_WRITE || absent(at, a))
            continue;
        if (grain_bytes(at, a, &grain) == 0) {
            write_window(at, a, value);
            continue;
        }
        for (int64_t i = 0; i < at->rows; ++i) /* where the results of a row come back */
            write_grain(at, a, i, grain_bytes(at, a, &grain), value);
    }
}

static void run_experts(const Exec *at) {
    Run *run = at->run;
    const Window *in = window_in(run, at->rank, at, 0), *meta = window_in(run, at->rank, at, 1);
    const Window *counts = window_in(run, at->rank, at, 2);
    bool sound = in && in == meta && in == counts;
    uint64_t value = meaning_mix(at->value, sound ? in->value : 1);
    Window *out = new_window(run, value, at->rank);
    out->slots = number(at->op, "slots", 0);
    out->weights = ARENA_ARRAY(run->arena, out->slots + 1, uint64_t);
    out->of = ARENA_ARRAY(run->arena, 1, const Window *);
    out->of[0] = sound ? in : NULL;
    out->count = 1;
    EACH_ARG(a)
    for (int64_t slot = 0; is_weight(at, a) && at->args[a].type != ARG_INT && slot < out->slots;
         ++slot)
        out->weights[slot] = meaning_mix(out->weights[slot], weights(at, a, slot, out->slots));
    write_scratch(at);
    EACH_ARG(a)
    if (at->args[a].type == ARG_WRITE && !absent(at, a) &&
        buffer_of(at, a)->class != BUFFER_WORKSPACE)
        write_window(at, a, value);
}

/* Did the rows that `pack` packed come to the rank that computed `out`? */
static bool has_rows(const Window *out, const Window *pack) {
    const Window *in = out->count == 1 ? out->of[0] : NULL;
    bool found = in == pack;
    for (int64_t i = 0; in && i < in->count; ++i)
        found = found || in->of[i] == pack;
    return found;
}

/* What the experts make of a row: of each expert the weights that its parts lead to, in order. */
static uint64_t expert_value(const Exec *at, const Window *pack, const Window *returned,
                             const Op *packs) {
    const Schedule *schedule = at->run->schedule;
    const RouteTable *table = &schedule->routes.items[number(packs, "routes", 0)];
    const Exchange *exchange = &schedule->exchanges.items[number(packs, "exchange", 0)];
    uint64_t value = 1;
    for (int64_t e = 0; e < at->run->model->experts; ++e)
        for (int64_t p = 0; p < table->parts; ++p) {
            int64_t cell = route_parts_at(table, at->run->model->experts, at->layer, e) + p;
            int64_t target = table->target[cell], slot = table->slot[cell];
            if (target < 0)
                continue;
            const Window *out = NULL;
            for (int64_t i = 0; i < returned->count; ++i)
                if (returned->of[i] &&
                    returned->of[i]->rank == exchange->targets.items[target].rank)
                    out = returned->of[i];
            bool sound = out && has_rows(out, pack) && slot >= 0 && slot < out->slots;
            value = meaning_mix(meaning_mix(value, (uint64_t)e), sound ? out->weights[slot] : 2);
        }
    return value;
}

/* The pack whose window this is: an operation of the rank, found by what `back` holds. */
static const Window *packed_by(const Exec *at, int back) {
    Grain grain;
    int64_t begin = address(at, back), bytes = grain_bytes(at, back, &grain);
    uint64_t value = meaning_value(&at->run->slabs[at->rank], begin, begin + bytes);
    for (int64_t i = at->run->windows.count - 1; i >= 0; --i)
        if (meaning_mix(at->run->windows.items[i]->value, mix_text(9, "back")) == value)
            return at->run->windows.items[i];
    return NULL;
}

static const Op *pack_op(const Exec *at) {
    const RankSchedule *rank = &at->run->schedule->ranks[at->rank];
    const RankStep *step = &rank->steps[at->run->step];
    for (int64_t g = 0; g < step->segments.count; ++g)
        for (int64_t i = step->segments.items[g].first;
             i < step->segments.items[g].first + step->segments.items[g].count; ++i)
            if (rank->ops.items[i].kind == OP_pack &&
                rank->ops.items[i].microbatch == at->op->microbatch)
                return &rank->ops.items[i];
    return NULL;
}

static void run_weighted_sum(const Exec *at) {
    int back = op_arg(OP_weighted_sum, "back"), out = op_arg(OP_weighted_sum, "out");
    const Window *pack = packed_by(at, back), *returned = window_in(at->run, at->rank, at, 0);
    const Op *packs = pack_op(at);
    const Window *own[1] = {returned};
    const Window self = {.count = 1, .of = own}; /* results that never left the rank */
    if (returned && returned->slots > 0)
        returned = &self;
    uint64_t made = pack && packs && returned ? expert_value(at, pack, returned, packs) : 4;
    int64_t bytes = at->run->model->hidden * at->run->element;
    uint64_t *values = ARENA_ARRAY(at->run->arena, at->rows + 1, uint64_t);
    for (int64_t i = 0; i < at->rows; ++i) {
        values[i] = meaning_mix(at->value, made);
        if (pack)
            values[i] = meaning_mix(values[i], i < pack->rows ? pack->row[i] : 8);
        for (int a = 0; a < OP_ARGS && at->args[a].type != ARG_NONE; ++a) {
            Grain grain;
            if (at->args[a].type == ARG_READ && !absent(at, a) && a != back &&
                grain_bytes(at, a, &grain) > 0)
                values[i] =
                    meaning_mix(values[i], read_grain(at, a, i, grain_bytes(at, a, &grain)));
        }
    }
    for (int64_t i = 0; i < at->rows; ++i)
        write_grain(at, out, i, bytes, values[i]);
}

/* --- kernels ------------------------------------------------------------------------------------------ */

/* Numbers that say where things lie, not what is computed. */
static bool says_where(const char *name) {
    static const char *const names[] = {"rows",    "sequences",   "tokens",   "first",
                                        "members", "cache_first", "exchange", "routes",
                                        "slots",   "report",      "columns"};
    for (size_t i = 0; i < sizeof names / sizeof *names; ++i)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

static Exec exec_of(Run *run, int64_t rank, WalkItem item) {
    Exec exec = {.run = run, .rank = rank, .layer = item.layer}, *at = &exec;
    exec.op = &run->schedule->ranks[rank].ops.items[item.op];
    exec.args = op_info[exec.op->kind].args;
    exec.tokens = number(exec.op, "tokens", 0);
    exec.sequences = number(exec.op, "sequences", 0);
    exec.rows = number(exec.op, "rows", exec.sequences * exec.tokens);
    exec.value = meaning_mix((uint64_t)exec.op->kind, 17);
    bool experts = exec.op->kind == OP_expert_ffn;
    EACH_ARG(a) {
        if (exec.args[a].type == ARG_INT && !says_where(exec.args[a].name))
            exec.value = meaning_mix(exec.value, (uint64_t)exec.op->args[a].value);
        else if (exec.args[a].type != ARG_INT && is_weight(at, a) && !experts)
            exec.value = meaning_mix(exec.value, weights(at, a, -1, 0));
    }
    return exec;
}

static void on_local(void *context, int64_t rank, WalkItem item) {
    Exec exec = exec_of(context, rank, item);
    switch ((OpKind)exec.op->kind) {
    case OP_begin:
        run_begin(&exec);
        break;
    case OP_finish:
        run_finish(&exec);
        break;
    case OP_choose:
        run_choose(&exec);
        break;
    case OP_head:
        run_head(&exec);
        break;
    case OP_pack:
        run_pack(&exec);
        break;
    case OP_expert_ffn:
        run_experts(&exec);
        break;
    case OP_weighted_sum:
        run_weighted_sum(&exec);
        break;
    default:
        run_rows(&exec);
    }
}

/* --- moves -------------------------------------------------------------------------------------------- */

static const int64_t buffer_arg = 0; /* of collectives and pairs */

static Range payload(const Exec *at, const Channel *channel, Range pieces) {
    Range bytes =
        channel_bytes(channel, pieces, number(at->op, "units", 0), number(at->op, "unit_bytes", 0));
    int64_t begin = address(at, (int)buffer_arg);
    return (Range){begin + bytes.begin, begin + bytes.end};
}

static MeaningSpans take(const Exec *at, Range bytes) {
    return meaning_copy(&at->run->slabs[at->rank], bytes.begin, bytes.end);
}

static void give(const Exec *at, Range bytes, const MeaningSpans *spans) {
    meaning_paste(&at->run->slabs[at->rank], bytes.begin, spans);
}

static void meet_transfers(Exec *members, const Channel *channel) {
    int64_t count = channel->transfers.count;
    Arena *arena = members[0].run->arena;
    MeaningSpans *sent = ARENA_ARRAY(arena, count + 1, MeaningSpans);
    for (int64_t i = 0; i < count; ++i) {
        const ChannelTransfer *transfer = &channel->transfers.items[i];
        const Exec *from = &members[transfer->from];
        sent[i] = take(from, payload(from, channel, transfer->pieces));
    }
    for (int64_t i = 0; i < count; ++i) {
        const ChannelTransfer *transfer = &channel->transfers.items[i];
        const Exec *to = &members[transfer->to];
        Range bytes = payload(to, channel, transfer->pieces);
        if (transfer->sum) {
            MeaningSpans own = take(to, bytes);
            sent[i] = meaning_add(arena, &own, &sent[i]);
        }
        give(to, bytes, &sent[i]);
    }
}

static void meet_reduce(Exec *members, int64_t count, const Channel *channel, Range own,
                        int64_t owner) {
    MeaningSpans sum = take(&members[0], payload(&members[0], channel, own));
    for (int64_t i = 1; i < count; ++i) {
        MeaningSpans more = take(&members[i], payload(&members[i], channel, own));
        sum = meaning_add(members[0].run->arena, &sum, &more);
    }
    for (int64_t i = 0; i < count; ++i) {
        Range bytes = payload(&members[i], channel, own);
        if (owner < 0 || owner == i)
            give(&members[i], bytes, &sum);
        else
            meaning_write(&members[i].run->slabs[members[i].rank], bytes.begin, bytes.end, 0xdead);
    }
}

static void meet_collective(Exec *members, int64_t count, const Channel *channel) {
    int64_t kind = members[0].op->kind;
    if (kind == OP_transfer) {
        meet_transfers(members, channel);
        return;
    }
    for (int64_t i = 0; i < (kind == OP_all_reduce ? 1 : count); ++i) {
        Range own = channel->own.items[i];
        if (kind != OP_all_gather) {
            meet_reduce(members, count, channel, own, kind == OP_all_reduce ? -1 : i);
            continue;
        }
        MeaningSpans spans = take(&members[i], payload(&members[i], channel, own));
        for (int64_t k = 0; k < count; ++k)
            if (k != i)
                give(&members[k], payload(&members[k], channel, own), &spans);
    }
}

static void meet_pair(Exec *members) {
    const Exec *from = &members[members[0].op->kind == OP_send ? 0 : 1];
    const Exec *to = &members[members[0].op->kind == OP_send ? 1 : 0];
    int64_t begin = address(from, 0), at = address(to, 0);
    MeaningSpans spans = take(from, (Range){begin, begin + number(from->op, "bytes", 0)});
    give(to, (Range){at, at + number(to->op, "bytes", 0)}, &spans);
}

/* Do the rows between a source and a target arrive, once? */
static bool arrives(const Exchange *exchange, bool back, int64_t source, int64_t target) {
    int64_t arrived = 0;
    const ExchangeHop whole = {.source = source, .target = target};
    int64_t start = exchange_hop_start(exchange, &whole, back);
    int64_t end = exchange_hop_end(exchange, &whole, back);
    if (exchange->hops[back].count == 0 || start == end)
        return true;
    for (int64_t i = 0; i < exchange->hops[back].count; ++i) {
        const ExchangeHop *hop = &exchange->hops[back].items[i];
        if (hop->source != source || hop->target != target)
            continue;
        bool has = hop->from == start;
        for (int64_t k = 0; k < i; ++k) {
            const ExchangeHop *before = &exchange->hops[back].items[k];
            has = has || (before->source == source && before->target == target &&
                          before->to == hop->from && before->stage < hop->stage);
        }
        arrived += has && hop->to == end;
    }
    return arrived == 1;
}

static Exec *end_of(Exec *members, int64_t count, int64_t rank) {
    for (int64_t i = 0; i < count; ++i)
        if (members[i].rank == rank)
            return &members[i];
    return NULL;
}

/* From each start (sources of dispatch, targets of combine) to each end. Sent are arguments 0 and on. */
static void meet_exchange(Exec *members, int64_t count, const Exchange *exchange) {
    bool back = members[0].op->kind == OP_combine;
    Run *run = members[0].run;
    int64_t starts = back ? exchange->targets.count : exchange->sources.count;
    int64_t ends = back ? exchange->sources.count : exchange->targets.count;
    const Window **sent = ARENA_ARRAY(run->arena, starts + 1, const Window *);
    for (int64_t i = 0; i < starts; ++i) {
        Exec *at = end_of(members, count,
                          back ? exchange->targets.items[i].rank : exchange->sources.items[i].rank);
        const Window *rows = at ? window_in(run, at->rank, at, 0) : NULL;
        bool sound = rows && rows == window_in(run, at->rank, at, 1) &&
                     (back || rows == window_in(run, at->rank, at, 2));
        sent[i] = sound ? rows : NULL;
    }
    for (int64_t i = 0; i < ends; ++i) {
        Exec *at = end_of(members, count,
                          back ? exchange->sources.items[i].rank : exchange->targets.items[i].rank);
        if (!at)
            continue;
        uint64_t value = meaning_mix(at->value, (uint64_t)at->rank);
        const Window **of = ARENA_ARRAY(run->arena, starts + 1, const Window *);
        for (int64_t k = 0; k < starts; ++k) {
            of[k] = arrives(exchange, back, back ? i : k, back ? k : i) ? sent[k] : NULL;
            value = meaning_mix(value, of[k] ? of[k]->value : 6);
        }
        Window *got = new_window(run, value, at->rank);
        got->of = of;
        got->count = starts;
        for (int a = 0; a < OP_ARGS && at->args[a].type != ARG_NONE; ++a)
            if (at->args[a].type == ARG_WRITE)
                write_window(at, a, value);
    }
}

static void on_meet(void *context, const WalkMeeting *meeting) {
    Run *run = context;
    Exec *members = ARENA_ARRAY(run->arena, meeting->count + 1, Exec);
    for (int64_t i = 0; i < meeting->count; ++i) {
        members[i] = exec_of(run, meeting->ranks[i], meeting->items[i]);
        if (members[i].op->kind == OP_transfer)
            write_scratch(&members[i]);
    }
    const Channel *channel = &run->schedule->channels.items[meeting->channel];
    if (meeting->exchange >= 0)
        meet_exchange(members, meeting->count, &run->schedule->exchanges.items[meeting->exchange]);
    else if (op_info[members[0].op->kind].class == OPCLASS_PAIR)
        meet_pair(members);
    else
        meet_collective(members, meeting->count, channel);
}

/* --- the whole ---------------------------------------------------------------------------------------- */

static Run begin(Arena *arena, const Schedule *schedule) {
    const PlanInputs *inputs = &schedule->plan->inputs;
    Run run = {.schedule = schedule, .model = &inputs->model, .arena = arena};
    run.element = element_bytes(inputs->workload.dtype);
    run.sequences = schedule->plan->copies * plan_copy_batch(schedule->plan);
    run.slabs = ARENA_ARRAY(arena, schedule->world, MeaningSlab);
    run.table = ARENA_ARRAY(arena, schedule->world, uint64_t *);
    for (int64_t r = 0; r < schedule->world; ++r) {
        run.slabs[r].arena = arena;
        run.table[r] = ARENA_ARRAY(arena, run.sequences, uint64_t);
        for (int64_t s = 0; s < run.sequences; ++s)
            run.table[r][s] = meaning_mix((uint64_t)s, 23);
    }
    return run;
}

uint64_t mutate_meaning(Arena *arena, const Schedule *schedule) {
    Arena scratch = {0};
    Run run = begin(&scratch, schedule);
    uint64_t meaning = 1;
    for (run.call = 0; meaning && run.call < CALLS; ++run.call) {
        WalkVisitor visitor = {.context = &run, .local = on_local, .meet = on_meet};
        WalkStuck stuck;
        run.step = run.call == 0 ? 0 : schedule->plan->steps.count - 1;
        run.results = ARENA_ARRAY(&scratch, run.sequences, uint64_t);
        if (!walk_run(schedule, run.step, &visitor, &scratch, &stuck))
            meaning = 0;
        for (int64_t s = 0; meaning && s < run.sequences; ++s)
            meaning = meaning_mix(meaning, run.results[s]);
    }
    arena_free(&scratch);
    return meaning;
}
