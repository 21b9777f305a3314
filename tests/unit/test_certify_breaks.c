/* certify: a good certificate holds; each way to break a certificate or the schedule under it is refused with the code
 * that names what is wrong. Schedules are broken after they were read and digests made to fit, so that no refusal is
 * owed to a digest alone. */
#include "certify_fixture.h"

#include "emit/program.h"

#define SEPARATED "ma-separation:attention=6,experts=2,groups=1,output=flat,microbatches=2"

typedef struct Case {
    Fixture f;
    Schedule schedule; /* as it was read */
    Certificate certificate;
} Case;

/* The first operation of a kind on a rank, from `from` on. */
static Op *op_of(Case *c, int64_t rank, OpKind kind) {
    RankSchedule *of = &c->schedule.ranks[rank];
    for (int64_t i = 0; i < of->ops.count; ++i)
        if (of->ops.items[i].kind == (int64_t)kind)
            return &of->ops.items[i];
    fail_msg("rank %d has no %s", (int)rank, op_info[kind].name);
    return NULL;
}

static Buffer *buffer_at(Case *c, int64_t rank, OpKind kind, const char *argument) {
    const Op *op = op_of(c, rank, kind);
    return &c->schedule.ranks[rank].buffers.items[op->args[op_arg(kind, argument)].value];
}

/* An operation that waits, in the first rank; and which of its waits is of another stream. */
static Op *waiting(Case *c) {
    RankSchedule *of = &c->schedule.ranks[0];
    for (int64_t i = 0; i < of->ops.count; ++i)
        if (of->ops.items[i].waits[0] >= 0 &&
            of->ops.items[of->ops.items[i].waits[0]].stream != of->ops.items[i].stream)
            return &of->ops.items[i];
    fail_msg("nothing waits");
    return NULL;
}

/* All intervals of a buffer of the first role in the first step. */
static CertificateBuffer *intervals_of(Case *c, const char *part) {
    CertificateRole *role = &c->certificate.steps.items[0].roles.items[0];
    for (int64_t i = 0; i < role->intervals.count; ++i)
        if (strstr(role->intervals.items[i].buffer, part))
            return &role->intervals.items[i];
    fail_msg("no intervals of %s", part);
    return NULL;
}

static CertificateStep *first_step(Case *c) {
    return &c->certificate.steps.items[0];
}

/* --- ways to break it ---------------------------------------------------------------------------------- */

