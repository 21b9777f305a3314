/* fold: ranks whose operations are equal but for numbers become a role; the numbers that differ become
 * columns of its table. Finds roles by comparison, never by name of strategy or part. */
#include "schedule/lower.h"

#include <stdio.h>
#include <string.h>

static bool same_op(const Op *a, const Op *b) {
    if (a->kind != b->kind || a->part != b->part || a->microbatch != b->microbatch ||
        a->lag != b->lag || a->per_layer != b->per_layer || a->stream != b->stream ||
        (a->channel < 0) != (b->channel < 0) || (a->exchange < 0) != (b->exchange < 0))
        return false;
    for (int i = 0; i < OP_ARGS && op_info[a->kind].args[i].type != ARG_NONE; ++i)
        if (op_info[a->kind].args[i].type != ARG_INT && a->args[i].value != b->args[i].value)
            return false;
    return true;
}

static bool same_buffers(const RankSchedule *a, const RankSchedule *b) {
    if (a->buffers.count != b->buffers.count)
        return false;
    for (int64_t i = 0; i < a->buffers.count; ++i) {
        const Buffer *x = &a->buffers.items[i], *y = &b->buffers.items[i];
        if (x->class != y->class || x->step != y->step || x->per_layer != y->per_layer ||
            strcmp(x->name, y->name) != 0)
            return false;
    }
    return true;
}

static bool same_role(const RankSchedule *a, const RankSchedule *b, int64_t steps) {
    if (a->ops.count != b->ops.count || !same_buffers(a, b))
        return false;
    for (int64_t s = 0; s < steps; ++s) {
        if (a->steps[s].segments.count != b->steps[s].segments.count)
            return false;
        for (int64_t i = 0; i < a->steps[s].segments.count; ++i)
            if (memcmp(&a->steps[s].segments.items[i], &b->steps[s].segments.items[i],
                       sizeof(Segment)) != 0)
                return false;
    }
    for (int64_t i = 0; i < a->ops.count; ++i)
        if (!same_op(&a->ops.items[i], &b->ops.items[i]))
            return false;
    return true;
}

/* What people call the role: by what it does. */
static const char *role_kind(const RankSchedule *rank) {
    bool attention = false, experts = false;
    for (int64_t i = 0; i < rank->ops.count; ++i) {
        attention |= rank->ops.items[i].kind == OP_attention ||
                     rank->ops.items[i].kind == OP_latent_attention;
        experts |= rank->ops.items[i].kind == OP_expert_ffn;
    }
    return attention && experts ? "worker" : attention ? "attention" : "experts";
}

static const char *role_name(Arena *arena, const Schedule *schedule, const RankSchedule *rank) {
    const char *kind = role_kind(rank);
    int64_t same = 1;
    for (int64_t i = 0; i < schedule->roles.count; ++i)
        same +=
            strcmp(role_kind(&schedule->ranks[schedule->roles.items[i].ranks.items[0]]), kind) == 0;
    return same == 1 ? kind : arena_printf(arena, "%s_%lld", kind, (long long)same);
}

/* --- columns ------------------------------------------------------------------------------------------ */

static int64_t field_value(const Op *op, int field) {
    if (field == OP_FIELD_CHANNEL)
        return op->channel;
    if (field == OP_FIELD_EXCHANGE)
        return op->exchange;
    return field < OP_ARGS ? op->args[field].value : op->args[field - OP_ARGS].delta;
}

static bool column_named(const Role *role, const char *name) {
    for (int64_t i = 0; i < role->columns.count; ++i)
        if (strcmp(role->columns.items[i].name, name) == 0)
            return true;
    return false;
}

/* "rows", else "rows_m1", else "rows_m1_2", ... */
static const char *column_name(Arena *arena, const Role *role, const Op *op, int field) {
    const char *base = field == OP_FIELD_CHANNEL    ? "channel"
                       : field == OP_FIELD_EXCHANGE ? "exchange"
                                                    : op_info[op->kind].args[field % OP_ARGS].name;
    const char *suffix = field >= OP_ARGS && field < OP_FIELD_CHANNEL ? "_at" : "";
    const char *name = arena_printf(arena, "%s%s", base, suffix);
    if (column_named(role, name))
        name = arena_printf(arena, "%s_m%lld", name, (long long)op->microbatch);
    const char *unique = name;
    for (int n = 2; column_named(role, unique); ++n)
        unique = arena_printf(arena, "%s_%d", name, n);
    return unique;
}

