/* mutate_layout: operators over buffers, holdings, slabs and the tables of roles. Ranks of a role have one layout, so
 * that buffers are broken in one rank or in all of its role. */
#include "mutate.h"

#include <string.h>

/* --- buffers ------------------------------------------------------------------------------------------ */

typedef bool (*BufferEdit)(Mutant *m, RankSchedule *rank, int64_t buffer, int64_t variant,
                           bool apply);

static void each_buffer(Mutant *m, int64_t variants, BufferEdit edit) {
    for (int64_t r = 0; r < m->schedule->world; ++r) {
        RankSchedule *rank = &m->schedule->ranks[r];
        const IntList ranks = m->schedule->roles.items[rank->role].ranks;
        for (int64_t b = 0; b < rank->buffers.count; ++b)
            for (int64_t v = 0; v < variants; ++v)
                for (int all = 0; all <= (ranks.count > 1); ++all) {
                    if (!edit(m, rank, b, v, false) ||
                        !mutate_here(m, "rank %lld buffer %s, variant %lld%s", (long long)r,
                                     rank->buffers.items[b].name, (long long)v,
                                     all ? ", its role" : ""))
                        continue;
                    for (int64_t i = 0; i < ranks.count; ++i)
                        if (all || ranks.items[i] == r)
                            edit(m, &m->schedule->ranks[ranks.items[i]], b, v, true);
                    mutate_fold(m->arena, m->schedule);
                    return;
                }
    }
}

static bool edit_shrink(Mutant *m, RankSchedule *rank, int64_t b, int64_t v, bool apply) {
    Buffer *buffer = &rank->buffers.items[b];
    if (buffer->bytes < 8)
        return false;
    if (apply)
        buffer->bytes = v ? buffer->bytes / 2 : buffer->bytes - 4;
    return true;
}

/* To where another buffer lies: the n-th behind it. */
static bool edit_overlap(Mutant *m, RankSchedule *rank, int64_t b, int64_t v, bool apply) {
    const Buffer *other = &rank->buffers.items[(b + 1 + v) % rank->buffers.count];
    Buffer *buffer = &rank->buffers.items[b];
    if (other->offset == buffer->offset)
        return false;
    if (apply)
        buffer->offset = other->offset;
    return true;
}

static bool edit_offset(Mutant *m, RankSchedule *rank, int64_t b, int64_t v, bool apply) {
    static const int64_t by[] = {256, -256, 16, -16, 4, 1024};
    if (apply)
        rank->buffers.items[b].offset += by[v];
    return true;
}

static bool edit_stride(Mutant *m, RankSchedule *rank, int64_t b, int64_t v, bool apply) {
    Buffer *buffer = &rank->buffers.items[b];
    const int64_t to[] = {buffer->layer_stride - 16, buffer->layer_stride / 2, 0,
                          buffer->layer_stride + 256};
    if (!buffer->per_layer)
        return false;
    if (apply)
        buffer->layer_stride = to[v];
    return true;
}

static bool edit_layers(Mutant *m, RankSchedule *rank, int64_t b, int64_t v, bool apply) {
    Buffer *buffer = &rank->buffers.items[b];
    if (!buffer->per_layer)
        return false;
    if (apply)
        *(v < 2 ? &buffer->first_layer : &buffer->layers) += v % 2 ? 1 : -1;
    return true;
}

static bool edit_class(Mutant *m, RankSchedule *rank, int64_t b, int64_t v, bool apply) {
    if (apply)
        rank->buffers.items[b].class = (rank->buffers.items[b].class + 1 + v) % 5;
    return true;
}

static bool edit_step(Mutant *m, RankSchedule *rank, int64_t b, int64_t v, bool apply) {
    Buffer *buffer = &rank->buffers.items[b];
    int64_t steps = m->plan->steps.count;
    if (apply)
        buffer->step = (buffer->step + 1 + v + 1) % (steps + 1) - 1;
    return v < steps;
}

static bool edit_per_layer(Mutant *m, RankSchedule *rank, int64_t b, int64_t v, bool apply) {
    if (apply)
        rank->buffers.items[b].per_layer = !rank->buffers.items[b].per_layer;
    return true;
}

