/* facts: walks a plan from placement to order. Scratch texts are copied to the arena at once. */
#include "facts.h"

#include "holds.h"
#include "words.h"

#include <string.h>

typedef struct Writer {
    Arena *arena;
    const Schedule *schedule;
    const Place *places;
    Facts facts;
    Buf text; /* words of the fact at hand */
} Writer;

/* The text so far becomes a fact. */
static void fact(Writer *writer, const char *what) {
    if (writer->text.length > 0)
        *(Fact *)LIST_PUSH(writer->arena, &writer->facts) =
            (Fact){what, arena_strdup(writer->arena, writer->text.data)};
    buf_clear(&writer->text);
}

const char *facts_find(const Facts *facts, const char *what) {
    for (int64_t i = 0; i < facts->count; ++i)
        if (strcmp(facts->items[i].what, what) == 0)
            return facts->items[i].words;
    return NULL;
}

/* --- placement
 * ---------------------------------------------------------------------------------------- */

static void rank_words(const Schedule *schedule, const Place *place, Buf *out) {
    const Plan *plan = schedule->plan;
    const PlanRank *at = &plan->ranks.items[place->rank];
    buf_printf(out, "node %lld GPU %lld", (long long)at->node, (long long)at->gpu);
    if (plan->stages.count > 1) {
        buf_puts(out, ", ");
        words_span("layer", place->layers, out);
    }
    if (place->group) {
        buf_puts(out, ", ");
        words_span("sequence", holds_sequences(plan, place), out);
        buf_puts(out, ", ");
        words_span("head", place->heads, out);
    }
    if (place->dense.end > place->dense.begin) {
        buf_puts(out, ", dense columns ");
        words_range(place->dense, out);
    }
    if (place->shared.end > place->shared.begin) {
        buf_puts(out, ", shared columns ");
        words_range(place->shared, out);
    }
    if (place->slot_count > 0) {
        buf_puts(out, ", experts ");
        holds_experts(place, &plan->inputs.model, out);
    }
}

static void stages(Writer *writer) {
    const Plan *plan = writer->schedule->plan;
    buf_printf(&writer->text, "%lld", (long long)plan->stages.count);
    for (int64_t s = 0; s < plan->stages.count && plan->stages.count > 1; ++s) {
        buf_puts(&writer->text, s ? " | " : ": layers ");
        words_range(plan->stages.items[s].layers, &writer->text);
    }
    fact(writer, "pipeline stages");
}

/* Is the vocabulary copied by every rank that has any, or split over them? */
static void vocabulary(Writer *writer, const char *what, const PlanVocabulary *items,
                       int64_t count) {
    int64_t all = writer->schedule->plan->inputs.model.vocabulary, whole = 0;
    for (int64_t i = 0; i < count; ++i)
        whole += items[i].entries.end - items[i].entries.begin == all;
    buf_puts(&writer->text, whole == count ? "whole on " : "split over ");
    words_count(count, "rank", &writer->text);
    fact(writer, what);
}

static void placement(Writer *writer) {
    const Plan *plan = writer->schedule->plan;
    holds_sentence(writer->schedule, writer->places, &writer->text);
    fact(writer, "deployment");
    words_count(plan->copies, "copy", &writer->text);
    if (plan->copies > 1) { /* the plural of copy */
        buf_clear(&writer->text);
        buf_printf(&writer->text, "%lld copies", (long long)plan->copies);
    }
    fact(writer, "data parallel");
    stages(writer);
    vocabulary(writer, "embedding", plan->embedding.items, plan->embedding.count);
    vocabulary(writer, "head", plan->head.items, plan->head.count);
    buf_puts(&writer->text,
             plan->residual == RESIDUAL_SHARDED ? "sharded over request groups" : "replicated");
    fact(writer, "residual");
    buf_puts(&writer->text,
             plan->replica_choice == REPLICA_NEAREST ? "the nearest" : "one after the other");
    fact(writer, "which replica of an expert");
}

/* --- steps
 * -------------------------------------------------------------------------------------------- */

