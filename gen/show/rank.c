/* rank: one rank for a person: what it is, what it holds, what it does. Scratch is freed before
 * return. */
#include "schedule/place.h"
#include "show/show.h"
#include "words.h"

#include <string.h>

static const char *role_of(const Schedule *schedule, int64_t rank) {
    return schedule->roles.items[schedule->ranks[rank].role].name;
}

/* --- what it is
 * --------------------------------------------------------------------------------------- */

static void label(Buf *out, const char *name) {
    buf_printf(out, "  %-12s", name);
}

static void write_members(const Place *place, Buf *out) {
    Arena scratch = {0};
    int64_t *ranks = ARENA_ARRAY(&scratch, place->members, int64_t);
    for (int64_t m = 0; m < place->members; ++m)
        ranks[m] = place->base + place->group->members.items[m].rank;
    buf_puts(out, ": ranks ");
    words_ranks(ranks, place->members, out);
    arena_free(&scratch);
}

/* Columns of feed-forwards that all tokens pass. */
static void write_ffn(const Model *model, const Place *place, Buf *out) {
    const struct {
        const char *name, *where;
        Range columns;
        int64_t width;
    } parts[] = {{"dense", "layers without experts", place->dense, model->dense_hidden},
                 {"shared", "beside experts", place->shared, model->shared_hidden}};
    for (int i = 0; i < 2; ++i) {
        if (parts[i].columns.begin >= parts[i].columns.end)
            continue;
        label(out, parts[i].name);
        buf_puts(out, "columns ");
        words_range(parts[i].columns, out);
        buf_printf(out, " of %lld, %s\n", (long long)parts[i].width, parts[i].where);
    }
}

static void write_attention(const Schedule *schedule, const Place *place, Buf *out) {
    const Model *model = &schedule->plan->inputs.model;
    int64_t first = place->copy * plan_copy_batch(schedule->plan);
    Range requests = place->group->requests;
    label(out, "requests");
    words_span("sequence", (Range){first + requests.begin, first + requests.end}, out);
    buf_printf(out, " of the wave; request group %lld, member %lld of %lld",
               (long long)place->group_index, (long long)place->member, (long long)place->members);
    if (place->members > 1)
        write_members(place, out);
    buf_putc(out, '\n');
    label(out, "heads");
    buf_puts(out, "query ");
    words_range(place->heads, out);
    buf_printf(out, " of %lld, ", (long long)model->heads);
    if (model_is_latent(model)) {
        buf_printf(out, "%lld columns each; latents of %lld for all\n", (long long)model->head_dim,
                   (long long)model_latent_dim(model));
    } else {
        buf_puts(out, "key-value ");
        words_range(place->kv, out);
        buf_printf(out, " of %lld, %lld columns each\n", (long long)model->kv_heads,
                   (long long)model->head_dim);
    }
    write_ffn(model, place, out);
    label(out, "vocabulary");
    buf_puts(out, "embeds ");
    words_range(place->embedding, out);
    buf_puts(out, ", scores ");
    words_range(place->head, out);
    buf_printf(out, " of %lld\n", (long long)model->vocabulary);
}

/* Slots of a layer; layers that hold the same are one line. */
static bool same_slots(const Place *place, int64_t a, int64_t b) {
    int64_t i = 0, k = 0;
    const PlaceSlot *slots = place->slots.items;
    for (;; ++i, ++k) {
        while (i < place->slots.count && slots[i].layer != a)
            ++i;
        while (k < place->slots.count && slots[k].layer != b)
            ++k;
        if (i >= place->slots.count || k >= place->slots.count)
            return i >= place->slots.count && k >= place->slots.count;
        if (slots[i].expert != slots[k].expert ||
            slots[i].columns.begin != slots[k].columns.begin ||
            slots[i].columns.end != slots[k].columns.end)
            return false;
    }
}