static void shrink(Mutant *m) {
    each_buffer(m, 2, edit_shrink);
}
static void overlap(Mutant *m) {
    each_buffer(m, 12, edit_overlap);
}
static void offset(Mutant *m) {
    each_buffer(m, 6, edit_offset);
}
static void stride(Mutant *m) {
    each_buffer(m, 4, edit_stride);
}
static void layers(Mutant *m) {
    each_buffer(m, 4, edit_layers);
}
static void class(Mutant *m) {
    each_buffer(m, 4, edit_class);
}
static void step(Mutant *m) {
    each_buffer(m, 3, edit_step);
}
static void per_layer(Mutant *m) {
    each_buffer(m, 1, edit_per_layer);
}

/* --- holdings ----------------------------------------------------------------------------------------- */

typedef bool (*HoldingEdit)(Mutant *m, RankSchedule *rank, int64_t index, int64_t variant,
                            bool apply);

static void each_holding(Mutant *m, int64_t variants, HoldingEdit edit) {
    for (int64_t r = 0; r < m->schedule->world; ++r) {
        RankSchedule *rank = &m->schedule->ranks[r];
        for (int64_t i = 0; i < rank->holdings.count; ++i)
            for (int64_t v = 0; v < variants; ++v) {
                const Holding *holding = &rank->holdings.items[i];
                if (!edit(m, rank, i, v, false) ||
                    !mutate_here(m, "rank %lld holding %lld of %s, variant %lld", (long long)r,
                                 (long long)i, tensor_kind_names[holding->tensor], (long long)v))
                    continue;
                edit(m, rank, i, v, true);
                return;
            }
    }
}

static bool edit_lost(Mutant *m, RankSchedule *rank, int64_t i, int64_t v, bool apply) {
    if (apply)
        MUTATE_DROP(&rank->holdings, i);
    return true;
}
static bool edit_doubled(Mutant *m, RankSchedule *rank, int64_t i, int64_t v, bool apply) {
    if (apply)
        MUTATE_DOUBLE(m->arena, &rank->holdings, i);
    if (apply && v)
        rank->holdings.items[i + 1].primary = !rank->holdings.items[i].primary;
    return true;
}
static bool edit_primary(Mutant *m, RankSchedule *rank, int64_t i, int64_t v, bool apply) {
    if (apply)
        rank->holdings.items[i].primary = !rank->holdings.items[i].primary;
    return true;
}
static bool edit_expert(Mutant *m, RankSchedule *rank, int64_t i, int64_t v, bool apply) {
    Holding *holding = &rank->holdings.items[i];
    if (holding->expert < 0)
        return false;
    if (apply)
        holding->expert = (holding->expert + 1 + v) % m->plan->inputs.model.experts;
    return true;
}
/* Rows, columns, layers: begin or end, on or back; both. */
static bool edit_range(Range *range, int64_t v, bool apply) {
    if (apply && (v < 2 || v >= 4))
        range->begin += v % 2 ? -1 : 1;
    if (apply && v >= 2)
        range->end += v % 2 ? -1 : 1;
    return true;
}
static bool edit_rows(Mutant *m, RankSchedule *rank, int64_t i, int64_t v, bool apply) {
    return edit_range(&rank->holdings.items[i].rows, v, apply);
}
static bool edit_columns(Mutant *m, RankSchedule *rank, int64_t i, int64_t v, bool apply) {
    return edit_range(&rank->holdings.items[i].columns, v, apply);
}
static bool edit_held_layers(Mutant *m, RankSchedule *rank, int64_t i, int64_t v, bool apply) {
    return edit_range(&rank->holdings.items[i].layers, v, apply);
}
static bool edit_place(Mutant *m, RankSchedule *rank, int64_t i, int64_t v, bool apply) {
    Holding *holding = &rank->holdings.items[i];
    int64_t row = holding->pitch * element_bytes(holding->type);
    const int64_t by[] = {row, -row, 4, -4};
    if (apply)
        holding->delta += by[v];
    return true;
}
static bool edit_pitch(Mutant *m, RankSchedule *rank, int64_t i, int64_t v, bool apply) {
    if (apply)
        rank->holdings.items[i].pitch += v ? 1 : -1;
    return true;
}
static bool edit_type(Mutant *m, RankSchedule *rank, int64_t i, int64_t v, bool apply) {
    if (apply)
        rank->holdings.items[i].type = (rank->holdings.items[i].type + 1 + v) % 3;
    return true;
}
static bool edit_tensor(Mutant *m, RankSchedule *rank, int64_t i, int64_t v, bool apply) {
    const Model *model = &m->plan->inputs.model;
    Holding *holding = &rank->holdings.items[i];
    int64_t to = holding->tensor + (v ? 1 : -1);
    if (to < 0 || to >= TENSOR_KINDS || !model_has(model, (TensorKind)to))
        return false;
    if (apply)
        holding->tensor = to;
    return true;
}
static bool edit_of_rank(Mutant *m, RankSchedule *rank, int64_t i, int64_t v, bool apply) {
    if (apply)
        rank->holdings.items[i].rank = (rank->rank + 1) % m->schedule->world;
    return m->schedule->world > 1;
}
static bool edit_in_buffer(Mutant *m, RankSchedule *rank, int64_t i, int64_t v, bool apply) {
    Holding *holding = &rank->holdings.items[i];
    if (apply)
        holding->buffer = (holding->buffer + 1 + v) % rank->buffers.count;
    return true;
}

