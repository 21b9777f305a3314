/* The small checker: what it accepts is the certificate of its schedule, and every change of either by which a rank would
 * wait, meet others wrongly, read what is not there or overtake a stream is refused, by code and words. */
#include "certify_fixture.h"

#define GROUPED "ma-separation:attention=4,experts=2,groups=2,microbatches=2,output=flat"
#define STAGES "tp-pp:tp=2,pp=2,microbatches=2"

typedef struct Case {
    Fixture fixture;
    Texts texts;
    Schedule schedule;
    Certificate certificate;
} Case;

static void make(Case *c, const char *strategy) {
    fixture_make(&c->fixture, MIXTRAL, strategy, 4);
    texts_make(&c->texts, &c->fixture);
    fixture_refused(&c->fixture, texts_read(&c->fixture, &c->texts.schedule, &c->schedule));
    fixture_refused(&c->fixture,
                    texts_read_certificate(&c->fixture, &c->texts.certificate, &c->certificate));
}

static void drop(Case *c) {
    texts_free(&c->texts);
    fixture_free(&c->fixture);
}

static Status judge(Case *c) {
    c->fixture.diag.count = c->fixture.diag.errors = 0;
    return certify(&c->schedule, c->texts.schedule_digest, c->texts.plan_digest, &c->certificate,
                   &c->fixture.diag);
}

static void accept(Case *c) {
    if (judge(c) != STATUS_OK)
        fail_msg("%s", c->fixture.diag.messages[0].text);
}

static void refuse(Case *c, const char *code, const char *words) {
    const DiagMessage *message = &c->fixture.diag.messages[0];
    if (judge(c) != STATUS_NEGATIVE || c->fixture.diag.count != 1)
        fail_msg("expected %s '%s', got %d messages", code, words, (int)c->fixture.diag.count);
    if (strcmp(message->code, code) != 0 || !strstr(message->text, words))
        fail_msg("expected %s '%s', got %s '%s'", code, words, message->code, message->text);
}

/* A number that is set, judged, and set back. */
static void refuse_value(Case *c, int64_t *where, int64_t value, const char *code,
                         const char *words) {
    int64_t kept = *where;
    *where = value;
    refuse(c, code, words);
    *where = kept;
}

static CertificateStep *step(Case *c) {
    return &c->certificate.steps.items[0];
}

/* The n-th operation of a kind on a rank of the schedule that was read. */
static Op *op_of(Case *c, int64_t rank, OpKind kind) {
    RankSchedule *of = &c->schedule.ranks[rank];
    for (int64_t i = 0; i < of->ops.count; ++i)
        if (of->ops.items[i].kind == (int64_t)kind)
            return &of->ops.items[i];
    fail_msg("rank %d has no such operation", (int)rank);
    return NULL;
}

static void certificates_hold(void **state) {
    (void)state;
    static const char *const strategies[] = {"single", "tp:tp=3,output=ring", GROUPED, STAGES,
                                             "ep:ep=4,exchange=aggregated,moves=padded"};
    for (size_t i = 0; i < sizeof strategies / sizeof *strategies; ++i) {
        Case c;
        make(&c, strategies[i]);
        accept(&c);
        drop(&c);
    }
}

static void of_another_schedule(void **state) {
    (void)state;
    Case c;
    make(&c, GROUPED);
    const char *kept = c.certificate.schedule_digest;
    c.certificate.schedule_digest = "0000000000000000";
    refuse(&c, "E0593", "it is of another plan or schedule");
    c.certificate.schedule_digest = kept;
    kept = c.certificate.plan_digest;
    c.certificate.plan_digest = "0000000000000000";
    refuse(&c, "E0593", "it is of another plan or schedule");
    assert_int_equal(
        certify(&c.schedule, c.texts.schedule_digest, NULL, &c.certificate, &c.fixture.diag),
        STATUS_OK); /* no plan to be held against */
    c.certificate.plan_digest = kept;
    refuse_value(&c, &c.certificate.steps.count, 1, "E0593", "it is of another plan or schedule");
    refuse_value(&c, &step(&c)->roles.count, 1, "E0593", "it has other steps or roles than");
    kept = step(&c)->name;
    step(&c)->name = "decode";
    refuse(&c, "E0593", "it has other steps or roles than");
    step(&c)->name = kept;
    accept(&c);
    drop(&c);
}

/* --- order -------------------------------------------------------------------------------------------------- */