/* A column with these values whose name begins with that of the field, or -1. */
static int64_t find_column(const Role *role, const Op *op, int field, const int64_t *values) {
    const char *base = field == OP_FIELD_CHANNEL    ? "channel"
                       : field == OP_FIELD_EXCHANGE ? "exchange"
                                                    : op_info[op->kind].args[field % OP_ARGS].name;
    for (int64_t i = 0; i < role->columns.count; ++i)
        if (strncmp(role->columns.items[i].name, base, strlen(base)) == 0 &&
            memcmp(role->columns.items[i].values, values,
                   sizeof(int64_t) * (size_t)role->ranks.count) == 0)
            return i;
    return -1;
}

static void fold_field(Arena *arena, const Schedule *schedule, Role *role, int64_t op_index,
                       int field, int64_t *values) {
    bool differs = false;
    for (int64_t r = 0; r < role->ranks.count; ++r) {
        const RankSchedule *rank = &schedule->ranks[role->ranks.items[r]];
        values[r] = field_value(&rank->ops.items[op_index], field);
        differs |= values[r] != values[0];
    }
    if (!differs)
        return;
    const Op *op = &schedule->ranks[role->ranks.items[0]].ops.items[op_index];
    int64_t column = find_column(role, op, field, values);
    if (column < 0) {
        const char *name = column_name(arena, role, op, field);
        RoleColumn *added = LIST_PUSH(arena, &role->columns);
        added->name = name;
        added->values = ARENA_ARRAY(arena, role->ranks.count, int64_t);
        memcpy(added->values, values, sizeof(int64_t) * (size_t)role->ranks.count);
        column = role->columns.count - 1;
    }
    role->column_of[op_index * OP_FIELDS + field] = (int16_t)column;
}

static void fold_columns(Arena *arena, const Schedule *schedule, Role *role) {
    const RankSchedule *first = &schedule->ranks[role->ranks.items[0]];
    int64_t *values = ARENA_ARRAY(arena, role->ranks.count, int64_t);
    role->column_of = ARENA_ARRAY(arena, first->ops.count * OP_FIELDS, int16_t);
    for (int64_t i = 0; i < first->ops.count * OP_FIELDS; ++i)
        role->column_of[i] = -1;
    for (int64_t i = 0; i < first->ops.count; ++i) {
        const OpInfo *info = &op_info[first->ops.items[i].kind];
        for (int a = 0; a < OP_ARGS && info->args[a].type != ARG_NONE; ++a) {
            fold_field(arena, schedule, role, i, a, values);
            fold_field(arena, schedule, role, i, OP_ARGS + a, values);
        }
        fold_field(arena, schedule, role, i, OP_FIELD_CHANNEL, values);
        fold_field(arena, schedule, role, i, OP_FIELD_EXCHANGE, values);
    }
}

void schedule_fold(Arena *arena, Schedule *schedule) {
    for (int64_t r = 0; r < schedule->world; ++r) {
        RankSchedule *rank = &schedule->ranks[r];
        int64_t role = 0;
        for (; role < schedule->roles.count; ++role) {
            int64_t first = schedule->roles.items[role].ranks.items[0];
            if (same_role(&schedule->ranks[first], rank, schedule->plan->steps.count))
                break;
        }
        if (role == schedule->roles.count) {
            const char *name = role_name(arena, schedule, rank);
            ((Role *)LIST_PUSH(arena, &schedule->roles))->name = name;
        }
        rank->role = role;
        *(int64_t *)LIST_PUSH(arena, &schedule->roles.items[role].ranks) = r;
    }
    for (int64_t i = 0; i < schedule->roles.count; ++i)
        fold_columns(arena, schedule, &schedule->roles.items[i]);
}