static void write_experts(const Schedule *schedule, const Place *place, Buf *out) {
    const Model *model = &schedule->plan->inputs.model;
    bool named = false;
    for (int64_t layer = 0, end; layer < model->layers; layer = end) {
        for (end = layer + 1; end < model->layers && same_slots(place, layer, end);)
            ++end;
        if (model_is_dense(model, layer)) {
            end = model_same_until(model, layer, end);
            continue;
        }
        label(out, named ? "" : "experts");
        named = true;
        bool any = false;
        for (int64_t i = 0; i < place->slots.count; ++i) {
            const PlaceSlot *slot = &place->slots.items[i];
            if (slot->layer != layer)
                continue;
            bool shared = slot->expert == model->experts;
            buf_puts(out, any ? ", " : "");
            if (shared)
                buf_puts(out, "shared");
            else
                buf_printf(out, "%lld", (long long)slot->expert);
            if (slot->columns.end - slot->columns.begin !=
                (shared ? model->shared_hidden : model->expert_hidden))
                buf_printf(out, " (columns %lld-%lld)", (long long)slot->columns.begin,
                           (long long)slot->columns.end - 1);
            if (slot->replica > 0)
                buf_printf(out, " (replica %lld)", (long long)slot->replica);
            any = true;
        }
        buf_printf(out, "%s of %lld, layers ", any ? "" : "none", (long long)model->experts);
        words_range((Range){layer, end}, out);
        buf_putc(out, '\n');
    }
}

static void write_memory(const Schedule *schedule, int64_t rank, Buf *out) {
    Arena scratch = {0};
    const LedgerRow row = ledger_make(&scratch, schedule).rows[rank];
    const struct {
        const char *name;
        int64_t bytes;
    } items[] = {{"", row.total},
                 {" of ", row.capacity},
                 {": weights ", row.weights},
                 {", state ", row.state},
                 {", activations ", row.activations},
                 {", windows ", row.windows},
                 {", workspace ", row.workspace}};
    size_t line = out->length;
    Buf text = {0};
    for (size_t i = 0; i < sizeof items / sizeof *items; ++i) {
        buf_puts(&text, items[i].name);
        words_bytes(items[i].bytes, &text);
    }
    label(out, "memory");
    words_wrap(text.data, line, 14, out);
    buf_putc(out, '\n');
    buf_free(&text);
    arena_free(&scratch);
}

/* --- what it holds
 * ------------------------------------------------------------------------------------ */

static bool same_slice(const Holding *a, const Holding *b) {
    return a->tensor == b->tensor && a->primary == b->primary &&
           a->layers.begin == b->layers.begin && a->layers.end == b->layers.end &&
           a->rows.begin == b->rows.begin && a->rows.end == b->rows.end &&
           a->columns.begin == b->columns.begin && a->columns.end == b->columns.end;
}

static void cell(Range range, size_t line, size_t column, Buf *out) {
    words_range(range, out);
    words_pad(out, line, column);
}

static void write_holding(const Holding *holding, int64_t experts, Buf *out) {
    size_t line = out->length;
    int64_t elements = (holding->rows.end - holding->rows.begin) *
                       (holding->columns.end - holding->columns.begin) *
                       (holding->layers.end - holding->layers.begin) * experts;
    buf_printf(out, "    %s", tensor_kind_names[holding->tensor]);
    words_pad(out, line, 26);
    cell(holding->rows, line, 40, out);
    cell(holding->columns, line, 54, out);
    if (tensor_kind_per_layer((TensorKind)holding->tensor))
        words_range(holding->layers, out);
    words_pad(out, line, 62);
    if (holding->expert >= 0)
        words_range((Range){holding->expert, holding->expert + experts}, out);
    words_pad(out, line, 71);
    buf_printf(out, "%s", holding->primary ? "primary" : "copy");
    words_pad(out, line, 81);
    words_bytes(elements * element_bytes(holding->type), out);
    buf_putc(out, '\n');
}

static void write_holdings(const RankSchedule *rank, Buf *out) {
    buf_puts(out, "\n  weights held          rows          columns       layers  experts  as"
                  "        bytes\n");
    for (int64_t i = 0, end; i < rank->holdings.count; i = end) {
        const Holding *first = &rank->holdings.items[i];
        for (end = i + 1; end < rank->holdings.count && first->expert >= 0; ++end)
            if (!same_slice(first, &rank->holdings.items[end]) ||
                rank->holdings.items[end].expert != first->expert + end - i)
                break;
        write_holding(first, end - i, out);
    }
}

