/* mutate_same: whether two schedules of plans with the same inputs are equal, field by field. Names are left out, which
 * are made anew whenever a plan is lowered, and what only the cost model reads. */
#include "mutate.h"

#include <string.h>

static bool same_range(Range a, Range b) {
    return a.begin == b.begin && a.end == b.end;
}

#define SAME_COUNT(x, y) ((x).count == (y).count)
#define ALL(i, list) for (int64_t i = 0; same && i < (list).count; ++i)

static bool same_ints(const int64_t *a, const int64_t *b, int64_t count) {
    return count == 0 || memcmp(a, b, (size_t)count * sizeof *a) == 0;
}

static bool same_op(const Op *a, const Op *b) {
    return a->kind == b->kind && a->part == b->part && a->microbatch == b->microbatch &&
           a->lag == b->lag && a->per_layer == b->per_layer && a->stream == b->stream &&
           a->channel == b->channel && a->exchange == b->exchange && a->records == b->records &&
           memcmp(a->args, b->args, sizeof a->args) == 0 &&
           memcmp(a->waits, b->waits, sizeof a->waits) == 0;
}

static bool same_buffer(const Buffer *a, const Buffer *b) {
    return strcmp(a->name, b->name) == 0 && a->class == b->class && a->step == b->step &&
           a->bytes == b->bytes && a->first_layer == b->first_layer && a->layers == b->layers &&
           a->per_layer == b->per_layer && a->layer_stride == b->layer_stride &&
           a->offset == b->offset;
}

static bool same_holding(const Holding *a, const Holding *b) {
    return a->rank == b->rank && a->tensor == b->tensor && same_range(a->layers, b->layers) &&
           a->expert == b->expert && same_range(a->rows, b->rows) &&
           same_range(a->columns, b->columns) && a->primary == b->primary &&
           a->buffer == b->buffer && a->delta == b->delta && a->pitch == b->pitch &&
           a->type == b->type;
}

static bool same_step(const RankStep *a, const RankStep *b) {
    bool same = SAME_COUNT(a->segments, b->segments) && a->captured == b->captured;
    ALL(i, a->segments) {
        const Segment *x = &a->segments.items[i], *y = &b->segments.items[i];
        same = same_range(x->layers, y->layers) && x->first == y->first && x->count == y->count;
    }
    return same;
}

static bool same_rank(const RankSchedule *a, const RankSchedule *b, int64_t steps) {
    bool same = a->role == b->role && SAME_COUNT(a->ops, b->ops) &&
                SAME_COUNT(a->buffers, b->buffers) && SAME_COUNT(a->holdings, b->holdings) &&
                a->slab_bytes == b->slab_bytes && a->state_offset == b->state_offset &&
                a->state_bytes == b->state_bytes;
    ALL(i, a->ops) same = same_op(&a->ops.items[i], &b->ops.items[i]);
    ALL(i, a->buffers) same = same_buffer(&a->buffers.items[i], &b->buffers.items[i]);
    ALL(i, a->holdings) same = same_holding(&a->holdings.items[i], &b->holdings.items[i]);
    for (int64_t s = 0; same && s < steps; ++s)
        same = same_step(&a->steps[s], &b->steps[s]);
    return same;
}

static bool same_channel(const Channel *a, const Channel *b) {
    bool same = a->move == b->move && a->stream == b->stream && a->pieces == b->pieces &&
                a->is_exchange == b->is_exchange && a->is_pair == b->is_pair &&
                SAME_COUNT(a->ranks, b->ranks) && SAME_COUNT(a->own, b->own) &&
                SAME_COUNT(a->transfers, b->transfers) &&
                same_ints(a->ranks.items, b->ranks.items, a->ranks.count);
    ALL(i, a->own) same = same_range(a->own.items[i], b->own.items[i]);
    ALL(i, a->transfers) {
        const ChannelTransfer *x = &a->transfers.items[i], *y = &b->transfers.items[i];
        same = x->from == y->from && x->to == y->to && same_range(x->pieces, y->pieces) &&
               x->sum == y->sum;
    }
    return same;
}

static bool same_exchange(const Exchange *a, const Exchange *b) {
    bool same = a->step == b->step && a->microbatch == b->microbatch && a->copy == b->copy &&
                a->mode == b->mode && a->chunk == b->chunk && a->in_flight == b->in_flight &&
                a->local == b->local && SAME_COUNT(a->sources, b->sources) &&
                SAME_COUNT(a->targets, b->targets);
    ALL(i, a->sources) {
        const ExchangeSource *x = &a->sources.items[i], *y = &b->sources.items[i];
        same = x->rank == y->rank && same_range(x->rows, y->rows) &&
               x->first_sequence == y->first_sequence && x->tokens == y->tokens;
    }
    ALL(i, a->targets)
    same = a->targets.items[i].rank == b->targets.items[i].rank &&
           a->targets.items[i].slots == b->targets.items[i].slots;
    for (int back = 0; same && back < 2; ++back) {
        same = SAME_COUNT(a->hops[back], b->hops[back]);
        ALL(i, a->hops[back])
        same = memcmp(&a->hops[back].items[i], &b->hops[back].items[i], sizeof(ExchangeHop)) == 0;
    }
    return same;
}

static bool same_route(const RouteTable *a, const RouteTable *b, const Schedule *of) {
    int64_t cells = a->rows * of->experts * a->parts;
    return a->parts == b->parts && a->rows == b->rows &&
           same_ints(a->row_of, b->row_of, of->layers) && same_ints(a->target, b->target, cells) &&
           same_ints(a->slot, b->slot, cells);
}

static bool same_role(const Role *a, const Role *b, int64_t ops) {
    bool same =
        SAME_COUNT(a->ranks, b->ranks) && SAME_COUNT(a->columns, b->columns) &&
        a->slab_bytes == b->slab_bytes && a->state_offset == b->state_offset &&
        a->state_bytes == b->state_bytes &&
        same_ints(a->ranks.items, b->ranks.items, a->ranks.count) &&
        memcmp(a->column_of, b->column_of, (size_t)(ops * OP_FIELDS) * sizeof *a->column_of) == 0;
    ALL(i, a->columns)
    same = same_ints(a->columns.items[i].values, b->columns.items[i].values, a->ranks.count);
    return same;
}

bool mutate_same(const Schedule *a, const Schedule *b) {
    bool same = a->world == b->world && a->parts == b->parts && a->experts == b->experts &&
                a->top_k == b->top_k && a->plan->steps.count == b->plan->steps.count &&
                SAME_COUNT(a->channels, b->channels) && SAME_COUNT(a->exchanges, b->exchanges) &&
                SAME_COUNT(a->routes, b->routes) && SAME_COUNT(a->roles, b->roles);
    for (int64_t s = 0; same && s < a->plan->steps.count; ++s)
        same = a->plan->steps.items[s].phase == b->plan->steps.items[s].phase;
    for (int64_t r = 0; same && r < a->world; ++r)
        same = same_rank(&a->ranks[r], &b->ranks[r], a->plan->steps.count);
    ALL(i, a->channels) same = same_channel(&a->channels.items[i], &b->channels.items[i]);
    ALL(i, a->exchanges) same = same_exchange(&a->exchanges.items[i], &b->exchanges.items[i]);
    ALL(i, a->routes) same = same_route(&a->routes.items[i], &b->routes.items[i], a);
    ALL(i, a->roles)
    same = same_role(&a->roles.items[i], &b->roles.items[i],
                     a->ranks[a->roles.items[i].ranks.items[0]].ops.count);
    return same;
}