static void other_schedule(Case *c) {
    c->certificate.schedule_digest = "0123456789abcdef";
}
static void other_plan(Case *c) {
    c->certificate.plan_digest = "0123456789abcdef";
}
static void lost_step(Case *c) {
    --c->certificate.steps.count;
}
static void other_step(Case *c) {
    first_step(c)->name = "decode";
}
static void lost_role(Case *c) {
    --first_step(c)->roles.count;
}
static void shorter_order(Case *c) {
    CertificateBlock *block = &first_step(c)->order.items[first_step(c)->order.count - 1];
    if (block->repeat > 1)
        --block->repeat;
    else
        --block->places.count;
}
static void longer_order(Case *c) {
    ++first_step(c)->order.items[first_step(c)->order.count - 1].repeat;
}
static void swapped_order(Case *c) {
    IntList *places = &first_step(c)->order.items[0].places;
    assert_true(places->count > 1 && places->items[0] != places->items[1]);
    int64_t kept = places->items[0];
    places->items[0] = places->items[1];
    places->items[1] = kept;
}
static void no_such_place(Case *c) {
    first_step(c)->order.items[0].places.items[0] = 1 << 20;
}
static void negative_place(Case *c) {
    first_step(c)->order.items[0].places.items[0] = -1;
}
static void miscounted(Case *c) {
    --first_step(c)->matching.items[0].count;
}
static void other_bytes(Case *c) {
    ++first_step(c)->matching.items[0].bytes;
}
static void later_sequence(Case *c) {
    ++first_step(c)->matching.items[0].sequence.begin;
}
static void longer_sequence(Case *c) {
    ++first_step(c)->matching.items[0].sequence.end;
}
static void lost_match(Case *c) {
    --first_step(c)->matching.count;
}
static void match_of_no_place(Case *c) {
    first_step(c)->matching.items[0].place = 1 << 20;
}
static void smaller_collective(Case *c) {
    --op_of(c, 1, OP_all_reduce)->args[op_arg(OP_all_reduce, "units")].value;
}
static void other_units(Case *c) {
    Op *op = op_of(c, 1, OP_all_reduce);
    op->args[op_arg(OP_all_reduce, "units")].value *= 2;
    op->args[op_arg(OP_all_reduce, "unit_bytes")].value /= 2;
}
static void other_kind(Case *c) {
    Op *op = op_of(c, 1, OP_all_reduce);
    op->kind = OP_reduce_scatter;
}
static void other_microbatch(Case *c) {
    op_of(c, 1, OP_all_reduce)->microbatch ^= 1;
}
static void other_layer(Case *c) {
    ++op_of(c, 1, OP_all_reduce)->lag;
}
static void exchange_of_another_step(Case *c) {
    c->schedule.exchanges.items[op_of(c, 0, OP_dispatch)->exchange].step ^= 1;
}
static void exchange_of_another_microbatch(Case *c) {
    c->schedule.exchanges.items[op_of(c, 0, OP_dispatch)->exchange].microbatch ^= 1;
}
static void both_send(Case *c) {
    for (int64_t rank = 0; rank < c->schedule.world; ++rank)
        for (int64_t i = 0; i < c->schedule.ranks[rank].ops.count; ++i)
            if (c->schedule.ranks[rank].ops.items[i].kind == OP_recv)
                c->schedule.ranks[rank].ops.items[i].kind = OP_send;
}
static void lost_wait(Case *c) {
    Op *op = waiting(c);
    memmove(op->waits, op->waits + 1, sizeof op->waits - sizeof *op->waits);
    op->waits[OP_WAITS - 1] = -1;
}
static void unrecorded_wait(Case *c) {
    c->schedule.ranks[0].ops.items[waiting(c)->waits[0]].records = false;
}
static void wait_for_what_comes_later(Case *c) {
    waiting(c)->waits[0] = c->schedule.ranks[0].ops.count - 1;
    c->schedule.ranks[0].ops.items[c->schedule.ranks[0].ops.count - 1].records = true;
}
static void other_stream(Case *c) {
    op_of(c, 0, OP_linear)->stream = 3;
}
static void later_begin(Case *c) {
    ++intervals_of(c, "normed")->holds.items[0].begin;
}
static void earlier_end(Case *c) {
    CertificateInterval *run = &intervals_of(c, "residual")->holds.items[0];
    --run->end;
}
static void earlier_begin(Case *c) {
    --intervals_of(c, "normed")->holds.items[0].begin;
}
static void other_stride(Case *c) {
    ++intervals_of(c, "normed")->holds.items[0].stride;
}
static void fewer_intervals(Case *c) {
    --intervals_of(c, "normed")->holds.items[0].repeat;
}
static void lost_buffer(Case *c) {
    --first_step(c)->roles.items[0].intervals.count;
}
static void foreign_buffer(Case *c) {
    first_step(c)->roles.items[0].intervals.items[0].buffer = "nobody";
}
static void buffers_in_disorder(Case *c) {
    CertificateBuffer *items = first_step(c)->roles.items[0].intervals.items, kept = items[0];
    items[0] = items[1];
    items[1] = kept;
}
static void laid_over_a_value(Case *c) {
    int64_t offset = buffer_at(c, 0, OP_attention, "out")->offset;
    for (int64_t r = 0; r < c->schedule.world; ++r)
        if (c->schedule.ranks[r].role == c->schedule.ranks[0].role)
            buffer_at(c, r, OP_attention, "qkv")->offset = offset;
}
static void laid_over_weights(Case *c) {
    int64_t offset = buffer_at(c, 0, OP_embed, "table")->offset;
    for (int64_t r = 0; r < c->schedule.world; ++r)
        if (c->schedule.ranks[r].role == c->schedule.ranks[0].role)
            buffer_at(c, r, OP_attention, "qkv")->offset = offset;
}
static void caches_overlap(Case *c) {
    int64_t offset = buffer_at(c, 0, OP_attention, "keys")->offset;
    for (int64_t r = 0; r < c->schedule.world; ++r)
        if (c->schedule.ranks[r].role == c->schedule.ranks[0].role)
            buffer_at(c, r, OP_attention, "values")->offset = offset;
}
static void writes_weights(Case *c) {
    buffer_at(c, 0, OP_attention, "qkv")->class = BUFFER_WEIGHT;
}
static void reads_before_it_writes(Case *c) {
    Op *op = op_of(c, 0, OP_linear); /* its own result */
    op->args[op_arg(OP_linear, "in")] = op->args[op_arg(OP_linear, "out")];
}
static void outside_its_buffer(Case *c) {
    buffer_at(c, 1, OP_all_reduce, "buffer")->bytes /= 2;
}
static void begins_outside(Case *c) {
    op_of(c, 1, OP_linear)->args[op_arg(OP_linear, "in")].delta = INT64_C(1) << 40;
}
static void layer_without_weights(Case *c) {
    --buffer_at(c, 1, OP_linear, "weight")->layers;
}