/* --- what it does
 * ------------------------------------------------------------------------------------- */

static void write_waits(const RankSchedule *rank, const Op *op, Buf *out) {
    for (int w = 0; w < OP_WAITS && op->waits[w] >= 0; ++w) {
        const Op *waited = &rank->ops.items[op->waits[w]];
        buf_printf(out, "%s%lld %s", w ? ", " : "after ", (long long)op->waits[w],
                   op_info[waited->kind].name);
    }
}

static void write_op(const Schedule *schedule, const RankSchedule *rank, int64_t id, Buf *out) {
    enum { WORDS_COLUMN = 34 };
    const Op *op = &rank->ops.items[id];
    size_t line = out->length;
    char layer[24] = "";
    Buf text = {0};
    if (op->per_layer && op->lag != 0)
        snprintf(layer, sizeof layer, "%+lld", (long long)-op->lag);
    buf_printf(out, "  %4lld  m%-2lld %-6s%-15s ", (long long)id, (long long)op->microbatch, layer,
               op_info[op->kind].name);
    words_op(schedule, rank->rank, op, &text);
    words_wrap(text.data, line, WORDS_COLUMN, out);
    buf_putc(out, '\n');
    bool move = op->channel >= 0, waits = op->waits[0] >= 0;
    buf_clear(&text);
    if (move)
        buf_printf(&text, "%s, on stream %s%s", schedule->channels.items[op->channel].name,
                   plan_stream_names[op->stream], waits ? ", " : "");
    write_waits(rank, op, &text);
    if (move || waits) {
        line = out->length;
        buf_printf(out, "%*s", WORDS_COLUMN, "");
        words_wrap(text.data, line, WORDS_COLUMN, out);
        buf_putc(out, '\n');
    }
    buf_free(&text);
}

static void write_segment(const Schedule *schedule, const RankSchedule *rank,
                          const Segment *segment, Buf *out) {
    bool layers = false;
    for (int64_t i = segment->first; i < segment->first + segment->count; ++i)
        layers = layers || rank->ops.items[i].per_layer;
    buf_puts(out, "\n  ");
    if (layers)
        words_loop(segment->layers, &schedule->plan->inputs.model, out);
    else
        buf_puts(out, "once");
    buf_putc(out, '\n');
    for (int64_t i = segment->first; i < segment->first + segment->count; ++i)
        write_op(schedule, rank, i, out);
}

static void write_step(const Schedule *schedule, const RankSchedule *rank, int64_t index,
                       Buf *out) {
    const PlanStep *step = &schedule->plan->steps.items[index];
    buf_printf(out, "\nstep %s: ", step->name);
    words_count(step->tokens, "token", out);
    buf_printf(out, " a sequence, %lld micro-batch%s", (long long)step->microbatches,
               step->microbatches == 1 ? "" : "es");
    buf_puts(out, "\n    op  mb  layer kind            what\n");
    for (int64_t i = 0; i < rank->steps[index].segments.count; ++i)
        write_segment(schedule, rank, &rank->steps[index].segments.items[i], out);
}

void show_rank_text(const Schedule *schedule, int64_t rank, Buf *out) {
    const RankSchedule *of = &schedule->ranks[rank];
    const Plan *plan = schedule->plan;
    Arena scratch = {0};
    const Place *place = &place_all(&scratch, plan)[rank];
    buf_printf(out, "rank %lld of %lld: %s, on GPU %lld of node %lld", (long long)rank,
               (long long)schedule->world, role_of(schedule, rank),
               (long long)plan->ranks.items[rank].gpu, (long long)plan->ranks.items[rank].node);
    if (plan->copies > 1)
        buf_printf(out, ", copy %lld of %lld", (long long)place->copy, (long long)plan->copies);
    buf_puts(out, "\n");
    if (place->group)
        write_attention(schedule, place, out);
    if (place->slot_count > 0)
        write_experts(schedule, place, out);
    write_memory(schedule, rank, out);
    write_holdings(of, out);
    for (int64_t step = 0; step < plan->steps.count; ++step)
        write_step(schedule, of, step, out);
    arena_free(&scratch);
}
