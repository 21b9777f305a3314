/* check_tables: the tables that the emitted program reads say what was proved of the ranks. A role's file is made of
 * its first rank's operations and of the columns of its table; the rest of the proof looks at the ranks. */
#include "schedule/check_rules.h"

#include <string.h>

static void refuse_role(Check *check, const Role *role, int64_t rank, int64_t op,
                        const char *what) {
    const char *where = op < 0 ? ""
                               : arena_printf(check->scratch, ", op %lld %s", (long long)op,
                                              op_info[check_op(check, rank, op)->kind].name);
    check_fail(check, CHECK_ROLES, NULL, "role %s: rank %lld%s %s", role->name, (long long)rank,
               where, what);
}

/* --- ids ---------------------------------------------------------------------------------------------- */

/* Every rank in one role, which says so; ascending. */
static bool sound_roles(Check *check) {
    const Schedule *schedule = check->schedule;
    int64_t seen = 0;
    for (int64_t i = 0; i < schedule->roles.count; ++i) {
        const IntList *ranks = &schedule->roles.items[i].ranks;
        if (ranks->count == 0)
            return false;
        for (int64_t r = 0; r < ranks->count; ++r, ++seen)
            if (ranks->items[r] < 0 || ranks->items[r] >= schedule->world ||
                schedule->ranks[ranks->items[r]].role != i ||
                (r > 0 && ranks->items[r] <= ranks->items[r - 1]))
                return false;
    }
    return seen == schedule->world;
}

/* All tables of routes cut experts in as many parts as the windows' layout says. */
static bool sound_parts(const Schedule *schedule) {
    for (int64_t i = 0; i < schedule->routes.count; ++i)
        if (schedule->routes.items[i].parts != schedule->parts)
            return false;
    return schedule->parts > 0;
}

/* Its step and micro-batch are the plan's; it is within one rank, or it is not. */
static bool sound_exchange(const Check *check, const Exchange *exchange) {
    const Plan *plan = check->plan;
    bool alone = exchange->sources.count == 1 && exchange->targets.count == 1 &&
                 exchange->sources.items[0].rank == exchange->targets.items[0].rank;
    return exchange->step >= 0 && exchange->step < plan->steps.count && exchange->microbatch >= 0 &&
           exchange->microbatch < plan->steps.items[exchange->step].microbatches &&
           exchange->copy >= 0 && exchange->copy < plan->copies && (alone || !exchange->local);
}

void check_table_ids(Check *check) {
    const Schedule *schedule = check->schedule;
    if (!sound_roles(check))
        check_fail(check, CHECK_IDS, NULL,
                   "the roles do not have every rank once, in ascending order");
    if (!sound_parts(schedule))
        check_fail(check, CHECK_IDS, NULL,
                   "a table of routes has not the %lld parts an expert of the schedule",
                   (long long)schedule->parts);
    for (int64_t e = 0; e < schedule->exchanges.count; ++e)
        if (!sound_exchange(check, &schedule->exchanges.items[e]))
            check_fail(check, CHECK_IDS, NULL,
                       "exchange \"%s\": its step, micro-batch or copy does not exist, or it is "
                       "within one rank and has others",
                       schedule->exchanges.items[e].name);
    for (int64_t r = 0; r < schedule->world; ++r)
        for (int64_t i = 0; i < schedule->ranks[r].holdings.count; ++i)
            if (schedule->ranks[r].holdings.items[i].rank != r)
                check_fail(check, CHECK_IDS, NULL,
                           "rank %lld: holding %lld is said to be rank %lld's", (long long)r,
                           (long long)i, (long long)schedule->ranks[r].holdings.items[i].rank);
}

/* --- parts ---------------------------------------------------------------------------------------------- */

enum {
    IN_EMBED = 1 << PART_EMBED,
    IN_RECEIVE = 1 << PART_RECEIVE,
    IN_ATTENTION = 1 << PART_ATTENTION,
    IN_DISPATCH = 1 << PART_DISPATCH,
    IN_COMBINE = 1 << PART_COMBINE,
    IN_HEAD = 1 << PART_HEAD,
    IN_TOKENS = 1 << PART_TOKENS,
    IN_GROUP = IN_EMBED | IN_RECEIVE | IN_ATTENTION | IN_DISPATCH | IN_COMBINE | IN_HEAD,
};

/* Parts of an order that a kind of operation belongs to; those not named are of attention. */
static const int parts_of[OP_KINDS] = {
    [OP_begin] = IN_EMBED | IN_RECEIVE,
    [OP_finish] = IN_HEAD | IN_TOKENS,
    [OP_embed] = IN_EMBED,
    [OP_rms_norm] = IN_ATTENTION | IN_HEAD,
    [OP_layer_norm] = IN_ATTENTION | IN_HEAD,
    [OP_add] = IN_ATTENTION | IN_DISPATCH | IN_COMBINE,
    [OP_dense_ffn] = IN_ATTENTION | IN_DISPATCH,
    [OP_dispatch] = IN_DISPATCH,
    [OP_expert_ffn] = 1 << PART_EXPERTS,
    [OP_combine] = IN_COMBINE,
    [OP_weighted_sum] = IN_COMBINE,
    [OP_head] = IN_HEAD,
    [OP_choose] = IN_HEAD,
    [OP_all_reduce] = IN_GROUP,
    [OP_reduce_scatter] = IN_GROUP,
    [OP_all_gather] = IN_GROUP,
    [OP_transfer] = IN_GROUP,
    [OP_send] = 1 << PART_SEND | IN_RECEIVE | IN_TOKENS, /* match.collective tells the ends apart */
    [OP_recv] = 1 << PART_SEND | IN_RECEIVE | IN_TOKENS,
};

