/* Ids within their tables: each field of a schedule by which another record is found, set alone to what lies outside, is
 * refused by `shape.ids` in the words for that field, before any other rule follows it. */
#include "mutant.h"

#include <limits.h>

#define GROUPED "ma-separation:attention=4,experts=2,groups=2,microbatches=2,output=flat"
#define SHARDED "ma-separation:attention=4,experts=2,groups=1,output=sharded"
#define STAGES "tp-pp:tp=2,pp=2"
#define RING "tp:tp=3,output=ring"
#define RELAYED "ep:ep=6,exchange=aggregated,moves=padded"

/* --- where ---------------------------------------------------------------------------------------------- */

static Op *op_of(Fixture *f, int64_t rank, OpKind kind) {
    return &f->schedule.ranks[rank].ops.items[fixture_op(f, rank, kind, 0)];
}

/* The segment with the most layers. */
static Segment *body(Fixture *f) {
    RankStep *step = &f->schedule.ranks[0].steps[0];
    Segment *longest = &step->segments.items[0];
    for (int64_t i = 1; i < step->segments.count; ++i) {
        Segment *each = &step->segments.items[i];
        if (each->layers.end - each->layers.begin > longest->layers.end - longest->layers.begin)
            longest = each;
    }
    return longest;
}

/* The first channel of collectives with pieces, exchange, or list of transfers. */
static Channel *channel_of(Fixture *f, bool exchange, bool transfers) {
    for (int64_t i = 0; i < f->schedule.channels.count; ++i) {
        Channel *channel = &f->schedule.channels.items[i];
        if (channel->is_exchange == exchange && !channel->is_pair &&
            (channel->transfers.count > 0) == transfers)
            return channel;
    }
    fail_msg("no such channel");
    return NULL;
}

static ExchangeHop *hop_of(Fixture *f, int64_t n) {
    for (int64_t i = 0; i < f->schedule.exchanges.count; ++i)
        if (f->schedule.exchanges.items[i].hops[0].count > n)
            return &f->schedule.exchanges.items[i].hops[0].items[n];
    fail_msg("no exchange goes by stages");
    return NULL;
}

static ExchangeHop *hop_back(Fixture *f) {
    for (int64_t i = 0; i < f->schedule.exchanges.count; ++i)
        if (f->schedule.exchanges.items[i].hops[1].count)
            return &f->schedule.exchanges.items[i].hops[1].items[0];
    fail_msg("no exchange goes by stages");
    return NULL;
}

#define WHERE(name, field)                                                                         \
    static int64_t *name(Fixture *f) {                                                             \
        return &(field);                                                                           \
    }