static const struct {
    const char *name, *code;
    void (*break_it)(Case *c);
} breaks[] = {
#define BREAK(name, code)                                                                          \
    { #name, code, name }
    BREAK(other_schedule, "E0593"),
    BREAK(other_plan, "E0593"),
    BREAK(lost_step, "E0593"),
    BREAK(other_step, "E0593"),
    BREAK(lost_role, "E0593"),
    BREAK(shorter_order, "E0594"),
    BREAK(longer_order, "E0594"),
    BREAK(swapped_order, "E0594"),
    BREAK(no_such_place, "E0594"),
    BREAK(negative_place, "E0594"),
    BREAK(miscounted, "E0595"),
    BREAK(other_bytes, "E0595"),
    BREAK(later_sequence, "E0595"),
    BREAK(longer_sequence, "E0595"),
    BREAK(lost_match, "E0595"),
    BREAK(match_of_no_place, "E0595"),
    BREAK(smaller_collective, "E0595"),
    BREAK(other_units, "E0595"),
    BREAK(other_kind, "E0595"),
    BREAK(other_microbatch, "E0595"),
    BREAK(other_layer, "E0595"),
    BREAK(exchange_of_another_step, "E0595"),
    BREAK(exchange_of_another_microbatch, "E0595"),
    BREAK(lost_wait, "E0598"),
    BREAK(unrecorded_wait, "E0596"),
    BREAK(wait_for_what_comes_later, "E0596"),
    BREAK(other_stream, "E0598"),
    BREAK(later_begin, "E0597"),
    BREAK(earlier_end, "E0597"),
    BREAK(earlier_begin, "E0597"),
    BREAK(other_stride, "E0597"),
    BREAK(fewer_intervals, "E0597"),
    BREAK(lost_buffer, "E0597"),
    BREAK(foreign_buffer, "E0597"),
    BREAK(buffers_in_disorder, "E0597"),
    BREAK(laid_over_a_value, "E0597"),
    BREAK(laid_over_weights, "E0597"),
    BREAK(caches_overlap, "E0597"),
    BREAK(writes_weights, "E0597"),
    BREAK(reads_before_it_writes, "E0597"),
    BREAK(outside_its_buffer, "E0599"),
    BREAK(begins_outside, "E0599"),
    BREAK(layer_without_weights, "E0599"),
};

static void make(Case *c, const char *strategy, Texts *texts) {
    fixture_make(&c->f, MIXTRAL, strategy, 4);
    c->f.diag.arena = &c->f.arena;
    texts_make(texts, &c->f);
    fixture_refused(&c->f, texts_read(&c->f, &texts->schedule, &c->schedule));
    fixture_refused(&c->f, texts_read_certificate(&c->f, &texts->certificate, &c->certificate));
}

static Status hold(Case *c, const Texts *texts) {
    return certify(&c->schedule, texts->schedule_digest, texts->plan_digest, &c->certificate,
                   &c->f.diag);
}

static void break_one(const char *strategy, const char *name, const char *code,
                      void (*break_it)(Case *c)) {
    Case c;
    Texts texts;
    make(&c, strategy, &texts);
    assert_int_equal(hold(&c, &texts), STATUS_OK);
    break_it(&c);
    Status status = hold(&c, &texts);
    if (status != STATUS_NEGATIVE || c.f.diag.count != 1 ||
        strcmp(c.f.diag.messages[0].code, code) != 0) {
        diag_render(&c.f.diag, stderr);
        fail_msg("%s: status %d, not %s", name, status, code);
    }
    assert_non_null(c.f.diag.messages[0].help);
    texts_free(&texts);
    fixture_free(&c.f);
}

static void each_break_is_refused(void **state) {
    for (size_t i = 0; i < sizeof breaks / sizeof *breaks; ++i)
        break_one(SEPARATED, breaks[i].name, breaks[i].code, breaks[i].break_it);
    break_one("pp:pp=2", "both_send", "E0595", both_send);
}

/* Nothing is emitted without a certificate, with that of another plan, or with one that was changed. */
static void nothing_is_emitted_without_one(void **state) {
    Case c, other;
    Texts texts, others;
    make(&c, "tp:tp=2", &texts);
    make(&other, "tp:tp=3", &others);
    char *changed = arena_strdup(&c.f.arena, texts.certificate.data);
    *strstr(changed, "\"repeat\": 2") = '_';
    const char *const wrong[] = {NULL, others.certificate.data, changed, "{}", ""};
    const char *const codes[] = {"E0593", "E0593", NULL, "E0592", NULL};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; ++i) {
        c.f.diag.count = c.f.diag.errors = 0;
        assert_int_not_equal(emit_program(&c.f.arena, &c.f.schedule, wrong[i], "{}\n",
                                          "/nonexistent/program", (EmitOptions){.version = "test"},
                                          &c.f.diag),
                             STATUS_OK);
        assert_true(c.f.diag.errors > 0);
        if (codes[i])
            assert_string_equal(c.f.diag.messages[0].code, codes[i]);
        assert_string_not_equal(c.f.diag.messages[0].code,
                                "E0904"); /* before any file is written */
    }
    texts_free(&texts);
    texts_free(&others);
    fixture_free(&c.f);
    fixture_free(&other.f);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_break_is_refused),
                                       cmocka_unit_test(nothing_is_emitted_without_one)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
