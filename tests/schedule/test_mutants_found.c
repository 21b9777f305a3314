/* Mutants that the tables of operators (mutants.c) found unrefused: each was a hole in the proof, and has its rule now. */
#include "mutant.h"

#define GROUPS "ep:ep=2,tp=3"
#define PAIRWISE "ep:ep=4,exchange=pairwise,moves=exact"
#define RECURSIVE "tp:tp=6,output=recursive"
#define TENSOR "tp:tp=4,output=flat"
#define GRID                                                                                       \
    "ma-separation:attention=4,experts=2,groups=2,microbatches=2,output=flat,embedding=split"

static Op *op_of(Fixture *f, int64_t rank, OpKind kind, int64_t n) {
    return &f->schedule.ranks[rank].ops.items[fixture_op(f, rank, kind, n)];
}

/* --- what all layers do alike ------------------------------------------------------------------------- */

/* The table of a role has a row for each operation: one more, like that of `id`. */
static void double_row(Fixture *f, Role *role, int64_t ops, int64_t id) {
    int16_t *rows = ARENA_ARRAY(&f->arena, (ops + 1) * OP_FIELDS, int16_t);
    for (int64_t i = 0; i <= ops; ++i)
        memcpy(rows + i * OP_FIELDS, role->column_of + (i > id ? i - 1 : i) * OP_FIELDS,
               OP_FIELDS * sizeof *rows);
    role->column_of = rows;
}

/* The copy goes in behind it, so that ids after it move. */
static void add_twice(Fixture *f) {
    RankSchedule *of = &f->schedule.ranks[0];
    int64_t id = fixture_op(f, 0, OP_add, 0);
    double_row(f, &f->schedule.roles.items[of->role], of->ops.count, id);
    LIST_PUSH(&f->arena, &of->ops);
    memmove(&of->ops.items[id + 1], &of->ops.items[id],
            (size_t)(of->ops.count - id - 1) * sizeof *of->ops.items);
    for (int64_t s = 0; s < f->plan.steps.count; ++s)
        for (int64_t g = 0; g < of->steps[s].segments.count; ++g) {
            Segment *segment = &of->steps[s].segments.items[g];
            if (segment->first > id)
                ++segment->first;
            else if (id < segment->first + segment->count)
                ++segment->count;
        }
    for (int64_t i = 0; i < of->ops.count; ++i)
        for (int w = 0; w < OP_WAITS; ++w)
            of->ops.items[i].waits[w] += of->ops.items[i].waits[w] > id;
}
/* The norm before experts takes the residual without attention, in all layers. */
static void norm_before_add(Fixture *f) {
    int64_t add = fixture_op(f, 0, OP_add, 0);
    swap_ops(f, 0, add, add + 1);
}
static void keys_for_values(Fixture *f) {
    for (int64_t rank = 0; rank < f->schedule.world; ++rank) {
        OpValue *keys = fixture_arg(f, rank, fixture_op(f, rank, OP_attention, 0), "keys");
        OpValue *values = fixture_arg(f, rank, fixture_op(f, rank, OP_attention, 0), "values");
        OpValue kept = *keys;
        *keys = *values;
        *values = kept;
    }
}
static void one_brings_another(Fixture *f) {
    int64_t op = fixture_op(f, 1, OP_all_reduce, 0);
    const Op *of = &f->schedule.ranks[1].ops.items[op];
    f->schedule.channels.items[of->channel].move = MOVE_FFN_OUTPUT;
}
/* The owner of no row has no row to give: what it has is of before. */
static void gather_nothing(Fixture *f) {
    for (int64_t rank = 0; rank < 2; ++rank)
        for (int64_t i = 0; i < f->schedule.ranks[rank].ops.count; ++i)
            if (f->schedule.ranks[rank].ops.items[i].kind == OP_all_gather)
                fixture_arg(f, rank, i, "units")->value = 0;
}

/* --- weights ------------------------------------------------------------------------------------------ */