static void lost(Mutant *m) {
    each_holding(m, 1, edit_lost);
}
static void doubled(Mutant *m) {
    each_holding(m, 2, edit_doubled);
}
static void primary(Mutant *m) {
    each_holding(m, 1, edit_primary);
}
static void expert(Mutant *m) {
    each_holding(m, 2, edit_expert);
}
static void rows(Mutant *m) {
    each_holding(m, 6, edit_rows);
}
static void columns(Mutant *m) {
    each_holding(m, 6, edit_columns);
}
static void held_layers(Mutant *m) {
    each_holding(m, 6, edit_held_layers);
}
static void place(Mutant *m) {
    each_holding(m, 4, edit_place);
}
static void pitch(Mutant *m) {
    each_holding(m, 2, edit_pitch);
}
static void type(Mutant *m) {
    each_holding(m, 2, edit_type);
}
static void tensor(Mutant *m) {
    each_holding(m, 2, edit_tensor);
}
static void of_rank(Mutant *m) {
    each_holding(m, 1, edit_of_rank);
}
static void in_buffer(Mutant *m) {
    each_holding(m, 3, edit_in_buffer);
}

/* --- slabs and roles ---------------------------------------------------------------------------------- */

/* The slab and the state range in it: of a rank, of its role with all its ranks, of the role alone. */
static void each_slab(Mutant *m, int64_t variants,
                      void (*edit)(int64_t *slab, int64_t *offset, int64_t *bytes, int64_t v)) {
    static const char *const who[] = {"a rank of", "all of", "the table of"};
    for (int64_t i = 0; i < m->schedule->roles.count; ++i)
        for (int64_t v = 0; v < variants; ++v)
            for (int scope = 0; scope < 3; ++scope) {
                Role *role = &m->schedule->roles.items[i];
                if (!mutate_here(m, "%s role %s, variant %lld", who[scope], role->name,
                                 (long long)v))
                    continue;
                for (int64_t r = 0; scope < 2 && r < (scope ? role->ranks.count : 1); ++r) {
                    RankSchedule *rank = &m->schedule->ranks[role->ranks.items[r]];
                    edit(&rank->slab_bytes, &rank->state_offset, &rank->state_bytes, v);
                }
                if (scope > 0)
                    edit(&role->slab_bytes, &role->state_offset, &role->state_bytes, v);
                return;
            }
}

static void edit_slab(int64_t *slab, int64_t *offset_, int64_t *bytes, int64_t v) {
    *slab = v ? *slab / 2 : *slab - 256;
}
static void edit_state(int64_t *slab, int64_t *offset_, int64_t *bytes, int64_t v) {
    *offset_ += v == 0 ? 256 : v == 1 ? -256 : 0;
    *bytes += v == 2 ? 256 : v == 3 ? -256 : 0;
    *bytes = v == 4 ? 0 : *bytes;
}
static void slab(Mutant *m) {
    each_slab(m, 2, edit_slab);
}
static void state(Mutant *m) {
    each_slab(m, 5, edit_state);
}

/* Numbers of the table that the emitted program reads instead of the ranks' own. */
static void column(Mutant *m) {
    for (int64_t i = 0; i < m->schedule->roles.count; ++i) {
        Role *role = &m->schedule->roles.items[i];
        for (int64_t c = 0; c < role->columns.count; ++c)
            for (int64_t r = 0; r < role->ranks.count; ++r) {
                if (!mutate_here(m, "role %s, column %s, rank %lld", role->name,
                                 role->columns.items[c].name, (long long)role->ranks.items[r]))
                    continue;
                ++role->columns.items[c].values[r];
                return;
            }
    }
}