static void every_rank_comes_to_its_end(void **state) {
    (void)state;
    Case c;
    make(&c, GROUPED);
    CertificateStep *of = step(&c);
    CertificateBlock *first = &of->order.items[0];
    int64_t places = c.schedule.channels.count + 2 * c.schedule.exchanges.count;
    static const int64_t beyond[] = {-1, INT64_MIN, INT64_MAX};
    for (size_t i = 0; i < 3; ++i)
        refuse_value(&c, &first->places.items[0], beyond[i], "E0594",
                     "the order names a place that is not there");
    refuse_value(&c, &first->places.items[0], places, "E0594",
                 "the order names a place that is not there");
    refuse_value(&c, &of->order.count, of->order.count - 1, "E0594",
                 "the order ends before it comes to its end");
    refuse_value(&c, &of->order.count, 0, "E0594", "the order ends before it comes to its end");
    refuse_value(&c, &first->repeat, first->repeat + 1, "E0594", "next it does not come to");
    refuse_value(&c, &first->repeat, 0, "E0594", "next it does not come to");
    /* Two meetings of the same ranks, the other way round. */
    int64_t swaps = 0;
    for (int64_t b = 0; b < of->order.count; ++b)
        for (int64_t i = 0; i + 1 < of->order.items[b].places.count; ++i) {
            int64_t *at = &of->order.items[b].places.items[i], kept = at[0];
            if (at[0] == at[1])
                continue;
            at[0] = at[1];
            at[1] = kept;
            Status status = judge(&c);
            if (status != STATUS_OK)
                assert_string_equal(c.fixture.diag.messages[0].code, "E0594");
            swaps += status != STATUS_OK;
            at[1] = at[0];
            at[0] = kept;
        }
    assert_true(swaps > 0);
    accept(&c);
    drop(&c);
}

/* --- matching --------------------------------------------------------------------------------------------------- */

static void what_meets_is_listed(void **state) {
    (void)state;
    Case c;
    make(&c, STAGES);
    CertificateStep *of = step(&c);
    int64_t places = c.schedule.channels.count + 2 * c.schedule.exchanges.count;
    for (int64_t m = 0; m < of->matching.count; ++m) {
        CertificateMatch *match = &of->matching.items[m];
        refuse_value(&c, &match->place, places, "E0595",
                     "matching names a place that is not there");
        refuse_value(&c, &match->kind, match->kind + 1, "E0595",
                     "matching lacks such a meeting at");
        refuse_value(&c, &match->microbatch, 9, "E0595", "matching lacks such a meeting at");
        refuse_value(&c, &match->bytes, match->bytes + 1, "E0595",
                     "matching lacks such a meeting at");
        refuse_value(&c, &match->count, match->count + 1, "E0595", "miscounted is");
        refuse_value(&c, &match->sequence.begin, match->sequence.begin + 1, "E0595",
                     "matching lacks such a meeting at");
        refuse_value(&c, &match->sequence.end, match->sequence.end + 1, "E0595", "miscounted is");
    }
    assert_true(of->matching.count > 3);
    refuse_value(&c, &of->matching.count, of->matching.count - 1, "E0595", "matching lacks");
    /* One that meets nobody. */
    CertificateMatch more[64];
    assert_true(of->matching.count < 64);
    memcpy(more, of->matching.items, (size_t)of->matching.count * sizeof *more);
    more[of->matching.count] =
        (CertificateMatch){.place = 0, .kind = OP_send, .bytes = 3, .count = 1, .sequence = {0, 1}};
    of->matching.items = more;
    ++of->matching.count;
    refuse(&c, "E0595", "miscounted is");
    drop(&c);
}

/* The schedule as it was read, with one end of a meeting changed: its certificate would be of another text, but the checker
 * is told that it is of this one. */
