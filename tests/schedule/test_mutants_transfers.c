/* Mutants of stages of transfers: each is refused by the rule that is made for it, with the piece and the rank that
 * is wrong. */
#include "mutant.h"

#define RING "tp:tp=4,output=ring"
#define RECURSIVE "tp:tp=6,output=recursive"
#define AGGREGATED                                                                                 \
    "ep:ep=6,exchange=aggregated,moves=padded" /* nodes of four: two ranks have no rail */
#define PAIRWISE "ep:ep=4,exchange=pairwise,moves=exact"

/* The channel of the n-th stage of transfers of rank 0: of a ring over 4, stages 0 to 2 add, 3 to 5 spread. */
static Channel *stage(Fixture *f, int64_t n) {
    int64_t op = fixture_op(f, 0, OP_transfer, n);
    return &f->schedule.channels.items[f->schedule.ranks[0].ops.items[op].channel];
}

static void send_again(Fixture *f) {
    Channel *channel = stage(f, 1);
    *(ChannelTransfer *)LIST_PUSH(&f->arena, &channel->transfers) = channel->transfers.items[2];
}
static void lose_transfer(Fixture *f) {
    --stage(f, 1)->transfers.count;
}
static void copy_over_part(Fixture *f) {
    stage(f, 1)->transfers.items[1].sum = false;
}
static void add_for_copy(Fixture *f) {
    stage(f, 3)->transfers.items[0].sum = true;
}
static void two_copies(Fixture *f) {
    Channel *channel = stage(f, 3);
    ChannelTransfer again = channel->transfers.items[0];
    again.from = 2;
    *(ChannelTransfer *)LIST_PUSH(&f->arena, &channel->transfers) = again;
}
static void wrong_piece(Fixture *f) {
    Range *pieces = &stage(f, 4)->transfers.items[0].pieces;
    *pieces = (Range){(pieces->begin + 1) % 4, (pieces->begin + 1) % 4 + 1};
}
static void to_itself(Fixture *f) {
    stage(f, 0)->transfers.items[0].to = stage(f, 0)->transfers.items[0].from;
}
static void beyond(Fixture *f) {
    stage(f, 0)->transfers.items[0].pieces.end = 5;
}
static void no_list(Fixture *f) {
    stage(f, 0)->transfers.count = 0;
}
static void no_room(Fixture *f) {
    for (int64_t i = 0; i < f->schedule.ranks[1].ops.count; ++i)
        if (f->schedule.ranks[1].ops.items[i].kind == OP_transfer)
            fixture_arg(f, 1, i, "arrivals")->value = 0;
}
static void small_room(Fixture *f) {
    buffer_of(f, 1, "arrivals")->bytes = 4;
}
static void fewer_units(Fixture *f) {
    --fixture_arg(f, 3, fixture_op(f, 3, OP_transfer, 0), "units")->value;
}
static void stage_dropped(Fixture *f) {
    for (int64_t rank = 0; rank < f->schedule.world; ++rank)
        drop_op(f, rank, fixture_op(f, rank, OP_transfer, 5));
}
static void stages_swapped(Fixture *f) {
    for (int64_t rank = 0; rank < f->schedule.world; ++rank)
        swap_ops(f, rank, fixture_op(f, rank, OP_transfer, 1), fixture_op(f, rank, OP_transfer, 2));
}

/* Hops of the first exchange: of dispatch, then of combine. */
static ExchangeHop *hop(Fixture *f, bool back, int64_t n) {
    return &f->schedule.exchanges.items[0].hops[back].items[n];
}
static void lose_way(Fixture *f) {
    --f->schedule.exchanges.items[0].hops[false].count;
}
static void lose_way_back(Fixture *f) {
    --f->schedule.exchanges.items[0].hops[true].count;
}
static void way_again(Fixture *f) {
    Exchange *exchange = &f->schedule.exchanges.items[0];
    ExchangeHop again = exchange->hops[false].items[exchange->hops[false].count - 1];
    *(ExchangeHop *)LIST_PUSH(&f->arena, &exchange->hops[false]) = again;
}
static void too_early(Fixture *f) {
    for (int64_t i = 0; i < f->schedule.exchanges.items[0].hops[false].count; ++i)
        hop(f, false, i)->stage = 0;
}
static void from_elsewhere(Fixture *f) {
    hop(f, true, 0)->from = (hop(f, true, 0)->from + 2) % 4;
}
static void pass_on_exact(Fixture *f) {
    f->schedule.exchanges.items[0].mode = MODE_EXACT;
}
static void stages_mixed(Fixture *f) {
    hop(f, false, 0)->stage = 9;
}
static void no_relay(Fixture *f) {
    OpValue *rows = fixture_arg(f, 1, fixture_op(f, 1, OP_dispatch, 0), "relay_rows");
    rows->value = -1;
}
static void small_relay(Fixture *f) {
    buffer_of(f, 0, "combine_relay_rows")->bytes -= 4;
}