/* A field that stands in a column is a literal, or the reverse, or stands in another column. */
static void column_of(Mutant *m) {
    for (int64_t i = 0; i < m->schedule->roles.count; ++i) {
        Role *role = &m->schedule->roles.items[i];
        int64_t ops = m->schedule->ranks[role->ranks.items[0]].ops.count;
        for (int64_t f = 0; role->columns.count > 1 && f < ops * OP_FIELDS; ++f)
            for (int v = 0; v < 2; ++v) {
                if (role->column_of[f] < 0 ||
                    !mutate_here(m, "role %s, operation %lld, field %lld, variant %d", role->name,
                                 (long long)(f / OP_FIELDS), (long long)(f % OP_FIELDS), v))
                    continue;
                role->column_of[f] =
                    (int16_t)(v ? -1 : (role->column_of[f] + 1) % role->columns.count);
                return;
            }
    }
}

static void role_of(Mutant *m) {
    for (int64_t r = 0; m->schedule->roles.count > 1 && r < m->schedule->world; ++r) {
        if (!mutate_here(m, "rank %lld", (long long)r))
            continue;
        m->schedule->ranks[r].role = (m->schedule->ranks[r].role + 1) % m->schedule->roles.count;
        return;
    }
}

static void role_ranks(Mutant *m) {
    for (int64_t i = 0; i < m->schedule->roles.count; ++i)
        for (int64_t r = 0; r < m->schedule->roles.items[i].ranks.count; ++r)
            for (int v = 0; v < 3; ++v) {
                IntList *ranks = &m->schedule->roles.items[i].ranks;
                if ((v == 2 && r + 1 >= ranks->count) || (v == 0 && ranks->count == 1) ||
                    !mutate_here(m, "role %s, rank %lld, variant %d",
                                 m->schedule->roles.items[i].name, (long long)ranks->items[r], v))
                    continue;
                if (v == 0)
                    MUTATE_DROP(ranks, r);
                else if (v == 1)
                    MUTATE_DOUBLE(m->arena, ranks, r);
                else
                    MUTATE_SWAP(int64_t, ranks->items[r], ranks->items[r + 1]);
                return;
            }
}

static const MutantOperator operators[] = {
    {"buffer-shrink", "a buffer has an element or half less", shrink,
     "the buffer has bytes that nothing touches"},
    {"buffer-overlap", "a buffer lies where another one does", overlap,
     "both do not live at once, or touch other bytes"},
    {"buffer-offset", "a buffer lies some bytes off", offset,
     "nothing that lives at once lies there"},
    {"buffer-stride", "the layers of a buffer lie at another distance", stride,
     "the layers lie further apart, over nothing"},
    {"buffer-layers", "a buffer has its layers one off", layers, NULL},
    {"buffer-class", "a buffer is of another class", class,
     "activations and windows differ in the ledger and in the rule that bounds them"},
    {"buffer-step", "a buffer belongs to another step, or to none", step, NULL},
    {"buffer-per-layer", "a buffer has a copy a layer, or the reverse", per_layer, NULL},
    {"holding-lost", "a slice is not held", lost, NULL},
    {"holding-doubled", "a slice is held twice, once as a copy or not", doubled, NULL},
    {"holding-primary", "a primary is marked as a copy, or the reverse", primary, NULL},
    {"holding-expert", "a slice is of another expert", expert, NULL},
    {"holding-rows", "a slice begins or ends a row off", rows, NULL},
    {"holding-columns", "a slice begins or ends a column off", columns, NULL},
    {"holding-layers", "a slice begins or ends a layer off", held_layers, NULL},
    {"holding-delta", "a slice lies a row or an element off", place, NULL},
    {"holding-pitch", "rows of a slice lie an element nearer or further", pitch, NULL},
    {"holding-type", "a slice is of another type", type, NULL},
    {"holding-tensor", "a slice is of the tensor before or behind", tensor, NULL},
    {"holding-rank", "a slice is said to be another rank's", of_rank, NULL},
    {"holding-buffer", "a slice lies in another buffer", in_buffer, NULL},
    {"slab-bytes", "the slab is too small", slab, NULL},
    {"slab-state", "the range that is cleared for each wave is another one", state,
     "there is no state, or the range was empty"},
    {"role-column", "a number in the table of a role is one off", column, NULL},
    {"role-field", "a field is read from another column, or is a literal", column_of,
     "both columns, or column and literal, have the same numbers"},
    {"role-of", "a rank has another role", role_of, NULL},
    {"role-ranks", "a role lacks a rank, has one twice or two in each other's place", role_ranks,
     NULL},
};

const MutantTable mutate_layout_table = {OF_SCHEDULE, operators,
                                         sizeof operators / sizeof *operators};