static void no_bias(Fixture *f) {
    fixture_arg(f, 0, fixture_op(f, 0, OP_dense_ffn, 0), "gate_bias")->value = -1;
}
static void no_result_bias(Fixture *f) {
    fixture_arg(f, 0, fixture_op(f, 0, OP_expert_ffn, 0), "down_bias")->value = -1;
}
static void bias_of_another_norm(Fixture *f) {
    OpValue *bias = fixture_arg(f, 0, fixture_op(f, 0, OP_layer_norm, 0), "bias");
    bias->value = fixture_buffer(f, 0, "ffn_norm_bias");
}
static void embedding_for_head(Fixture *f) {
    OpValue *weight = fixture_arg(f, 0, fixture_op(f, 0, OP_head, 0), "weight");
    weight->value = fixture_buffer(f, 0, "embedding");
}
static void all_layers_in_one_place(Fixture *f) {
    for (int64_t rank = 0; rank < f->schedule.world; ++rank)
        buffer_of(f, rank, "router")->per_layer = false;
}
static void all_layers_in_one_cache(Fixture *f) {
    for (int64_t rank = 0; rank < f->schedule.world; ++rank)
        buffer_of(f, rank, "keys")->per_layer = false;
}
static void held_as_copy_too(Fixture *f) {
    Holding *copy = LIST_PUSH(&f->arena, &f->schedule.ranks[0].holdings);
    *copy = *fixture_holding(f, 0, TENSOR_EXPERT_UP, 0);
    copy->primary = false;
}
static void clears_weights(Fixture *f) {
    for (int64_t rank = 0; rank < f->schedule.world; ++rank) {
        RankSchedule *of = &f->schedule.ranks[rank];
        of->state_offset -= 256;
        of->state_bytes += 256;
        f->schedule.roles.items[of->role].state_offset = of->state_offset;
        f->schedule.roles.items[of->role].state_bytes = of->state_bytes;
    }
}

/* A part of a bias is no bias, in a copy too. */
static void part_of_bias(Fixture *f) {
    --fixture_holding(f, 3, TENSOR_DENSE_DOWN_BIAS, 0)->rows.end;
}
/* Of the second group, which holds copies. */
static void down_of_other_columns(Fixture *f) {
    Holding *down = fixture_holding(f, 5, TENSOR_DENSE_DOWN, 0);
    --down->columns.begin;
    --down->columns.end;
}
static void other_part(Fixture *f) {
    op_of(f, 0, OP_attention, 0)->part = PART_EXPERTS;
}
static void in_all_steps(Fixture *f) {
    for (int64_t rank = 0; rank < f->schedule.world; ++rank)
        buffer_of(f, rank, "prefill_mixed_m0")->step = -1;
}

/* --- tables ------------------------------------------------------------------------------------------- */

static void fewer_candidates(Fixture *f) {
    --fixture_arg(f, 1, fixture_op(f, 1, OP_choose, 0), "members")->value;
}
static void no_such_step(Fixture *f) {
    f->schedule.exchanges.items[0].step = 2;
}
static void other_parts(Fixture *f) {
    ++f->schedule.routes.items[0].parts;
}
static void within_one_rank(Fixture *f) {
    f->schedule.exchanges.items[0].local = true;
}
static void of_another_rank(Fixture *f) {
    f->schedule.ranks[0].holdings.items[0].rank = 1;
}
static void nothing_to_move(Fixture *f) {
    op_of(f, 0, OP_all_reduce, 0)->args[0].value = -1;
}
static void other_sequences(Fixture *f) {
    ++f->schedule.exchanges.items[0].sources.items[1].first_sequence;
}
static void exact_for_padded(Fixture *f) {
    Exchange *exchange = &f->schedule.exchanges.items[f->schedule.exchanges.count - 1];
    exchange->mode = exchange->mode == MODE_EXACT ? MODE_PADDED : MODE_EXACT;
}
static void small_slab_in_table(Fixture *f) {
    f->schedule.roles.items[0].slab_bytes -= 256;
}
static void ranks_swapped_in_role(Fixture *f) {
    int64_t *ranks = f->schedule.roles.items[0].ranks.items, kept = ranks[1];
    ranks[1] = ranks[2];
    ranks[2] = kept;
}
static void wait_in_table_only(Fixture *f) {
    for (int64_t i = 0; i < f->schedule.ranks[0].ops.count; ++i)
        f->schedule.ranks[0].ops.items[i].waits[0] = -1;
}
static void short_prompts(Fixture *f) {
    --f->plan.steps.items[0].tokens;
}
static void long_chunks(Fixture *f) {
    f->schedule.exchanges.items[0].chunk = (int64_t)INT32_MAX + 1;
}
static void all_in_flight(Fixture *f) {
    f->schedule.exchanges.items[0].in_flight = INT64_MAX;
}
static void no_decode(Fixture *f) {
    f->plan.steps.items[1].phase = PHASE_PREFILL;
}

