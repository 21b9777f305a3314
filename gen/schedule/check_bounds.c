/* check_bounds: every argument lies inside its buffer, windows at their bounds; and memory:
 * every buffer inside the slab, weights and state alone, the slab inside the GPU. */
#include "schedule/check_rules.h"

#include <stdio.h>
#include <string.h>

static void check_argument(Check *check, int64_t rank, int64_t step, int64_t id, int arg) {
    const Op *op = check_op(check, rank, id);
    const OpArg *info = &op_info[op->kind].args[arg];
    OpValue value = op->args[arg];
    WalkItem item = {id, -1};
    if (info->type == ARG_INT)
        return;
    int64_t bytes = check_argument_bytes(check, rank, step, op, arg);
    if (value.value < 0) {
        if (strcmp(info->name, "workspace") == 0 && bytes > 0)
            check_fail(check, CHECK_ARGUMENTS, NULL, "%s: argument %s is absent",
                       check_where(check, rank, step, item), info->name);
        return;
    }
    const Buffer *buffer = &check->schedule->ranks[rank].buffers.items[value.value];
    CheckRuleId rule = buffer->class == BUFFER_WINDOW ? CHECK_WINDOWS : CHECK_ARGUMENTS;
    check_count(check, rule, 1);
    if (bytes < 0 || value.delta + bytes > buffer->bytes)
        check_fail(check, rule, "the lowering rule sized the buffer for less than is moved",
                   "%s: argument %s touches bytes [%lld, %lld) of buffer %s, which has %lld",
                   check_where(check, rank, step, item), info->name, (long long)value.delta,
                   (long long)(value.delta + bytes), buffer->name, (long long)buffer->bytes);
}

void check_bounds(Check *check) {
    for (int64_t r = 0; r < check->schedule->world; ++r) {
        const RankSchedule *rank = &check->schedule->ranks[r];
        for (int64_t s = 0; s < check->plan->steps.count; ++s)
            for (int64_t g = 0; g < rank->steps[s].segments.count; ++g) {
                const Segment *segment = &rank->steps[s].segments.items[g];
                for (int64_t i = segment->first; i < segment->first + segment->count; ++i)
                    for (int a = 0;
                         a < OP_ARGS && op_info[rank->ops.items[i].kind].args[a].type != ARG_NONE;
                         ++a)
                        check_argument(check, r, s, i, a);
            }
    }
}

/* --- memory
 * ------------------------------------------------------------------------------------------- */

static bool persistent(const Buffer *buffer) {
    return buffer->class == BUFFER_WEIGHT || buffer->class == BUFFER_STATE;
}

static void check_overlap(Check *check, const RankSchedule *rank, int64_t index) {
    const Buffer *buffer = &rank->buffers.items[index];
    int64_t end = buffer->offset + ledger_buffer_bytes(buffer);
    if (buffer->class != BUFFER_STATE && buffer->offset < rank->state_offset + rank->state_bytes &&
        rank->state_offset < end)
        check_fail(check, CHECK_OVERLAP, NULL,
                   "rank %lld: %s lies in the range that is cleared for each wave",
                   (long long)rank->rank, buffer->name);
    if (!persistent(buffer))
        return;
    check_count(check, CHECK_OVERLAP, 1);
    for (int64_t i = 0; i < rank->buffers.count; ++i) {
        const Buffer *other = &rank->buffers.items[i];
        if (i == index || (persistent(other) && i < index))
            continue;
        if (other->offset < end && buffer->offset < other->offset + ledger_buffer_bytes(other))
            check_fail(check, CHECK_OVERLAP, NULL,
                       "rank %lld: %s at [%lld, %lld) shares bytes with %s at %lld",
                       (long long)rank->rank, buffer->name, (long long)buffer->offset,
                       (long long)end, other->name, (long long)other->offset);
    }
    if (buffer->class == BUFFER_STATE &&
        (buffer->offset < rank->state_offset || end > rank->state_offset + rank->state_bytes))
        check_fail(check, CHECK_OVERLAP, NULL,
                   "rank %lld: state %s lies outside the range that is cleared for each wave",
                   (long long)rank->rank, buffer->name);
}