static void move_words(const PlanMove *move, Buf *out) {
    if (move->kind == MOVE_DISPATCH || move->kind == MOVE_COMBINE) {
        buf_puts(out, move->mode == MODE_EXACT ? "exact" : "padded");
        if (move->chunk > 0)
            buf_printf(out, ", %lld rows a transfer, %lld in flight", (long long)move->chunk,
                       (long long)move->in_flight);
    } else if (move->kind == MOVE_HANDOVER) {
        buf_puts(out, "rows to their owners in the next stage");
    } else {
        buf_puts(out, move->algorithm);
        for (int64_t s = 0; s < move->stages.count; ++s) {
            const PlanMoveStage *stage = &move->stages.items[s];
            buf_printf(out, "%s%s of ", s ? ", then " : ": ",
                       plan_primitive_names[stage->primitive]);
            words_count(stage->sets.count, "set", out);
        }
    }
    buf_printf(out, ", on stream %s", plan_stream_names[move->stream]);
}

/* Moves of one kind, each way of doing it once with how many groups do so. */
static void moves(Writer *writer, const PlanStep *step, int64_t kind) {
    Buf words = {0}, seen = {0};
    int64_t groups = 0;
    for (int64_t i = 0; i < step->moves.count; ++i) {
        if (step->moves.items[i].kind != kind)
            continue;
        groups += step->moves.items[i].group >= 0;
        buf_clear(&words);
        move_words(&step->moves.items[i], &words);
        if (seen.data && strstr(seen.data, words.data))
            continue;
        buf_printf(&seen, "%s%s", seen.length ? "; or " : "", words.data);
    }
    if (seen.length > 0) {
        buf_puts(&writer->text, seen.data);
        if (groups > 1)
            buf_printf(&writer->text, "; %lld groups", (long long)groups);
        fact(writer, arena_printf(writer->arena, "%s: %s", step->name, plan_move_names[kind]));
    }
    buf_free(&words);
    buf_free(&seen);
}

/* The order of each set of ranks over the loop that has most layers: the one that is repeated. */
static void order(Writer *writer, const PlanStep *step) {
    for (int64_t o = 0; o < step->orders.count; ++o) {
        const PlanOrder *of = &step->orders.items[o];
        const PlanLoop *body = NULL;
        for (int64_t i = 0; i < of->loops.count; ++i) {
            const PlanLoop *loop = &of->loops.items[i];
            if (!body ||
                loop->layers.end - loop->layers.begin > body->layers.end - body->layers.begin)
                body = loop;
        }
        buf_puts(&writer->text, o ? "; ranks " : "ranks ");
        words_ranks(of->ranks.items, of->ranks.count, &writer->text);
        buf_puts(&writer->text, ": ");
        words_count(of->loops.count, "loop", &writer->text);
        buf_puts(&writer->text, ", a layer is");
        for (int64_t i = 0; body && i < body->items.count; ++i) {
            const PlanItem *item = &body->items.items[i];
            buf_printf(&writer->text, "%s %s m%lld", i ? "," : "", plan_part_names[item->part],
                       (long long)item->microbatch);
            if (item->lag)
                buf_printf(&writer->text, " of layer %+lld", (long long)-item->lag);
        }
    }
    fact(writer, arena_printf(writer->arena, "%s: order", step->name));
}

static void steps(Writer *writer) {
    const Plan *plan = writer->schedule->plan;
    for (int64_t s = 0; s < plan->steps.count; ++s) {
        const PlanStep *step = &plan->steps.items[s];
        buf_printf(&writer->text, "%lld", (long long)step->microbatches);
        fact(writer, arena_printf(writer->arena, "%s: micro-batches", step->name));
        for (int64_t kind = 0; kind < MOVE_KINDS; ++kind)
            moves(writer, step, kind);
        order(writer, step);
    }
}

/* --- ranks
 * -------------------------------------------------------------------------------------------- */

static void ranks(Writer *writer) {
    for (int64_t rank = 0; rank < writer->schedule->world; ++rank) {
        rank_words(writer->schedule, &writer->places[rank], &writer->text);
        fact(writer, arena_printf(writer->arena, "rank %lld", (long long)rank));
    }
}

Facts facts_of(Arena *arena, const Schedule *schedule) {
    Arena scratch = {0};
    Writer writer = {
        .arena = arena, .schedule = schedule, .places = place_all(&scratch, schedule->plan)};
    placement(&writer);
    steps(&writer);
    ranks(&writer);
    buf_free(&writer.text);
    arena_free(&scratch);
    return writer.facts;
}
