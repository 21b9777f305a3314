/* pack: the rows that go to each target, each once however many of its experts are there, and where their
 * results will come back. The layout of both windows is that of rt_dispatch and rt_combine in rt.h. */
#include "kernel.h"

typedef const int16_t route_table[PARTS][2]; /* of an expert: target, slot there */

/* Where the next row and the next result of a target lie. */
struct cursor {
    int64_t row, result;
};

/* Where one row goes: its targets in order of choice and, at each, the slot of each choice (-1: not there). A
 * target holds at most one part of an expert in a layer. */
struct visit {
    int targets;
    int32_t target[CHOICES * PARTS];
    int32_t slots[CHOICES * PARTS][CHOICES];
};

static struct visit visit_row(const int32_t *choice, const route_table *table) {
    struct visit visit = {0};
    for (int k = 0; k < CHOICES; ++k) {
        for (int part = 0; choice[k] >= 0 && part < PARTS; ++part) {
            int32_t target = table[choice[k]][part][0];
            int at = 0;
            if (target < 0)
                continue;
            while (at < visit.targets && visit.target[at] != target)
                ++at;
            if (at == visit.targets) {
                visit.target[visit.targets++] = target;
                memset(visit.slots[at], -1, sizeof visit.slots[at]);
            }
            visit.slots[at][k] = table[choice[k]][part][1];
        }
    }
    return visit;
}

static int count_slots(const int32_t *slots) {
    int count = 0;
    for (int k = 0; k < CHOICES; ++k)
        count += slots[k] >= 0;
    return count;
}

/* Rows and results a target, then where its windows begin: bounds where padded, sums where exact. */
static void place_windows(const struct pack_args *a, const rt_exchange *exchange,
                          const int32_t *counts, const int32_t *returns, struct cursor *cursors) {
    struct cursor next = {0, 0};
    for (int t = 0; t < exchange->targets; ++t) {
        cursors[t] = next;
        next.row += exchange->exact ? counts[t] : a->rows;
        next.result += exchange->exact
                           ? returns[t]
                           : (int64_t)a->rows * min_of(CHOICES, exchange->target[t].count);
    }
}

/* The row of the returned window for each part of each choice. */
static void write_back(const struct visit *visit, const int32_t *choice, const route_table *table,
                       struct cursor *cursors, int32_t *back) {
    int64_t result[CHOICES * PARTS];
    for (int i = 0; i < visit->targets; ++i)
        result[i] = cursors[visit->target[i]].result;
    for (int k = 0; k < CHOICES; ++k) {
        for (int part = 0; part < PARTS; ++part) {
            int32_t target = choice[k] < 0 ? -1 : table[choice[k]][part][0];
            int at = 0;
            while (target >= 0 && visit->target[at] != target)
                ++at;
            back[k * PARTS + part] = target < 0 ? -1 : (int32_t)result[at]++;
        }
    }
    for (int i = 0; i < visit->targets; ++i)
        cursors[visit->target[i]].result = result[i];
}

rt_status kernel_pack(rt_rank *rank, const void *args) {
    const struct pack_args *a = args;
    const rt_exchange *exchange = &exchanges[a->exchange];
    const route_table *table = routes[a->routes];
    const elem_t *in = rt_at(rank, a->in);
    const int32_t *choice = rt_at(rank, a->choice);
    elem_t *send_rows = rt_at(rank, a->send_rows);
    int32_t *send_meta = rt_at(rank, a->send_meta), *counts = rt_at(rank, a->send_counts);
    int32_t *back = rt_at(rank, a->back), *returns = rt_at(rank, a->returns);
    struct cursor cursors[TARGETS];

    memset(counts, 0, (size_t)exchange->targets * sizeof *counts);
    memset(returns, 0, (size_t)exchange->targets * sizeof *returns);
    for (int64_t row = 0; row < a->rows; ++row) {
        struct visit visit = visit_row(choice + row * CHOICES, table);
        for (int i = 0; i < visit.targets; ++i) {
            counts[visit.target[i]] += 1;
            returns[visit.target[i]] += count_slots(visit.slots[i]);
        }
    }
    place_windows(a, exchange, counts, returns, cursors);
    for (int64_t row = 0; row < a->rows; ++row) {
        struct visit visit = visit_row(choice + row * CHOICES, table);
        for (int i = 0; i < visit.targets; ++i) {
            int64_t to = cursors[visit.target[i]].row++;
            memcpy(send_rows + to * HIDDEN, in + row * HIDDEN, HIDDEN * sizeof *in);
            memcpy(send_meta + to * CHOICES, visit.slots[i], sizeof visit.slots[i]);
        }
        write_back(&visit, choice + row * CHOICES, table, cursors, back + row * CHOICES * PARTS);
    }
    return RT_OK;
}