static void check_slab(Check *check, const RankSchedule *rank) {
    enum { ALIGNMENT = 16 }; /* of the widest vector load that a kernel may use */
    for (int64_t i = 0; i < rank->buffers.count; ++i) {
        const Buffer *buffer = &rank->buffers.items[i];
        int64_t end = buffer->offset + ledger_buffer_bytes(buffer);
        check_count(check, CHECK_SLAB, 1);
        if (buffer->offset < 0 || buffer->bytes < 0 || end > rank->slab_bytes ||
            buffer->offset % ALIGNMENT != 0 || buffer->layer_stride % ALIGNMENT != 0 ||
            (buffer->class != BUFFER_WEIGHT &&
             buffer->per_layer != (buffer->class == BUFFER_STATE)) ||
            (buffer->step < 0) != (persistent(buffer) || buffer->class == BUFFER_WORKSPACE) ||
            (buffer->per_layer && buffer->layers > 1 && buffer->layer_stride < buffer->bytes))
            check_fail(check, CHECK_SLAB, NULL,
                       "rank %lld: buffer %s at [%lld, %lld), stride %lld, in a slab of %lld bytes",
                       (long long)rank->rank, buffer->name, (long long)buffer->offset,
                       (long long)end, (long long)buffer->layer_stride,
                       (long long)rank->slab_bytes);
        check_overlap(check, rank, i);
    }
}

/* Role files name offsets once for all ranks of a role. */
static void check_role(Check *check, const RankSchedule *rank) {
    const Role *role = &check->schedule->roles.items[rank->role];
    const RankSchedule *first = &check->schedule->ranks[role->ranks.items[0]];
    bool same =
        rank->buffers.count == first->buffers.count && rank->slab_bytes == first->slab_bytes;
    for (int64_t i = 0; same && i < rank->buffers.count; ++i) {
        const Buffer *a = &rank->buffers.items[i], *b = &first->buffers.items[i];
        same = a->offset == b->offset && a->layer_stride == b->layer_stride &&
               a->class == b->class && a->step == b->step && strcmp(a->name, b->name) == 0;
    }
    if (!same)
        check_fail(check, CHECK_SLAB, NULL,
                   "rank %lld lays out its buffers otherwise than rank %lld of its role %s",
                   (long long)rank->rank, (long long)first->rank, role->name);
}

/* The two largest buffers of a rank, for the message. */
static void largest(const RankSchedule *rank, int64_t top[2]) {
    top[0] = top[1] = -1;
    for (int64_t i = 0; i < rank->buffers.count; ++i) {
        int64_t bytes = ledger_buffer_bytes(&rank->buffers.items[i]);
        for (int k = 0; k < 2; ++k) {
            if (top[k] >= 0 && ledger_buffer_bytes(&rank->buffers.items[top[k]]) >= bytes)
                continue;
            if (k == 0)
                top[1] = top[0];
            top[k] = i;
            break;
        }
    }
}

/* What would fit: the class that dominates says which knob to turn, and how far. */
static const char *cure(Check *check, const LedgerRow *row) {
    char text[24];
    int64_t batch = check->plan->inputs.workload.batch;
    int64_t by_batch = row->state + row->activations + row->windows;
    int64_t room = row->capacity - row->weights - row->workspace;
    if (room > 0 && row->padding > 0 && row->total - row->padding <= row->capacity)
        return arena_printf(
            check->scratch,
            "all ranks of a role have one layout, and the fullest of them leaves %s "
            "of this one unused: give them more equal parts",
            ledger_bytes(text, row->padding));
    if (room <= 0)
        return arena_printf(check->scratch,
                            "its weights alone take %s: spread them over more ranks",
                            ledger_bytes(text, row->weights));
    return arena_printf(check->scratch,
                        "what grows with the batch takes %s: a batch of about %lld fits here, as "
                        "would more ranks, a shorter context or more micro-batches",
                        ledger_bytes(text, by_batch),
                        (long long)((double)batch * ((double)room / (double)by_batch)));
}

static void check_fits(Check *check, const LedgerRow *row) {
    const RankSchedule *rank = &check->schedule->ranks[row->rank];
    check_count(check, CHECK_FITS, 1);
    if (row->total <= row->capacity)
        return;
    char text[8][24];
    int64_t top[2];
    largest(rank, top);
    char items[256] = "";
    for (int k = 0; k < 2 && top[k] >= 0; ++k) {
        const Buffer *buffer = &rank->buffers.items[top[k]];
        size_t used = strlen(items);
        snprintf(items + used, sizeof items - used, "%s%s %s", k ? ", " : "", buffer->name,
                 ledger_bytes(text[k], ledger_buffer_bytes(buffer)));
    }
    check_fail(check, CHECK_FITS, cure(check, row),
               "rank %lld needs %s of %s: weights %s, state %s, activations %s, windows %s; "
               "largest: %s",
               (long long)row->rank, ledger_bytes(text[2], row->total),
               ledger_bytes(text[3], row->capacity), ledger_bytes(text[4], row->weights),
               ledger_bytes(text[5], row->state), ledger_bytes(text[6], row->activations),
               ledger_bytes(text[7], row->windows), items);
}

void check_memory(Check *check) {
    for (int64_t r = 0; r < check->schedule->world; ++r) {
        check_slab(check, &check->schedule->ranks[r]);
        check_role(check, &check->schedule->ranks[r]);
        check_fits(check, &check->report->ledger.rows[r]);
    }
}
