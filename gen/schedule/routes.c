/* routes: rows of a route table are shared by all layers that go the same ways. Lowering and the reader of schedules
 * both share them so: a table is the same whether it was lowered or read back. */
#include "schedule/schedule.h"

#include <string.h>

static uint64_t hash_ways(uint64_t hash, const int64_t *ways, int64_t count) {
    for (int64_t i = 0; i < count; ++i)
        hash = (hash ^ (uint64_t)ways[i]) * 0x100000001b3u;
    return hash ^ hash >> 29;
}

static bool same_ways(const RouteTable *table, int64_t count, int64_t a, int64_t b) {
    size_t bytes = (size_t)count * sizeof(int64_t);
    return memcmp(table->target + a * count, table->target + b * count, bytes) == 0 &&
           memcmp(table->slot + a * count, table->slot + b * count, bytes) == 0;
}

void route_table_share(RouteTable *table, int64_t layers, int64_t experts) {
    int64_t count = experts * table->parts, kept = 0, capacity = 2;
    Arena scratch = {0};
    while (capacity < 2 * table->rows)
        capacity *= 2;
    int64_t *slots = ARENA_ARRAY(&scratch, capacity, int64_t); /* 1 + row; 0: free */
    int64_t *row_is = ARENA_ARRAY(&scratch, table->rows + 1, int64_t);
    for (int64_t row = 0; row < table->rows; ++row) {
        uint64_t at = hash_ways(hash_ways(0xcbf29ce484222325u, table->target + row * count, count),
                                table->slot + row * count, count);
        for (;; ++at) {
            int64_t *slot = &slots[at & (uint64_t)(capacity - 1)];
            if (*slot && !same_ways(table, count, *slot - 1, row))
                continue;
            if (!*slot) { /* a new one: it moves to the end of those that stay */
                size_t bytes = (size_t)count * sizeof(int64_t);
                memmove(table->target + kept * count, table->target + row * count, bytes);
                memmove(table->slot + kept * count, table->slot + row * count, bytes);
                *slot = ++kept;
            }
            row_is[row] = *slot - 1;
            break;
        }
    }
    for (int64_t layer = 0; layer < layers; ++layer)
        if (table->row_of[layer] >= 0)
            table->row_of[layer] = row_is[table->row_of[layer]];
    table->rows = kept;
    arena_free(&scratch);
}

/* The first row stands for all: a part of what all tokens pass is the same in all layers of a rank. */
bool exchange_sends_all(const Schedule *schedule, const Exchange *exchange, int64_t source,
                        int64_t target) {
    int64_t shared = plan_shared_expert(schedule->plan);
    if (schedule->experts <= shared)
        return false;
    const RouteTable *table = &schedule->routes.items[exchange->sources.items[source].routes];
    for (int64_t p = 0; table->rows > 0 && p < table->parts; ++p)
        if (table->target[shared * table->parts + p] == target)
            return true;
    return false;
}

int64_t exchange_chosen_slots(const Schedule *schedule, const Exchange *exchange, int64_t target) {
    int64_t slots = exchange->targets.items[target].slots;
    bool shares = schedule->experts > plan_shared_expert(schedule->plan);
    for (int64_t s = 0; shares && s < exchange->sources.count; ++s)
        if (exchange_sends_all(schedule, exchange, s, target))
            return slots - 1;
    return slots;
}