static void members_bring_the_same(void **state) {
    (void)state;
    Case c;
    make(&c, STAGES);
    Op *sum = op_of(&c, 1, OP_all_reduce);
    refuse_value(&c, &sum->microbatch, sum->microbatch + 1, "E0595",
                 "others bring something else to");
    int64_t *units = &sum->args[op_arg(OP_all_reduce, "units")].value;
    refuse_value(&c, units, *units - 1, "E0595", "others bring something else to");
    refuse_value(&c, &sum->kind, OP_all_gather, "E0595", "others bring something else to");
    int64_t *unit = &sum->args[op_arg(OP_all_reduce, "unit_bytes")].value;
    refuse_value(&c, unit, *unit / 2, "E0595", "others bring something else to");
    refuse_value(&c, &sum->lag, sum->lag - 1, "E0595", "others bring something else to");
    refuse_value(&c, &op_of(&c, 2, OP_recv)->kind, OP_send, "E0595",
                 "others bring something else to");
    accept(&c);
    drop(&c);
    make(&c, GROUPED);
    Exchange *exchange = &c.schedule.exchanges.items[op_of(&c, 0, OP_dispatch)->exchange];
    refuse_value(&c, &exchange->step, 1, "E0595", "of another step or micro-batch is");
    refuse_value(&c, &exchange->microbatch, 1, "E0595", "of another step or micro-batch is");
    accept(&c);
    drop(&c);
}

/* --- bounds ----------------------------------------------------------------------------------------------------- */

static void uses_lie_in_their_buffers(void **state) {
    (void)state;
    Case c;
    make(&c, GROUPED);
    RankSchedule *rank = &c.schedule.ranks[0];
    Op *sum = op_of(&c, 0, OP_all_reduce), *attention = op_of(&c, 0, OP_attention);
    int data = op_arg(OP_all_reduce, "buffer"), keys = op_arg(OP_attention, "keys");
    Buffer *of = &rank->buffers.items[sum->args[data].value];
    refuse_value(&c, &sum->args[data].delta, 16, "E0599", "it leaves the bytes or the layers of");
    refuse_value(&c, &of->bytes, of->bytes - 4, "E0599", "it leaves the bytes or the layers of");
    Buffer *cache = &rank->buffers.items[attention->args[keys].value];
    refuse_value(&c, &attention->args[keys].delta, cache->bytes + 1, "E0599",
                 "it leaves the bytes");
    refuse_value(&c, &cache->layers, cache->layers - 1, "E0599",
                 "it leaves the bytes or the layers of");
    refuse_value(&c, &cache->first_layer, 1, "E0599", "it leaves the bytes or the layers of");
    accept(&c);
    drop(&c);
}

/* --- intervals ---------------------------------------------------------------------------------------------------- */

static void values_are_where_they_are_said_to_be(void **state) {
    (void)state;
    Case c;
    make(&c, GROUPED);
    CertificateRole *role = &step(&c)->roles.items[0];
    const char *kept = role->role;
    role->role = "nobody";
    refuse(&c, "E0597", "intervals of others than those of");
    role->role = kept;
    refuse_value(&c, &role->intervals.count, role->intervals.count - 1, "E0597",
                 "no value is held by");
    kept = role->intervals.items[0].buffer;
    role->intervals.items[0].buffer = "nothing";
    refuse(&c, "E0597", "intervals of others than those of");
    role->intervals.items[0].buffer = kept;
    int said[3] = {0};
    for (int64_t b = 0; b < role->intervals.count; ++b) {
        CertificateBuffer *of = &role->intervals.items[b];
        if (!of->holds.count)
            continue;
        CertificateInterval *first = &of->holds.items[0];
        refuse_value(&c, &of->holds.count, 0, "E0597", "no value is held by");
        refuse_value(&c, &first->begin, first->begin + 1, "E0597", "");
        if (first->begin >
            0) { /* from a position at which nothing is written on: it is read unwritten */
            refuse_value(&c, &first->begin, first->begin - 1, "E0597",
                         "nothing has written the value of");
            said[0]++;
        }
        if (first->end > first->begin) { /* it ends before its last use */
            refuse_value(&c, &first->end, first->end - 1, "E0597", "");
            said[1]++;
        }
        int64_t end = first->end; /* it lasts for ever: what lies over it meets it */
        first->end = INT64_MAX / 2;
        if (judge(&c) != STATUS_OK) {
            assert_string_equal(c.fixture.diag.messages[0].code, "E0597");
            said[2] += strstr(c.fixture.diag.messages[0].text,
                              "where it writes, a value is held by") != NULL;
        }
        first->end = end;
    }
    assert_true(said[0] && said[1] && said[2]);
    accept(&c);
    drop(&c);
}