WHERE(op_kind, op_of(f, 0, OP_attention)->kind)
WHERE(op_stream, op_of(f, 0, OP_attention)->stream)
WHERE(op_microbatch, op_of(f, 0, OP_attention)->microbatch)
WHERE(op_lag, op_of(f, 0, OP_attention)->lag)
WHERE(op_wait, op_of(f, 0, OP_attention)->waits[0])
WHERE(op_number, fixture_arg(f, 0, fixture_op(f, 0, OP_attention, 0), "heads")->value)
WHERE(op_buffer, fixture_arg(f, 0, fixture_op(f, 0, OP_attention, 0), "qkv")->value)
WHERE(op_delta, fixture_arg(f, 0, fixture_op(f, 0, OP_attention, 0), "qkv")->delta)
WHERE(buffer_stride, buffer_of(f, 0, "qkv")->layer_stride)
WHERE(buffer_offset, buffer_of(f, 0, "qkv")->offset)
WHERE(buffer_bytes, buffer_of(f, 0, "qkv")->bytes)
WHERE(move_channel, op_of(f, 0, OP_dispatch)->channel)
WHERE(move_exchange, op_of(f, 0, OP_dispatch)->exchange)
WHERE(move_stream, op_of(f, 0, OP_dispatch)->stream)
WHERE(pack_routes, fixture_arg(f, 0, fixture_op(f, 0, OP_pack, 0), "routes")->value)
WHERE(pack_exchange, fixture_arg(f, 0, fixture_op(f, 0, OP_pack, 0), "exchange")->value)
WHERE(ffn_exchange, fixture_arg(f, 4, fixture_op(f, 4, OP_expert_ffn, 0), "exchange")->value)
WHERE(segment_first, body(f)->first)
WHERE(segment_count, body(f)->count)
WHERE(segment_begin, body(f)->layers.begin)
WHERE(segment_end, body(f)->layers.end)
WHERE(channel_first, channel_of(f, false, false)->ranks.items[0])
WHERE(channel_last, channel_of(f, false, false)->ranks.items[1])
WHERE(channel_pieces, channel_of(f, false, false)->pieces)
WHERE(channel_owners, channel_of(f, false, false)->own.count)
WHERE(own_begin, channel_of(f, false, false)->own.items[0].begin)
WHERE(own_end, channel_of(f, false, false)->own.items[0].end)
WHERE(sent_from, channel_of(f, false, true)->transfers.items[0].from)
WHERE(sent_to, channel_of(f, false, true)->transfers.items[0].to)
WHERE(sent_begin, channel_of(f, false, true)->transfers.items[0].pieces.begin)
WHERE(sent_end, channel_of(f, false, true)->transfers.items[0].pieces.end)
WHERE(sources, f->schedule.exchanges.items[0].sources.count)
WHERE(targets, f->schedule.exchanges.items[0].targets.count)
WHERE(source_rank, f->schedule.exchanges.items[0].sources.items[0].rank)
WHERE(later_source, f->schedule.exchanges.items[0].sources.items[1].rank)
WHERE(source_begin, f->schedule.exchanges.items[0].sources.items[0].rows.begin)
WHERE(source_end, f->schedule.exchanges.items[0].sources.items[0].rows.end)
WHERE(target_rank, f->schedule.exchanges.items[0].targets.items[0].rank)
WHERE(later_target, f->schedule.exchanges.items[0].targets.items[1].rank)
WHERE(target_slots, f->schedule.exchanges.items[0].targets.items[0].slots)
WHERE(hop_from, hop_of(f, 0)->from)
WHERE(hop_to, hop_of(f, 0)->to)
WHERE(hop_source, hop_of(f, 0)->source)
WHERE(hop_target, hop_of(f, 0)->target)
WHERE(hop_stage, hop_of(f, 0)->stage)
WHERE(later_stage, hop_of(f, 1)->stage)
WHERE(back_target, hop_back(f)->target)
WHERE(held_tensor, fixture_holding(f, 0, TENSOR_QUERY, 0)->tensor)
WHERE(held_buffer, fixture_holding(f, 0, TENSOR_QUERY, 0)->buffer)
WHERE(held_row, fixture_holding(f, 0, TENSOR_QUERY, 0)->rows.begin)
WHERE(held_row_end, fixture_holding(f, 0, TENSOR_QUERY, 0)->rows.end)
WHERE(held_column, fixture_holding(f, 0, TENSOR_QUERY, 0)->columns.begin)
WHERE(held_column_end, fixture_holding(f, 0, TENSOR_QUERY, 0)->columns.end)
WHERE(held_layer, fixture_holding(f, 0, TENSOR_QUERY, 0)->layers.begin)
WHERE(held_layer_end, fixture_holding(f, 0, TENSOR_QUERY, 0)->layers.end)
WHERE(whole_layer_end, fixture_holding(f, 0, TENSOR_EMBEDDING, 0)->layers.end)

/* --- what ----------------------------------------------------------------------------------------------- */

typedef struct IdCase {
    const char *name, *model, *strategy;
    int64_t *(*where)(Fixture *f);
    int64_t value;
    const char *said;
} IdCase;

