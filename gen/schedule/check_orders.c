/* check_orders: floating-point sums that are put together in different ways differ in their last bits, and with
 * them what routers choose. So members of a request group that read the same bytes of a sum must have had its parts
 * added in the same order. Reads are found again by what they are for: layer, micro-batch, kind of operation and
 * its number there, which members have in common (coverage.work). Lies in the scratch of the proof. */
#include "schedule/check_pieces.h"

#include <string.h>

/* What members have read for one purpose: bytes without overlaps, and who read them first. */
typedef struct Reading {
    int64_t begin, end, rank;
    WalkItem item;
    const Sum *sum;
} Reading;

typedef struct Purpose {
    int64_t group; /* its first member; -1: free */
    int64_t layer, microbatch, kind, number;
    LIST_OF(Reading) readings;
} Purpose;

/* How many sums a rank has read with a kind of operation in the layer that it is at. */
typedef struct Number {
    int64_t layer, count;
} Number;

struct SumReads {
    int64_t microbatches;
    Number **numbers;  /* [world] [microbatches][kinds], NULL: none yet */
    Purpose *purposes; /* [capacity] */
    int64_t count, capacity;
};

enum { FIRST_CAPACITY = 64 };

static Purpose *free_purposes(Arena *arena, int64_t capacity) {
    Purpose *purposes = ARENA_ARRAY(arena, capacity, Purpose);
    for (int64_t i = 0; i < capacity; ++i)
        purposes[i].group = -1;
    return purposes;
}

SumReads *orders_begin(Check *check, int64_t step) {
    SumReads *reads = ARENA_NEW(check->scratch, SumReads);
    *reads = (SumReads){.microbatches = check->plan->steps.items[step].microbatches,
                        .numbers = ARENA_ARRAY(check->scratch, check->schedule->world, Number *),
                        .capacity = FIRST_CAPACITY};
    reads->purposes = free_purposes(check->scratch, reads->capacity);
    return reads;
}

static Purpose *slot_of(const SumReads *reads, const Purpose *wanted) {
    const int64_t keys[] = {wanted->group, wanted->layer, wanted->microbatch, wanted->kind,
                            wanted->number};
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; ++i)
        hash = (hash ^ (uint64_t)keys[i]) * 0x100000001b3u;
    for (hash ^= hash >> 29;; ++hash) {
        Purpose *slot = &reads->purposes[hash & (uint64_t)(reads->capacity - 1)];
        if (slot->group < 0 || (slot->group == wanted->group && slot->layer == wanted->layer &&
                                slot->microbatch == wanted->microbatch &&
                                slot->kind == wanted->kind && slot->number == wanted->number))
            return slot;
    }
}

static Purpose *purpose_of(Arena *arena, SumReads *reads, Purpose wanted) {
    Purpose *slot = slot_of(reads, &wanted);
    if (slot->group >= 0)
        return slot;
    *slot = wanted;
    if (2 * ++reads->count < reads->capacity)
        return slot;
    SumReads wider = *reads;
    wider.capacity = 2 * reads->capacity;
    wider.purposes = free_purposes(arena, wider.capacity);
    for (int64_t i = 0; i < reads->capacity; ++i)
        if (reads->purposes[i].group >= 0)
            *slot_of(&wider, &reads->purposes[i]) = reads->purposes[i];
    *reads = wider;
    return slot_of(reads, &wanted);
}

/* The purpose of what a rank reads now: of its sums in this layer and micro-batch the next one. */
static Purpose next_purpose(Provenance *at, int64_t rank, int64_t group, WalkItem item) {
    SumReads *reads = at->reads;
    const Op *op = check_op(at->check, rank, item.op);
    if (!reads->numbers[rank])
        reads->numbers[rank] =
            ARENA_ARRAY(at->check->scratch, reads->microbatches * OP_KINDS, Number);
    Number *number = &reads->numbers[rank][op->microbatch * OP_KINDS + op->kind];
    if (number->count == 0 || number->layer != item.layer)
        *number = (Number){.layer = item.layer};
    return (Purpose){.group = group,
                     .layer = item.layer,
                     .microbatch = op->microbatch,
                     .kind = op->kind,
                     .number = number->count++};
}

static void refuse(Provenance *at, const Reading *mine, const Reading *other, int64_t buffer) {
    Check *check = at->check;
    const Track *track = &at->tracks[mine->rank][buffer];
    if (track->by)
        check_name(check, mine->rank, at->step,
                   track->by - check->schedule->ranks[mine->rank].ops.items);
    check_fail(check, CHECK_ASSOCIATION,
               "let one member add the parts and give the sum to the others, or let both add the "
               "same two numbers",
               "%s reads bytes [%lld, %lld) of %s%s, added as %s%s%s, which rank %lld has added as "
               "%s: their last bits differ",
               check_where(check, mine->rank, at->step, mine->item), (long long)mine->begin,
               (long long)mine->end, check->schedule->ranks[mine->rank].buffers.items[buffer].name,
               pieces_name(at, track, mine->begin), sums_text(&at->sums, mine->sum),
               track->moved ? " on channel " : "", track->moved ? track->moved->name : "",
               (long long)other->rank, sums_text(&at->sums, other->sum));
}

/* Compare with what others have read of the same bytes; true if nobody had. */
static bool is_new(Provenance *at, const Purpose *purpose, const Reading *mine, int64_t buffer) {
    bool met = false;
    for (int64_t i = 0; i < purpose->readings.count; ++i) {
        const Reading *other = &purpose->readings.items[i];
        if (other->begin >= mine->end || mine->begin >= other->end)
            continue;
        met = true;
        if (other->sum == mine->sum)
            continue;
        refuse(at, mine, other, buffer);
        break;
    }
    return !met;
}

void orders_read(Provenance *at, int64_t rank, WalkItem item, int64_t buffer, int64_t begin,
                 int64_t end) {
    int64_t base;
    const PlanGroup *group = check_group(at->check, rank, &base, NULL);
    if (!group || group->members.count == 1)
        return;
    Purpose *purpose =
        purpose_of(at->check->scratch, at->reads,
                   next_purpose(at, rank, base + group->members.items[0].rank, item));
    const Pieces *pieces = &at->tracks[rank][buffer].pieces;
    check_count(at->check, CHECK_ASSOCIATION, 1);
    for (int64_t i = pieces_at(pieces, begin); i < pieces->count && pieces->items[i].begin < end;
         ++i) {
        const Piece *piece = &pieces->items[i];
        Reading mine = {.begin = piece->begin > begin ? piece->begin : begin,
                        .end = piece->end < end ? piece->end : end,
                        .rank = rank,
                        .item = item,
                        .sum = piece->sum};
        if (mine.sum && is_new(at, purpose, &mine, buffer))
            *(Reading *)LIST_PUSH(at->check->scratch, &purpose->readings) = mine;
    }
}
