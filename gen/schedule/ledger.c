/* ledger: sums of bytes by class, overlapping ranges once. Allocates in the caller's arena. */
#include "schedule/ledger.h"

#include <stdio.h>
#include <stdlib.h>

int64_t ledger_buffer_bytes(const Buffer *buffer) {
    return buffer->per_layer ? buffer->layer_stride * (buffer->layers - 1) + buffer->bytes
                             : buffer->bytes;
}

const char *ledger_bytes(char *text, int64_t bytes) {
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
    double value = (double)bytes;
    int unit = 0;
    while (value >= 999.5 && unit < 6) {
        value /= 1000;
        ++unit;
    }
    int digits = unit == 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
    snprintf(text, 24, "%.*f %s", digits, value, units[unit]);
    return text;
}

/* A byte range of the slab and the place of its class in the order of counting. */
typedef struct Extent {
    int64_t begin, end;
} Extent;

typedef LIST_OF(Extent) Extents;

static int by_begin(const void *a, const void *b) {
    int64_t x = ((const Extent *)a)->begin, y = ((const Extent *)b)->begin;
    return x < y ? -1 : x > y;
}

/* Bytes of the union. */
static int64_t union_bytes(Extents *extents) {
    int64_t bytes = 0, end = INT64_MIN;
    if (extents->count > 0)
        qsort(extents->items, (size_t)extents->count, sizeof(Extent), by_begin);
    for (int64_t i = 0; i < extents->count; ++i) {
        Extent extent = extents->items[i];
        int64_t begin = extent.begin > end ? extent.begin : end;
        bytes += extent.end > begin ? extent.end - begin : 0;
        end = extent.end > end ? extent.end : end;
    }
    return bytes;
}

static LedgerRow make_row(Arena *scratch, const Schedule *schedule, const RankSchedule *rank) {
    static const int64_t order[] = {BUFFER_WEIGHT, BUFFER_STATE, BUFFER_WINDOW, BUFFER_WORKSPACE,
                                    BUFFER_ACTIVATION};
    const PlanRank *place = &schedule->plan->ranks.items[rank->rank];
    LedgerRow row = {.rank = rank->rank, .total = rank->slab_bytes};
    row.capacity = topology_node(&schedule->plan->inputs.topology, place->node)->gpu.memory;
    int64_t *const sums[] = {&row.weights, &row.state, &row.windows, &row.workspace,
                             &row.activations};
    Extents extents = {0};
    int64_t counted = 0;
    for (size_t c = 0; c < sizeof order / sizeof *order; ++c) {
        for (int64_t i = 0; i < rank->buffers.count; ++i) {
            const Buffer *buffer = &rank->buffers.items[i];
            if (buffer->class == order[c])
                *(Extent *)LIST_PUSH(scratch, &extents) =
                    (Extent){buffer->offset, buffer->offset + ledger_buffer_bytes(buffer)};
        }
        int64_t all = union_bytes(&extents);
        *sums[c] = all - counted;
        counted = all;
    }
    row.padding = row.total - counted;
    return row;
}

Ledger ledger_make(Arena *arena, const Schedule *schedule) {
    Ledger ledger = {ARENA_ARRAY(arena, schedule->world, LedgerRow), schedule->world};
    Arena scratch = {0};
    for (int64_t rank = 0; rank < schedule->world; ++rank)
        ledger.rows[rank] = make_row(&scratch, schedule, &schedule->ranks[rank]);
    arena_free(&scratch);
    return ledger;
}