#define CASE(strategy, where, value, said)                                                         \
    { #where " = " #value, MIXTRAL, strategy, where, value, said }

static const IdCase cases[] = {
    CASE(GROUPED, op_kind, -1, "its kind does not exist"),
    CASE(GROUPED, op_kind, OP_KINDS, "its kind does not exist"),
    CASE(GROUPED, op_kind, INT64_MAX, "its kind does not exist"),
    CASE(GROUPED, op_stream, -1, "its stream does not exist"),
    CASE(GROUPED, op_stream, 4, "its stream does not exist"),
    CASE(GROUPED, op_stream, 1, "only moves may leave the compute stream"),
    CASE(GROUPED, op_microbatch, -1, "its micro-batch does not exist"),
    CASE(GROUPED, op_microbatch, 2, "its micro-batch does not exist"),
    CASE(GROUPED, op_lag, 9, "it works on a layer that the model has not"),
    CASE(GROUPED, op_lag, -4, "it works on a layer that the model has not"),
    CASE(GROUPED, op_wait, INT64_MAX, "it waits for an operation that records no event"),
    CASE(GROUPED, op_wait, -2, "it waits for an operation that records no event"),
    CASE(GROUPED, op_wait, 0, "it waits for an operation that records no event"),
    CASE(GROUPED, op_number, -1, "a number is negative"),
    CASE(GROUPED, op_number, INT64_MIN, "a number is negative"),
    CASE(GROUPED, op_buffer, -2, "a buffer is not one of the rank's"),
    CASE(GROUPED, op_buffer, 1 << 20, "a buffer is not one of the rank's"),
    CASE(GROUPED, op_delta, -1, "a buffer is not one of the rank's"),
    CASE(GROUPED, op_delta, INT64_MAX, "it begins past the end of a buffer"),
    CASE(GROUPED, buffer_stride, INT64_MAX, "the end of buffer qkv is past all numbers"),
    CASE(GROUPED, buffer_stride, (int64_t)1 << 62, "the end of buffer qkv is past all numbers"),
    CASE(GROUPED, buffer_offset, INT64_MAX, "the end of buffer qkv is past all numbers"),
    CASE(GROUPED, buffer_bytes, INT64_MAX, "the end of buffer qkv is past all numbers"),
    CASE(GROUPED, move_channel, -1, "it has no channel"),
    CASE(GROUPED, move_channel, 1 << 20, "it has no channel"),
    CASE(GROUPED, move_exchange, -1, "it has no exchange"),
    CASE(GROUPED, move_exchange, 1 << 20, "it has no exchange"),
    CASE(GROUPED, move_stream, 0, "it is not on its channel's stream"),
    CASE(GROUPED, pack_routes, 1 << 20, "its route table or exchange does not exist"),
    CASE(GROUPED, pack_exchange, 1 << 20, "its route table or exchange does not exist"),
    CASE(GROUPED, pack_exchange, -1, "a number is negative"),
    CASE(GROUPED, ffn_exchange, 1 << 20, "its exchange does not exist"),
    CASE(GROUPED, segment_first, -1, "a segment leaves the operations"),
    CASE(GROUPED, segment_first, 1 << 20, "a segment leaves the operations"),
    CASE(GROUPED, segment_first, INT64_MAX, "a segment leaves the operations"),
    CASE(GROUPED, segment_count, INT64_MAX, "a segment leaves the operations"),
    CASE(GROUPED, segment_count, -1, "a segment leaves the operations"),
    CASE(GROUPED, segment_count, 1 << 20, "a segment leaves the operations"),
    CASE(GROUPED, segment_begin, 9, "a segment leaves the operations"),
    CASE(GROUPED, segment_begin, -1, "it works on a layer that the model has not"),
    CASE(GROUPED, segment_end, 9, "it works on a layer that the model has not"),
    CASE(GROUPED, channel_first, -1, "its ranks or pieces are out of range"),
    CASE(GROUPED, channel_first, 1 << 20, "its ranks or pieces are out of range"),
    CASE(GROUPED, channel_last, 0, "its ranks or pieces are out of range"),
    CASE(SHARDED, channel_pieces, 0, "its ranks or pieces are out of range"),
    CASE(SHARDED, channel_pieces, 1, "its ranks or pieces are out of range"),
    CASE(SHARDED, channel_owners, 1, "its ranks or pieces are out of range"),
    CASE(SHARDED, own_begin, -1, "its ranks or pieces are out of range"),
    CASE(SHARDED, own_begin, 9, "its ranks or pieces are out of range"),
    CASE(SHARDED, own_end, 9, "its ranks or pieces are out of range"),
    CASE(RING, sent_from, -1, "its ranks or pieces are out of range"),
    CASE(RING, sent_from, 3, "its ranks or pieces are out of range"),
    CASE(RING, sent_to, -1, "its ranks or pieces are out of range"),
    CASE(RING, sent_to, 3, "its ranks or pieces are out of range"),
    CASE(RING, sent_begin, -1, "its ranks or pieces are out of range"),
    CASE(RING, sent_begin, 9, "its ranks or pieces are out of range"),
    CASE(RING, sent_end, 9, "its ranks or pieces are out of range"),
    CASE(GROUPED, sources, 0, "an end is out of range"),
    CASE(GROUPED, targets, 0, "an end is out of range"),
    CASE(GROUPED, source_rank, -1, "an end is out of range"),
    CASE(GROUPED, later_source, 6, "an end is out of range"),
    CASE(GROUPED, later_source, 0, "an end is out of range"),
    CASE(GROUPED, source_begin, -1, "an end is out of range"),
    CASE(GROUPED, source_begin, 1 << 20, "an end is out of range"),
    CASE(GROUPED, source_end, -1, "an end is out of range"),
    CASE(GROUPED, target_rank, -1, "an end is out of range"),
    CASE(GROUPED, later_target, 6, "an end is out of range"),
    CASE(GROUPED, later_target, 4, "an end is out of range"),
    CASE(GROUPED, target_slots, 0, "an end is out of range"),
    CASE(RELAYED, hop_source, -1, "an end is out of range"),
    CASE(RELAYED, hop_source, 1 << 20, "an end is out of range"),
    CASE(RELAYED, hop_target, -1, "an end is out of range"),
    CASE(RELAYED, hop_target, 1 << 20, "an end is out of range"),
    CASE(RELAYED, hop_from, -1, "an end is out of range"),
    CASE(RELAYED, hop_to, -1, "an end is out of range"),
    CASE(RELAYED, hop_to, 1 << 20, "an end is out of range"),
    CASE(RELAYED, hop_stage, -1, "an end is out of range"),
    CASE(RELAYED, hop_stage, 9, "an end is out of range"),
    CASE(RELAYED, later_stage, -1, "an end is out of range"),
    CASE(RELAYED, back_target, -1, "an end is out of range"),
    CASE(GROUPED, held_tensor, -1, "a holding of tensor -1 is out of range"),
    CASE(GROUPED, held_tensor, TENSOR_KINDS, "is out of range"),
    CASE(GROUPED, held_tensor, TENSOR_QUERY_BIAS, "is out of range"),
    CASE(GROUPED, held_buffer, -1, "is out of range"),
    CASE(GROUPED, held_buffer, 1 << 20, "is out of range"),
    CASE(GROUPED, held_row, -1, "is out of range"),
    CASE(GROUPED, held_row, 1 << 20, "is out of range"),
    CASE(GROUPED, held_row_end, 1 << 20, "is out of range"),
    CASE(GROUPED, held_column, -1, "is out of range"),
    CASE(GROUPED, held_column, 256, "is out of range"),
    CASE(GROUPED, held_column_end, 257, "is out of range"),
    CASE(GROUPED, held_layer, -1, "is out of range"),
    CASE(GROUPED, held_layer, 4, "is out of range"),
    CASE(GROUPED, held_layer_end, 5, "is out of range"),
    CASE(GROUPED, whole_layer_end, 2, "is out of range"),
};

/* Is it said, by this rule, among what is said? */
static bool is_said(const Fixture *f, const char *said) {
    for (int64_t i = 0; i < f->diag.count; ++i)
        if (strstr(f->diag.messages[i].text, said))
            return true;
    return false;
}

static bool is_refused(Fixture *f, const char *name, const char *said) {
    bool refused = fixture_check(f) == STATUS_NEGATIVE &&
                   find_rule(&f->report, "shape.ids")->failures > 0 && is_said(f, said);
    if (!refused) {
        diag_render(&f->diag, stderr);
        print_error("%s: shape.ids does not say '%s'\n", name, said);
    }
    f->diag.count = f->diag.errors = 0;
    return refused;
}

/* One schedule a strategy: what is changed in it is changed back. */
static void ids_are_within_their_tables(void **state) {
    (void)state;
    size_t missed = 0;
    Fixture f = {0};
    const char *made = NULL;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        const IdCase *each = &cases[i];
        if (!made || strcmp(made, each->strategy) != 0) {
            fixture_free(&f);
            fixture_make(&f, each->model, each->strategy, 6);
            made = each->strategy;
            assert_int_equal(fixture_check(&f), STATUS_OK);
        }
        int64_t *where = each->where(&f), kept = *where;
        *where = each->value;
        missed += !is_refused(&f, each->name, each->said);
        *where = kept;
    }
    assert_int_equal(fixture_check(&f), STATUS_OK);
    fixture_free(&f);
    assert_int_equal(missed, 0);
}