bool check_part(const Op *op) {
    int parts = parts_of[op->kind] ? parts_of[op->kind] : IN_ATTENTION;
    return op->part >= 0 && op->part <= PART_TOKENS && (parts >> op->part & 1);
}

/* --- tables of roles ---------------------------------------------------------------------------------- */

static int64_t field_of(const Op *op, int field) {
    if (field == OP_FIELD_CHANNEL)
        return op->channel;
    if (field == OP_FIELD_EXCHANGE)
        return op->exchange;
    return field < OP_ARGS ? op->args[field].value : op->args[field - OP_ARGS].delta;
}

/* The field as the role's file has it for its index-th rank is the rank's own. */
static bool same_field(const Role *role, int64_t index, const Op *first, const Op *op, int64_t id,
                       int field) {
    int64_t column = role->column_of[id * OP_FIELDS + field];
    if (column < 0)
        return field_of(op, field) == field_of(first, field);
    return column < role->columns.count &&
           role->columns.items[column].values[index] == field_of(op, field);
}

static bool same_op(const Op *a, const Op *b) {
    return a->kind == b->kind && a->part == b->part && a->microbatch == b->microbatch &&
           a->lag == b->lag && a->per_layer == b->per_layer && a->stream == b->stream &&
           a->records == b->records && memcmp(a->waits, b->waits, sizeof a->waits) == 0;
}

static void check_op_fields(Check *check, const Role *role, int64_t index, int64_t id) {
    int64_t rank = role->ranks.items[index];
    const Op *first = check_op(check, role->ranks.items[0], id), *op = check_op(check, rank, id);
    if (!same_op(first, op)) {
        refuse_role(check, role, rank, id, "is another operation than in its role");
        return;
    }
    bool same = same_field(role, index, first, op, id, OP_FIELD_CHANNEL) &&
                same_field(role, index, first, op, id, OP_FIELD_EXCHANGE);
    for (int a = 0; a < OP_ARGS && op_info[op->kind].args[a].type != ARG_NONE; ++a)
        same = same && same_field(role, index, first, op, id, a) &&
               same_field(role, index, first, op, id, OP_ARGS + a);
    if (!same)
        refuse_role(check, role, rank, id, "has other numbers than the table of its role");
}

static bool same_segments(const RankSchedule *a, const RankSchedule *b, int64_t steps) {
    for (int64_t s = 0; s < steps; ++s) {
        if (a->steps[s].segments.count != b->steps[s].segments.count)
            return false;
        for (int64_t g = 0; g < a->steps[s].segments.count; ++g) {
            const Segment *x = &a->steps[s].segments.items[g], *y = &b->steps[s].segments.items[g];
            if (x->first != y->first || x->count != y->count ||
                x->layers.begin != y->layers.begin || x->layers.end != y->layers.end)
                return false;
        }
    }
    return true;
}

static bool same_layers(const RankSchedule *a, const RankSchedule *b) {
    bool same = a->buffers.count == b->buffers.count;
    for (int64_t i = 0; same && i < a->buffers.count; ++i) {
        const Buffer *x = &a->buffers.items[i], *y = &b->buffers.items[i];
        same = x->per_layer == y->per_layer && x->first_layer == y->first_layer &&
               x->layers == y->layers;
    }
    return same;
}

static void check_role(Check *check, const Role *role) {
    const RankSchedule *first = &check->schedule->ranks[role->ranks.items[0]];
    for (int64_t r = 0; r < role->ranks.count; ++r) {
        const RankSchedule *rank = &check->schedule->ranks[role->ranks.items[r]];
        check_count(check, CHECK_ROLES, rank->ops.count);
        if (rank->slab_bytes != role->slab_bytes || rank->state_offset != role->state_offset ||
            rank->state_bytes != role->state_bytes)
            refuse_role(check, role, rank->rank, -1, "has another slab or range of state than it");
        if (rank->ops.count != first->ops.count ||
            !same_segments(first, rank, check->plan->steps.count) || !same_layers(first, rank)) {
            refuse_role(check, role, rank->rank, -1, "has other segments or buffers than it");
            continue;
        }
        for (int64_t id = 0; id < rank->ops.count; ++id)
            check_op_fields(check, role, r, id);
    }
}

void check_tables(Check *check) {
    for (int64_t i = 0; i < check->schedule->roles.count; ++i)
        check_role(check, &check->schedule->roles.items[i]);
}
