/* meaning_kernels: what kernels make of symbols: row by row, experts by the weights that routes lead to. */
#include "meaning_run.h"

#include <string.h>

static void run_rows(const Exec *at) {
    uint64_t *values = ARENA_ARRAY(at->run->arena, at->rows + 1, uint64_t);
    for (int64_t i = 0; i < at->rows; ++i)
        values[i] = meaning_row_value(at, i);
    meaning_write_scratch(at);
    for (int64_t i = 0; i < at->rows; ++i) {
        int64_t first = at->tokens > 0 ? i / at->tokens * at->tokens : i;
        uint64_t value = values[i], sequence = 0;
        for (int64_t t = first; meaning_by_sequence(at->op) && t < first + at->tokens; ++t)
            sequence = meaning_mix(sequence, values[t]);
        EACH_ARG(a) {
            Grain grain;
            int64_t bytes = at->args[a].type == ARG_INT ? 0 : meaning_grain_bytes(at, a, &grain);
            if (bytes == 0 || absent(at, a) || !writes(at, a))
                continue;
            if (grain == OF_ROWS)
                meaning_write_grain(at, a, i, bytes, meaning_mix(value, sequence));
            else if (i + 1 == first + at->tokens) /* the last row of the sequence is in too */
                meaning_write_grain(at, a, meaning_grain_index(at, grain, i), bytes,
                                    sequence ? sequence : value);
        }
    }
}

/* --- requests ----------------------------------------------------------------------------------------- */

static void run_begin(const Exec *at) {
    int64_t first = meaning_number(at->op, "first", 0);
    for (int64_t i = 0; i < at->rows; ++i) {
        int64_t sequence = first + i / at->tokens;
        uint64_t token =
            sequence >= 0 && sequence < at->run->sequences ? at->run->table[at->rank][sequence] : 0;
        uint64_t place = meaning_mix((uint64_t)(at->run->call * 1000 + i % at->tokens), 5);
        if (!absent(at, 0))
            meaning_write_grain(at, 0, i, 4, meaning_mix(token, place));
        if (!absent(at, 1))
            meaning_write_grain(at, 1, i, 4, meaning_mix((uint64_t)sequence, place));
    }
}

static void run_finish(const Exec *at) {
    int64_t first = meaning_number(at->op, "first", 0);
    for (int64_t i = 0; i < at->sequences; ++i) {
        uint64_t token = meaning_read_grain(at, 0, i, 4);
        if (first + i < 0 || first + i >= at->run->sequences)
            continue;
        at->run->table[at->rank][first + i] = token;
        if (meaning_number(at->op, "report", 0))
            at->run->results[first + i] += meaning_mix(token, 3);
    }
}

/* The largest of all members: in which order they stand is of no account. */
static void run_choose(const Exec *at) {
    int64_t members = meaning_number(at->op, "members", 0);
    for (int64_t i = 0; i < at->sequences; ++i) {
        uint64_t sum = 0;
        for (int64_t m = 0; m < members; ++m)
            sum += meaning_mix(
                meaning_read_grain(at, 0, m * at->sequences + i, meaning_told_bytes(at)), 11);
        meaning_write_grain(at, 1, i, 4, sum);
    }
}

static void run_head(const Exec *at) {
    for (int64_t i = 0; i < at->sequences; ++i)
        meaning_write_grain(at, op_arg(OP_head, "best"), i, meaning_told_bytes(at),
                            meaning_row_value(at, (i + 1) * at->tokens - 1));
    meaning_write_scratch(at);
}

/* --- experts ------------------------------------------------------------------------------------------ */