/* --- what no one field tells ------------------------------------------------------------------------------ */

static void buffers_belong_to_steps_and_layers(void **state) {
    (void)state;
    Fixture f;
    fixture_make(&f, MIXTRAL, GROUPED, 4);
    RankSchedule *rank = &f.schedule.ranks[0];
    int64_t *qkv = op_buffer(&f), kept = *qkv;
    int64_t other = -1, layered = -1;
    for (int64_t i = 0; i < rank->buffers.count; ++i) {
        other = rank->buffers.items[i].step == 1 ? i : other;
        layered = rank->buffers.items[i].per_layer ? i : layered;
    }
    assert_true(other >= 0 && layered >= 0);
    *qkv = other;
    assert_true(is_refused(&f, "buffer of decode", "a buffer belongs to another step"));
    *qkv = kept;
    OpValue *table = fixture_arg(&f, 0, fixture_op(&f, 0, OP_embed, 0), "table");
    kept = table->value;
    table->value = layered;
    assert_true(
        is_refused(&f, "weight of a layer", "a buffer with a copy a layer is used outside layers"));
    table->value = kept;
    assert_int_equal(fixture_check(&f), STATUS_OK);
    fixture_free(&f);
}

static void moves_have_their_own_channels(void **state) {
    (void)state;
    Fixture f;
    fixture_make(&f, MIXTRAL, GROUPED, 4);
    Op *dispatch = op_of(&f, 0, OP_dispatch);
    int64_t kept = dispatch->channel;
    for (int64_t i = 0; i < f.schedule.channels.count; ++i) {
        const Channel *channel = &f.schedule.channels.items[i];
        bool member = false;
        for (int64_t k = 0; k < channel->ranks.count; ++k)
            member = member || channel->ranks.items[k] == 0;
        if (i == kept || (channel->is_exchange && member))
            continue;
        dispatch->channel = i;
        assert_true(is_refused(&f, channel->name,
                               member ? "its channel is for another kind of move"
                                      : "the rank is no member of its channel"));
    }
    dispatch->channel = kept;
    /* Of the other copy of ranks: an exchange that this rank is no end of. */
    Exchange *exchange = &f.schedule.exchanges.items[dispatch->exchange];
    exchange->sources.items[0].rank = 3;
    exchange->sources.count = 1;
    assert_true(is_refused(&f, "no end", "the rank is no end of its exchange"));
    fixture_free(&f);
}

/* A layer of the next stage: the buffers have no copy for it. */
static void stages_have_layers_of_their_own(void **state) {
    (void)state;
    Fixture f;
    fixture_make(&f, MA_SMALL, STAGES, 4);
    Segment *segment = body(&f);
    ++segment->layers.end;
    assert_true(is_refused(&f, "longer body", "it works on a layer of another stage"));
    --segment->layers.end;
    assert_int_equal(fixture_check(&f), STATUS_OK);
    fixture_free(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_are_within_their_tables),
        cmocka_unit_test(buffers_belong_to_steps_and_layers),
        cmocka_unit_test(moves_have_their_own_channels),
        cmocka_unit_test(stages_have_layers_of_their_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