static const Mutant mutants[] = {
    {"add twice", MIXTRAL, PAIRWISE, "provenance.flow", add_twice},
    {"norm before add, in all layers", MIXTRAL, "single", "provenance.flow", norm_before_add},
    {"keys for values", MIXTRAL, PAIRWISE, "provenance.flow", keys_for_values},
    {"another move's channel", MIXTRAL, TENSOR, "provenance.flow", one_brings_another},
    {"gather nothing", MIXTRAL, GRID, "provenance.gather", gather_nothing},
    {"no bias", LATENT_GATED, GROUPS, "coverage.loaded", no_bias},
    {"no bias of the result", LATENT_GATED, GROUPS, "coverage.loaded", no_result_bias},
    {"part of a bias", LATENT_GATED, GROUPS, "coverage.loaded", part_of_bias},
    {"down of other columns", LATENT_GATED, GROUPS, "coverage.dense", down_of_other_columns},
    {"another part", MIXTRAL, TENSOR, "shape.ids", other_part},
    {"in all steps", MIXTRAL, TENSOR, "memory.slab", in_all_steps},
    {"bias of another norm", MA_SMALL, "single", "coverage.loaded", bias_of_another_norm},
    {"embedding for the head", LATENT, "single", "coverage.loaded", embedding_for_head},
    {"all layers in one place", MIXTRAL, TENSOR, "coverage.layout", all_layers_in_one_place},
    {"all layers in one cache", MIXTRAL, TENSOR, "memory.slab", all_layers_in_one_cache},
    {"held as a copy too", MIXTRAL, TENSOR, "coverage.layout", held_as_copy_too},
    {"a wave clears weights", MIXTRAL, TENSOR, "memory.overlap", clears_weights},
    {"fewer candidates", MIXTRAL, RECURSIVE, "coverage.share", fewer_candidates},
    {"no such step", MIXTRAL, TENSOR, "shape.ids", no_such_step},
    {"other parts", MIXTRAL, TENSOR, "shape.ids", other_parts},
    {"within one rank", MIXTRAL, PAIRWISE, "shape.ids", within_one_rank},
    {"of another rank", MIXTRAL, TENSOR, "shape.ids", of_another_rank},
    {"nothing to move", MIXTRAL, TENSOR, "shape.ids", nothing_to_move},
    {"other sequences", MIXTRAL, PAIRWISE, "match.plan", other_sequences},
    {"exact for padded", MIXTRAL, PAIRWISE, "match.plan", exact_for_padded},
    {"a small slab in a table", MIXTRAL, PAIRWISE, "shape.roles", small_slab_in_table},
    {"ranks swapped in a role", MIXTRAL, PAIRWISE, "shape.ids", ranks_swapped_in_role},
    {"a wait in the table only", MIXTRAL, PAIRWISE, "shape.roles", wait_in_table_only},
    {"short prompts", MIXTRAL, TENSOR, "coverage.requests", short_prompts},
    {"long chunks", MIXTRAL, PAIRWISE, "bounds.numbers", long_chunks},
    {"all in flight", MIXTRAL, PAIRWISE, "bounds.numbers", all_in_flight},
    {"no decode", MIXTRAL, TENSOR, "coverage.requests", no_decode},
};

static void every_mutant_is_refused(void **state) {
    (void)state;
    mutants_are_refused(mutants, sizeof mutants / sizeof *mutants, 6);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_mutant_is_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
