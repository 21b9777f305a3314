/* Mutants of models with latent attention, dense layers and feed-forwards beside experts: heads and columns that are
 * lost, sums that are left out, layers that get the other kind's work. */
#include "mutant.h"

#define TENSOR "tp:tp=3"
#define SHARDED "tp:tp=4,output=sharded"
#define BESIDE "ep:ep=2,tp=3"
#define STAGES "pp:pp=4"
#define AMONG "ma-separation:attention=3,experts=2,groups=3,microbatches=1,shared=columns"

static Op *op_of(Fixture *f, int64_t rank, OpKind kind, int64_t n) {
    return &f->schedule.ranks[rank].ops.items[fixture_op(f, rank, kind, n)];
}

static void drop_moves(Fixture *f, PlanMoveKind move) {
    for (int64_t rank = 0; rank < f->schedule.world; ++rank) {
        const RankSchedule *of = &f->schedule.ranks[rank];
        for (int64_t i = of->ops.count - 1; i >= 0; --i)
            if (of->ops.items[i].channel >= 0 &&
                f->schedule.channels.items[of->ops.items[i].channel].move == (int64_t)move)
                drop_op(f, rank, i);
    }
}

static void lose_head(Fixture *f) {
    for (int64_t n = 0; n < 4; ++n)
        --fixture_arg(f, 1, fixture_op(f, 1, OP_latent_attention, n), "heads")->value;
}
static void lose_query_rows(Fixture *f) {
    --fixture_holding(f, 1, TENSOR_QUERY, 0)->rows.end;
}
static void lose_made_rows(Fixture *f) {
    --fixture_holding(f, 1, TENSOR_LATENT_UP, 0)->rows.end;
}
static void lose_latent(Fixture *f) {
    fixture_holding(f, 0, TENSOR_LATENT, 0)->primary = false;
}
static void other_norm(Fixture *f) {
    fixture_arg(f, 0, fixture_op(f, 0, OP_latent_append, 0), "weight")->value =
        fixture_buffer(f, 0, "attention_norm");
}
static void small_cache(Fixture *f) {
    buffer_of(f, 0, "latents")->bytes /= 2;
}
static void drop_append(Fixture *f) {
    drop_everywhere(f, OP_latent_append);
}
static void append_late(Fixture *f) {
    swap_ops(f, 0, fixture_op(f, 0, OP_latent_append, 0), fixture_op(f, 0, OP_latent_attention, 0));
}
static void lose_columns(Fixture *f) {
    --fixture_holding(f, 1, TENSOR_DENSE_UP, 0)->rows.end;
}
static void fewer_columns(Fixture *f) {
    for (int64_t n = 0; n < 2; ++n)
        --op_of(f, 1, OP_dense_ffn, n)->args[op_arg(OP_dense_ffn, "columns")].value;
}
static void no_sum(Fixture *f) {
    drop_moves(f, MOVE_FFN_OUTPUT);
}
static void no_gather(Fixture *f) {
    drop_moves(f, MOVE_GATHER);
}
static void drop_dense(Fixture *f) {
    drop_everywhere(f, OP_dense_ffn);
}
static void other_feed_forward(Fixture *f) {
    fixture_arg(f, 0, fixture_op(f, 0, OP_dense_ffn, 0), "down")->value =
        fixture_buffer(f, 0, "output");
}
static void two_biases(Fixture *f) {
    Holding *first = fixture_holding(f, 0, TENSOR_SHARED_DOWN_BIAS, 0), copy = *first;
    copy.rank = 1;
    copy.primary = false;
    *(Holding *)LIST_PUSH(&f->arena, &f->schedule.ranks[1].holdings) = copy;
}
/* The body of layers with experts stands for a dense one too. */
static void widen_body(Fixture *f) {
    RankStep *step = &f->schedule.ranks[0].steps[0];
    for (int64_t i = 0; i < step->segments.count; ++i)
        if (step->segments.items[i].layers.end == f->plan.inputs.model.layers)
            --step->segments.items[i].layers.begin;
}
static void experts_in_dense_layer(Fixture *f) {
    --fixture_holding(f, 0, TENSOR_EXPERT_UP, 0)->layers.begin;
}

/* --- what all tokens pass among the experts ------------------------------------------------------------ */

