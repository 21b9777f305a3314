/* Mutants of what plain attention and routers may have: norms over all heads that are cut, each key head counted once,
 * clips, windows, corrections and scores that are left out or taken from elsewhere. */
#include "mutant.h"

#define TENSOR                                                                                     \
    "tp:tp=4" /* query heads 2, 2, 1, 1 of key heads for two each: the last two members share one */

static void every_op(Fixture *f, OpKind kind, const char *argument, int64_t rank, int64_t value) {
    const RankSchedule *of = &f->schedule.ranks[rank];
    for (int64_t i = 0; i < of->ops.count; ++i)
        if (of->ops.items[i].kind == (int64_t)kind)
            of->ops.items[i].args[op_arg(kind, argument)].value = value;
}

static void no_sum(Fixture *f) {
    for (int64_t rank = 0; rank < f->schedule.world; ++rank) {
        const RankSchedule *of = &f->schedule.ranks[rank];
        for (int64_t i = of->ops.count - 1; i >= 0; --i)
            if (of->ops.items[i].channel >= 0 &&
                f->schedule.channels.items[of->ops.items[i].channel].move == MOVE_NORM)
                drop_op(f, rank, i);
    }
}
static void count_twice(Fixture *f) {
    every_op(f, OP_norm_squares, "key_first", 3, 0);
    every_op(f, OP_norm_squares, "key_count", 3, 1);
}
static void count_never(Fixture *f) {
    every_op(f, OP_norm_squares, "key_count", 1, 0);
}
static void other_type(Fixture *f) {
    for (int64_t rank = 0; rank < f->schedule.world; ++rank)
        every_op(f, OP_all_reduce, "type", rank, ELEMENT_BF16);
}
static void other_type_of_one(Fixture *f) {
    every_op(f, OP_all_reduce, "type", 2, ELEMENT_BF16);
}
static void no_scale(Fixture *f) {
    drop_everywhere(f, OP_norm_scale);
}
static void no_squares(Fixture *f) {
    drop_everywhere(f, OP_norm_squares);
}
static void no_clip(Fixture *f) {
    drop_everywhere(f, OP_clip);
}
static void clip_first(Fixture *f) {
    for (int64_t rank = 0; rank < f->schedule.world; ++rank)
        for (int64_t n = 0; n < 4; ++n)
            swap_ops(f, rank, fixture_op(f, rank, OP_clip, n),
                     fixture_op(f, rank, OP_norm_scale, n));
}
static void no_head_norm(Fixture *f) {
    drop_everywhere(f, OP_head_norm);
}
static void other_weight(Fixture *f) {
    every_op(f, OP_norm_scale, "query_weight", 0, fixture_buffer(f, 0, "key_norm"));
}
static void no_window(Fixture *f) {
    for (int64_t rank = 0; rank < f->schedule.world; ++rank)
        every_op(f, OP_attention, "window", rank, 0);
}
static void window_everywhere(Fixture *f) {
    for (int64_t rank = 0; rank < f->schedule.world; ++rank)
        every_op(f, OP_attention, "window", rank, f->plan.inputs.model.sliding_window);
}
static void no_correction(Fixture *f) {
    every_op(f, OP_route, "correction", 1, -1);
}
static void no_score(Fixture *f) {
    const RankSchedule *of = &f->schedule.ranks[0];
    for (int64_t i = 0; i < of->ops.count; ++i)
        if (of->ops.items[i].kind == OP_dense_ffn)
            of->ops.items[i].args[op_arg(OP_dense_ffn, "score")].value = -1;
}
static void score_in_dense_layer(Fixture *f) {
    every_op(f, OP_dense_ffn, "score", 0, fixture_buffer(f, 0, "shared_score"));
}
static void lose_norm_rows(Fixture *f) {
    --fixture_holding(f, 1, TENSOR_QUERY_NORM, 0)->rows.end;
}
static void lose_key_norm(Fixture *f) {
    fixture_holding(f, 0, TENSOR_KEY_NORM, 0)->primary = false;
}
static void other_heads_norm(Fixture *f) {
    Holding *holding = fixture_holding(f, 1, TENSOR_QUERY_NORM, 0);
    int64_t rows = holding->rows.end - holding->rows.begin;
    holding->rows = (Range){0, rows};
    holding->primary = false;
}
static void lose_correction(Fixture *f) {
    fixture_holding(f, 0, TENSOR_ROUTER_CORRECTION, 0)->type = ELEMENT_F16;
}

static const Mutant mutants[] = {
    {"squares are not summed", MIXED, TENSOR, "provenance.reduce", no_sum},
    {"a shared key head counts twice", MIXED, TENSOR, "coverage.share", count_twice},
    {"a key head counts nowhere", MIXED, TENSOR, "coverage.share", count_never},
    {"sums in another type", MIXED, TENSOR, "coverage.share", other_type},
    {"one member sums in another type", MIXED, TENSOR, "match.collective", other_type_of_one},
    {"no scaling", MIXED, TENSOR, "coverage.work", no_scale},
    {"no squares", MIXED, TENSOR, "coverage.work", no_squares},
    {"no clip", MIXED, TENSOR, "coverage.work", no_clip},
    {"clip before the norm", MIXED, TENSOR, "provenance.flow", clip_first},
    {"no norm of heads", HEAD_NORM, "single", "coverage.work", no_head_norm},
    {"the weights of keys for queries", MIXED, TENSOR, "coverage.loaded", other_weight},
    {"no window", MIXED, TENSOR, "coverage.share", no_window},
    {"a window in all layers", MIXED, TENSOR, "coverage.share", window_everywhere},
    {"no correction", MIXED, TENSOR, "coverage.loaded", no_correction},
    {"no score", MIXED, TENSOR, "coverage.loaded", no_score},
    {"a score in dense layers", MIXED, TENSOR, "coverage.loaded", score_in_dense_layer},
    {"lose rows of the norm", MIXED, TENSOR, "coverage.tensors", lose_norm_rows},
    {"lose the norm of keys", MIXED, TENSOR, "coverage.tensors", lose_key_norm},
    {"the norm of other heads", MIXED, TENSOR, "coverage.tensors", other_heads_norm},
    {"a correction of 16 bits", MIXED, TENSOR, "coverage.layout", lose_correction},
};

static void every_mutant_is_refused(void **state) {
    (void)state;
    mutants_are_refused(mutants, sizeof mutants / sizeof *mutants, 6);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_mutant_is_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