static void weights_are_not_written(void **state) {
    (void)state;
    Case c;
    make(&c, GROUPED);
    RankSchedule *rank = &c.schedule.ranks[0];
    int64_t weight = -1;
    for (int64_t i = 0; i < rank->buffers.count; ++i)
        if (rank->buffers.items[i].class == BUFFER_WEIGHT && rank->buffers.items[i].per_layer)
            weight = i;
    Op *attention = op_of(&c, 0, OP_attention);
    int out = -1;
    for (int a = 0; a < OP_ARGS && op_info[OP_attention].args[a].type != ARG_NONE; ++a)
        if (op_info[OP_attention].args[a].type == ARG_WRITE)
            out = a;
    refuse_value(&c, &attention->args[out].value, weight, "E0597", "it writes the weights");
    /* A value over the weights, and one over the state. */
    Buffer *of = &rank->buffers.items[attention->args[out].value];
    refuse_value(&c, &of->offset, rank->buffers.items[weight].offset, "E0597",
                 "where it writes, a value is held by");
    int64_t keys = attention->args[op_arg(OP_attention, "keys")].value;
    refuse_value(&c, &of->offset, rank->buffers.items[keys].offset, "E0597",
                 "where it writes, a value is held by");
    accept(&c);
    drop(&c);
}

/* --- streams ---------------------------------------------------------------------------------------------------- */

/* Each wait, left out alone: some are what keeps streams apart, and nothing else but that is said. */
static void streams_wait_for_each_other(void **state) {
    (void)state;
    Case c;
    make(&c, GROUPED);
    int needed = 0, uses = 0, lies = 0;
    for (int64_t r = 0; r < c.schedule.roles.count; ++r) {
        RankSchedule *rank = &c.schedule.ranks[c.schedule.roles.items[r].ranks.items[0]];
        for (int64_t i = 0; i < rank->ops.count; ++i)
            for (int w = 0; w < OP_WAITS && rank->ops.items[i].waits[w] >= 0; ++w) {
                int64_t kept[OP_WAITS];
                memcpy(kept, rank->ops.items[i].waits, sizeof kept);
                memmove(&rank->ops.items[i].waits[w], &rank->ops.items[i].waits[w + 1],
                        (size_t)(OP_WAITS - w - 1) * sizeof *kept);
                rank->ops.items[i].waits[OP_WAITS - 1] = -1;
                if (judge(&c) != STATUS_OK) {
                    const DiagMessage *message = &c.fixture.diag.messages[0];
                    assert_string_equal(message->code, "E0598");
                    uses += strstr(message->text, ": another stream may still use") != NULL;
                    lies += strstr(message->text,
                                   "where it writes, another stream may still use") != NULL;
                    ++needed;
                }
                memcpy(rank->ops.items[i].waits, kept, sizeof kept);
            }
    }
    assert_true(needed > 10 && uses > 0);
    assert_int_equal(needed, uses + lies);
    accept(&c);
    drop(&c);
}

static void waits_are_for_what_is_recorded(void **state) {
    (void)state;
    Case c;
    make(&c, GROUPED);
    RankSchedule *rank = &c.schedule.ranks[0];
    int tried = 0;
    for (int64_t i = 0; i < rank->ops.count; ++i) {
        if (rank->ops.items[i].waits[0] < 0)
            continue;
        Op *other = &rank->ops.items[rank->ops.items[i].waits[0]];
        other->records = false;
        refuse(&c, "E0596", "nothing is recorded of what it waits for");
        other->records = true;
        tried++;
    }
    assert_true(tried > 3);
    /* For one of another step: it was never executed in this one. */
    const RankStep *decode = &rank->steps[1];
    for (int64_t i = 0; i < rank->ops.count; ++i) {
        int64_t first = decode->segments.items[0].first, *wait = &rank->ops.items[i].waits[0];
        if (*wait < 0 || i >= first)
            continue;
        rank->ops.items[first].records = true;
        refuse_value(&c, wait, first, "E0596", "nothing is recorded of what it waits for");
        break;
    }
    drop(&c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(certificates_hold),
        cmocka_unit_test(of_another_schedule),
        cmocka_unit_test(every_rank_comes_to_its_end),
        cmocka_unit_test(what_meets_is_listed),
        cmocka_unit_test(members_bring_the_same),
        cmocka_unit_test(uses_lie_in_their_buffers),
        cmocka_unit_test(values_are_where_they_are_said_to_be),
        cmocka_unit_test(weights_are_not_written),
        cmocka_unit_test(streams_wait_for_each_other),
        cmocka_unit_test(waits_are_for_what_is_recorded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