static void run_pack(const Exec *at) {
    Run *run = at->run;
    uint64_t value = meaning_mix(at->value, (uint64_t)at->rank);
    uint64_t *row = ARENA_ARRAY(run->arena, at->rows + 1, uint64_t);
    for (int64_t i = 0; i < at->rows; ++i)
        value = meaning_mix(value, row[i] = meaning_row_value(at, i));
    Window *window = meaning_new_window(run, value, at->rank);
    window->rows = at->rows;
    window->row = row;
    EACH_ARG(a) {
        Grain grain;
        if (at->args[a].type != ARG_WRITE || absent(at, a))
            continue;
        if (meaning_grain_bytes(at, a, &grain) == 0) {
            meaning_write_window(at, a, value);
            continue;
        }
        for (int64_t i = 0; i < at->rows; ++i) /* where the results of a row come back */
            meaning_write_grain(at, a, i, meaning_grain_bytes(at, a, &grain), value);
    }
}

static void run_experts(const Exec *at) {
    Run *run = at->run;
    const Window *in = meaning_window_in(run, at->rank, at, 0),
                 *meta = meaning_window_in(run, at->rank, at, 1);
    const Window *counts = meaning_window_in(run, at->rank, at, 2);
    bool sound = in && in == meta && in == counts;
    uint64_t value = meaning_mix(at->value, sound ? in->value : 1);
    int64_t first = meaning_number(at->op, "first", 0), slots = meaning_number(at->op, "slots", 0);
    const Window *before = meaning_window_in(run, at->rank, at, op_arg(OP_expert_ffn, "out"));
    Window *out = meaning_new_window(run, value, at->rank);
    out->slots = meaning_number(at->op, "held", 0);
    out->weights = ARENA_ARRAY(run->arena, out->slots + 1, uint64_t);
    bool joins = sound && before && before->count == 1 && before->of[0] == in &&
                 before->slots == out->slots; /* results of other slots stay */
    for (int64_t slot = 0; joins && slot < out->slots; ++slot)
        out->weights[slot] = slot < first || slot >= first + slots ? before->weights[slot] : 0;
    out->of = ARENA_ARRAY(run->arena, 1, const Window *);
    out->of[0] = sound ? in : NULL;
    out->count = 1;
    EACH_ARG(a)
    for (int64_t slot = 0; meaning_is_weight(at, a) && at->args[a].type != ARG_INT &&
                           slot < slots && first + slot < out->slots;
         ++slot)
        out->weights[first + slot] =
            meaning_mix(out->weights[first + slot], meaning_weights(at, a, slot, slots));
    meaning_write_scratch(at);
    EACH_ARG(a)
    if (at->args[a].type == ARG_WRITE && !absent(at, a) &&
        buffer_of(at, a)->class != BUFFER_WORKSPACE)
        meaning_write_window(at, a, value);
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
    const RouteTable *table = &schedule->routes.items[meaning_number(packs, "routes", 0)];
    const Exchange *exchange = &schedule->exchanges.items[meaning_number(packs, "exchange", 0)];
    uint64_t value = 1;
    for (int64_t e = 0; e < schedule->experts; ++e)
        for (int64_t p = 0; p < table->parts; ++p) {
            int64_t cell = route_parts_at(table, schedule->experts, at->layer, e) + p;
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
    int64_t begin = meaning_address(at, back), bytes = meaning_grain_bytes(at, back, &grain);
    uint64_t value = meaning_value(&at->run->slabs[at->rank], begin, begin + bytes);
    for (int64_t i = at->run->windows.count - 1; i >= 0; --i)
        if (meaning_mix(at->run->windows.items[i]->value, meaning_mix_text(9, "back")) == value)
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
    const Window *pack = packed_by(at, back),
                 *returned = meaning_window_in(at->run, at->rank, at, 0);
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
                meaning_grain_bytes(at, a, &grain) > 0)
                values[i] = meaning_mix(
                    values[i], meaning_read_grain(at, a, i, meaning_grain_bytes(at, a, &grain)));
        }
    }
    for (int64_t i = 0; i < at->rows; ++i)
        meaning_write_grain(at, out, i, bytes, values[i]);
}

/* --- all ---------------------------------------------------------------------------------------------- */

void meaning_local(void *context, int64_t rank, WalkItem item) {
    Exec exec = meaning_exec_of(context, rank, item);
    meaning_note(&exec);
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