static const Mutant mutants[] = {
    {"lose a way", MIXTRAL, AGGREGATED, "provenance.gather", lose_way},
    {"lose a way back", MIXTRAL, PAIRWISE, "provenance.gather", lose_way_back},
    {"a way again", MIXTRAL, AGGREGATED, "provenance.gather", way_again},
    {"pass on too early", MIXTRAL, AGGREGATED, "provenance.gather", too_early},
    {"send from elsewhere", MIXTRAL, PAIRWISE, "provenance.gather", from_elsewhere},
    {"pass on what is exact", MIXTRAL, AGGREGATED, "provenance.gather", pass_on_exact},
    {"mix stages", MIXTRAL, PAIRWISE, "shape.ids", stages_mixed},
    {"no room to pass on", MIXTRAL, AGGREGATED, "match.exchange", no_relay},
    {"small room to pass on", MIXTRAL, AGGREGATED, "bounds.arguments", small_relay},

    {"send again", MIXTRAL, RING, "provenance.reduce", send_again},
    {"lose a transfer", MIXTRAL, RING, "provenance.reduce", lose_transfer},
    {"copy over a part", MIXTRAL, RING, "provenance.reduce", copy_over_part},
    {"add instead of copying", MIXTRAL, RING, "provenance.reduce", add_for_copy},
    {"two copies", MIXTRAL, RING, "provenance.reduce", two_copies},
    {"wrong piece", MIXTRAL, RING, "provenance.reduce", wrong_piece},
    {"to itself", MIXTRAL, RING, "shape.ids", to_itself},
    {"beyond the pieces", MIXTRAL, RING, "shape.ids", beyond},
    {"no list", MIXTRAL, RING, "shape.ids", no_list},
    {"no room", MIXTRAL, RING, "match.collective", no_room},
    {"small room", MIXTRAL, RING, "bounds.arguments", small_room},
    {"fewer units", MIXTRAL, RING, "match.collective", fewer_units},
    {"stage dropped", MIXTRAL, RING, "provenance.reduce", stage_dropped},
    {"stages swapped", MIXTRAL, RING, "provenance.reduce", stages_swapped},
    {"lose a transfer, recursive", MIXTRAL, RECURSIVE, "provenance.reduce", lose_transfer},
};

static void every_mutant_is_refused(void **state) {
    mutants_are_refused(mutants, sizeof mutants / sizeof *mutants, 6);
}

static void refused_with(const char *strategy, void (*mutate)(Fixture *f), const char *text) {
    Fixture f;
    fixture_make(&f, MIXTRAL, strategy, 6);
    mutate(&f);
    assert_int_equal(fixture_check(&f), STATUS_NEGATIVE);
    bool told = false;
    for (int64_t i = 0; i < f.diag.count; ++i)
        told = told || strstr(f.diag.messages[i].text, text);
    if (!told) {
        diag_render(&f.diag, stderr);
        fail_msg("nothing says: %s", text);
    }
    fixture_free(&f);
}

static void refusals_name_piece_and_rank(void **state) {
    refused_with(RING, send_again,
                 "op 8 transfer: piece 0 of 4 gets the part of rank 1 twice, again from "
                 "rank 2");
    refused_with(RING, lose_transfer, "(piece 1 of 4), a sum that lacks the part of rank 2");
    refused_with(RING, two_copies, "comes from rank 2 too: a copy stands alone in its stage");
    refused_with(RING, wrong_piece, "lacks the part of rank");
    refused_with(RING, no_room, "has room for 0 bytes of the");
    refused_with(AGGREGATED, lose_way,
                 "what dispatch moves from rank 3 to rank 5 never comes there");
    refused_with(AGGREGATED, too_early, "in stage 0 of dispatch rank");
    refused_with(AGGREGATED, too_early, "which it does not have then");
    refused_with(PAIRWISE, way_again, "which that one has already");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_mutant_is_refused),
        cmocka_unit_test(refusals_name_piece_and_rank),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