static void drop_beside(Fixture *f) {
    drop_op(f, 3, fixture_op(f, 3, OP_expert_ffn, 1));
}
static void experts_twice(Fixture *f) {
    for (int64_t rank = 3; rank < 5; ++rank)
        memcpy(op_of(f, rank, OP_expert_ffn, 1)->args, op_of(f, rank, OP_expert_ffn, 0)->args,
               sizeof op_of(f, rank, OP_expert_ffn, 0)->args);
}
static void beside_at_another_slot(Fixture *f) {
    --fixture_arg(f, 3, fixture_op(f, 3, OP_expert_ffn, 1), "first")->value;
}
static void more_slots(Fixture *f) {
    ++fixture_arg(f, 3, fixture_op(f, 3, OP_expert_ffn, 0), "slots")->value;
}
static int64_t *shared_cells(Fixture *f, int64_t *cells) {
    RouteTable *table = &f->schedule.routes.items[0];
    return cells + plan_shared_expert(&f->plan) * table->parts;
}
static void no_way_to_it(Fixture *f) {
    shared_cells(f, f->schedule.routes.items[0].target)[1] = -1;
}
static void way_to_an_expert(Fixture *f) {
    shared_cells(f, f->schedule.routes.items[0].slot)[0] = 0;
}
static void way_of_an_expert_to_it(Fixture *f) {
    RouteTable *table = &f->schedule.routes.items[0];
    table->slot[0] = shared_cells(f, table->slot)[0];
}
static void twice_at_one_rank(Fixture *f) {
    int64_t *cells = shared_cells(f, f->schedule.routes.items[0].target);
    cells[1] = cells[0];
}
static void lose_columns_beside(Fixture *f) {
    --fixture_holding(f, 4, TENSOR_SHARED_UP, 0)->rows.end;
}
static void lose_bias_beside(Fixture *f) {
    fixture_holding(f, 3, TENSOR_SHARED_DOWN_BIAS, 0)->primary = false;
}
static void one_choice_less(Fixture *f) {
    --f->schedule.top_k;
}

static const Mutant mutants[] = {
    {"lose a head", LATENT, TENSOR, "coverage.heads", lose_head},
    {"lose rows of queries", LATENT, TENSOR, "coverage.heads", lose_query_rows},
    {"lose rows of keys and values", LATENT, TENSOR, "coverage.kv_heads", lose_made_rows},
    {"lose the latent", LATENT, TENSOR, "coverage.tensors", lose_latent},
    {"another norm for the latent", LATENT, TENSOR, "coverage.loaded", other_norm},
    {"a small cache", LATENT, TENSOR, "bounds.arguments", small_cache},
    {"drop the append", LATENT, TENSOR, "coverage.work", drop_append},
    {"append after attention", LATENT, TENSOR, "lifetime.unread", append_late},
    {"lose columns", LATENT, TENSOR, "coverage.dense", lose_columns},
    {"compute fewer columns", LATENT, TENSOR, "coverage.share", fewer_columns},
    {"no sum of columns", LATENT, TENSOR, "provenance.reduce", no_sum},
    {"no sum beside experts", LATENT_GATED, BESIDE, "provenance.reduce", no_sum},
    {"no gather", LATENT, SHARDED, "provenance.gather", no_gather},
    {"drop the dense feed-forward", LATENT, STAGES, "coverage.work", drop_dense},
    {"drop what stands beside experts", LATENT_GATED, BESIDE, "coverage.work", drop_dense},
    {"another matrix", LATENT, TENSOR, "coverage.loaded", other_feed_forward},
    {"two biases", LATENT_GATED, BESIDE, "provenance.reduce", two_biases},
    {"drop what stands among experts", LATENT_GATED, AMONG, "coverage.work", drop_beside},
    {"experts twice", LATENT_GATED, AMONG, "lifetime.unread", experts_twice},
    {"results in another slot", LATENT_GATED, AMONG, "coverage.share", beside_at_another_slot},
    {"a slot of others", LATENT_GATED, AMONG, "coverage.share", more_slots},
    {"no way to a part", LATENT_GATED, AMONG, "coverage.routes", no_way_to_it},
    {"a way to an expert instead", LATENT_GATED, AMONG, "coverage.routes", way_to_an_expert},
    {"an expert's way to it", LATENT_GATED, AMONG, "coverage.routes", way_of_an_expert_to_it},
    {"a row twice at a rank", LATENT_GATED, AMONG, "coverage.routes", twice_at_one_rank},
    {"lose columns among experts", LATENT_GATED, AMONG, "coverage.dense", lose_columns_beside},
    {"lose the bias among experts", LATENT_GATED, AMONG, "coverage.dense", lose_bias_beside},
    {"one choice less", LATENT_GATED, AMONG, "match.plan", one_choice_less},
    {"a layer of the other kind", LATENT, "single", "shape.ids", widen_body},
    {"experts in a dense layer", LATENT, "single", "shape.ids", experts_in_dense_layer},
};

static void every_mutant_is_refused(void **state) {
    (void)state;
    mutants_are_refused(mutants, sizeof mutants / sizeof *mutants, 6);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_mutant_is_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
