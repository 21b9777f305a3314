/* check_device: what only a kernel for devices can get wrong: conversions of its own, more rows than a direction of a grid
 * holds but one, tiles and blocks that a test's few rows do not fill, and pairs of a head that another target reads. */
#include "check.h"

#include "check_device.h"

/* The kernel head again, with tiles of so few logits that rows take turns. */
#undef TILE_LOGITS
#define TILE_LOGITS 250
#define kernel_head tiled_head
rt_status tiled_head(rt_rank *rank, const void *args);
#include "kernels/head.c"
#undef kernel_head

struct best {
    float logit;
    int32_t entry;
};

/* --- conversions ------------------------------------------------------------------------------------------ */

/* Every upper half of a float, with lower halves around what rounding looks at. */
static void check_stores(void) {
    static const uint32_t lower[] = {0,      1,      0x0fff, 0x1000, 0x1001, 0x1fff,
                                     0x2000, 0x3000, 0x7fff, 0x8000, 0x8001, 0xffff};
    enum { LOWER = sizeof lower / sizeof *lower, COUNT = 65536 * LOWER };
    float *from = malloc(COUNT * sizeof *from);
    elem_t *to = malloc(COUNT * sizeof *to);
    for (uint32_t i = 0; i < COUNT; ++i) {
        uint32_t bits = i / LOWER << 16 | lower[i % LOWER];
        memcpy(&from[i], &bits, sizeof bits);
    }
    check_store(from, to, COUNT);
    for (uint32_t i = 0; i < COUNT; ++i) {
        elem_t expected = elem_store(from[i]);
        check(memcmp(&to[i], &expected, sizeof expected) == 0, "element", "stored differs", i);
    }
    free(from);
    free(to);
}

/* --- rows ------------------------------------------------------------------------------------------------- */

/* More rows than y and z of a grid hold. */
static void check_many_rows(void) {
    enum { ROWS = 65536 + 5, ENTRIES = 3, OUTPUTS = 3 };
    slab_reset();
    struct embed_args e = {.ids = slab_ints(NULL, ROWS),
                           .positions = slab_ints(NULL, ROWS),
                           .table = slab_random(ENTRIES * HIDDEN, 1),
                           .position_table = -1,
                           .out = slab_random((int64_t)ROWS * HIDDEN, 1),
                           .rows = ROWS,
                           .entries = ENTRIES};
    for (int row = 0; row < ROWS; ++row) {
        ((int32_t *)slab_at(e.ids))[row] = row % ENTRIES;
        ((int32_t *)slab_at(e.positions))[row] = 0;
    }
    launch("embed", kernel_embed, &e);
    for (int64_t row = 0; row < ROWS; ++row)
        for (int64_t i = 0; i < HIDDEN; ++i)
            check(element(e.out, row * HIDDEN + i) == element(e.table, row % ENTRIES * HIDDEN + i),
                  "embed", "one of many rows", row);
    struct linear_args a = {.in = slab_random(ROWS, 1),
                            .weight = slab_zero(OUTPUTS),
                            .bias = slab_random(OUTPUTS, 1),
                            .out = slab_random((int64_t)ROWS * OUTPUTS, 1),
                            .rows = ROWS,
                            .inputs = 1,
                            .outputs = OUTPUTS};
    launch("linear", kernel_linear, &a);
    for (int64_t i = 0; i < (int64_t)ROWS * OUTPUTS; ++i)
        check(element(a.out, i) == element(a.bias, i % OUTPUTS), "linear", "one of many rows", i);
}

/* No rows; an id that is no entry of the vocabulary. */
static void check_odd_rows(void) {
    const int32_t id = VOCABULARY, position = 0;
    slab_reset();
    struct embed_args e = {.ids = slab_ints(&id, 1),
                           .positions = slab_ints(&position, 1),
                           .table = slab_random(HIDDEN, 1),
                           .position_table = -1,
                           .out = slab_random(HIDDEN, 1),
                           .entries = 1};
    launch("embed", kernel_embed, &e);
    kernel_failures = 0;
    e.rows = 1;
    check(run_kernel(kernel_embed, &e) == RT_SOFTWARE && kernel_failures == 1, "embed",
          "an id outside the vocabulary passes", 0);
    struct linear_args a = {.in = e.table,
                            .weight = e.table,
                            .bias = e.table,
                            .out = e.out,
                            .inputs = 1,
                            .outputs = HIDDEN};
    launch("linear", kernel_linear, &a);
}

/* --- head and choose -------------------------------------------------------------------------------------- */

enum { SEQUENCES = BATCH, TOKENS = 2, ROWS = SEQUENCES * TOKENS }; /* BATCH is 3 here */

/* Head of `entries` entries, every third equal to the one before, for sequences of one row, none, two. */
static struct head_args head_make(int32_t entries, int32_t candidates) {
    static const int32_t positions[ROWS] = {0, -1, -1, -1, 0, 1};
    slab_reset();
    int64_t width = candidates == 1 ? 1 : candidates + 1;
    struct head_args a = {.in = slab_random(ROWS * HIDDEN, 1),
                          .positions = slab_ints(positions, ROWS),
                          .weight = slab_random((int64_t)entries * HIDDEN, 1),
                          .best = slab_bytes(SEQUENCES * width * 8),
                          .sequences = SEQUENCES,
                          .tokens = TOKENS,
                          .entry_begin = 2,
                          .entries = entries,
                          .candidates = candidates};
    elem_t *weight = slab_at(a.weight);
    for (int64_t e = 2; e < entries; e += 3)
        memcpy(weight + e * HIDDEN, weight + (e - 1) * HIDDEN, HIDDEN * sizeof *weight);
    return a;
}

/* Exactly what the tiles need; see gen/schedule/workspace_cuda.c. */
static int64_t tiled_workspace(const struct head_args *a) {
    const int64_t align = 4 * WORKSPACE_ALIGN;
    int64_t tile =
        max_of(min_of(max_of(SEQUENCES, min_of(ROWS, TILE_HEAD)), TILE_LOGITS / a->entries), 1);
    int64_t areas[] = {tile * 4, tile * 32 * 8, tile * HIDDEN * (int64_t)sizeof(elem_t),
                       tile * a->entries * 4};
    int64_t bytes = 0;
    for (size_t i = 0; i < sizeof areas / sizeof *areas; ++i)
        bytes += (areas[i] + align - 1) / align * align;
    return slab_bytes(bytes);
}

/* What is told of a row against its logits: as many of the likeliest as may be, the lower entries where equal, and the
 * sum over the others. */
static void check_told(const struct head_args *a, const struct best *pairs, const float *of) {
    int32_t told = (int32_t)min_of(a->candidates, a->entries);
    double others = 0;
    check(pairs->entry == told, "head", "told", pairs->entry);
    for (int32_t e = 0; e < a->entries; ++e) {
        int32_t before = 0, times = 0;
        for (int32_t other = 0; other < a->entries; ++other)
            before += of[other] > of[e] || (of[other] == of[e] && other < e);
        for (int32_t i = 1; i <= told; ++i)
            times += pairs[i].entry == a->entry_begin + e && pairs[i].logit == of[e];
        check(times == (before < told), "head", "told or not", e);
        others += before < told ? 0 : exp((double)of[e] / choice.temperature);
    }
    check(others == 0 ? pairs->logit == -INFINITY
                      : fabs((double)pairs->logit - log(others)) < 1e-5 * (1 + fabs(log(others))),
          "head", "sum of the others", told);
}

/* Rows that take turns give what all at once give; of more entries than a block has threads. */
static void check_tiles(int32_t entries, int32_t candidates) {
    struct head_args a = head_make(entries, candidates);
    const int64_t width = candidates == 1 ? 1 : candidates + 1;
    const size_t bytes = (size_t)(SEQUENCES * width * 8);
    a.workspace = slab_workspace(OP_head, &a);
    logits = calloc((size_t)SEQUENCES * PROMPT * VOCABULARY, sizeof *logits);
    logits_wanted = entries + a.entry_begin <= VOCABULARY;
    launch("head", kernel_head, &a);
    struct best *whole = malloc(bytes);
    memcpy(whole, slab_at(a.best), bytes);
    memset(slab_at(a.best), 0x77, bytes);
    a.workspace = tiled_workspace(&a);
    launch("head", tiled_head, &a);
    const struct best *best = slab_at(a.best);
    const bool cuts = choice.temperature > 0 && (choice.top_k > 0 || choice.top_p < 1);
    for (int64_t s = 0; s < SEQUENCES; ++s) {
        const int64_t told = cuts && best[s * width].entry >= 0 ? min_of(candidates, entries) : 0;
        check(memcmp(&best[s * width], &whole[s * width], (size_t)(told + 1) * 8) == 0, "head",
              "tiles differ", s);
        const int64_t row = s == 0 ? 0 : s * PROMPT + 1;
        if (s == 1)
            check(best[s * width].entry == -1, "head", "a row of no sequence", s);
        else if (cuts && logits_wanted)
            check_told(&a, &best[s * width], logits + row * VOCABULARY + a.entry_begin);
    }
    free(whole);
    free(logits);
    logits = NULL;
    logits_wanted = false;
}

/* From pairs of several members, with ties, and of sequences that have none, both targets choose the same. */
static void check_alike(rt_choice how, int32_t members, int32_t candidates) {
    const int64_t width = candidates + 1;
    choice = how;
    slab_reset();
    struct choose_args a = {.best = slab_bytes(members * SEQUENCES * width * 8),
                            .next = slab_ints(NULL, SEQUENCES),
                            .members = members,
                            .sequences = SEQUENCES,
                            .candidates = candidates};
    struct best *best = slab_at(a.best);
    for (int64_t at = 0; at < members * SEQUENCES; ++at) {
        struct best *pairs = best + at * width;
        int64_t told = at % SEQUENCES == 1 ? -1 : at % 4 == 0 ? 1 : candidates;
        pairs[0] = (struct best){-4.0f, (int32_t)told};
        for (int64_t i = 1; i <= told; ++i)
            pairs[i] = (struct best){(float)(random_below(40) - 16) * (i % 2 ? 0.125f : -0.125f),
                                     (int32_t)(at / SEQUENCES * candidates + told - i)};
    }
    launch("choose", kernel_choose, &a);
    int32_t next[SEQUENCES];
    memcpy(next, slab_at(a.next), sizeof next);
    check(host_choose(NULL, &a) == RT_OK, "choose", "the host refuses", members);
    for (int s = 0; s < SEQUENCES; ++s)
        check(next[s] == ((int32_t *)slab_at(a.next))[s], "choose", "the host chooses otherwise",
              s);
}

void check_device(void) {
    check_stores();
    if (!getenv("SHIM_RACES")) /* which takes each of so many threads for one */
        check_many_rows();
    check_odd_rows();
    static const rt_choice ways[] = {{1, 1, 3}, {0.7, 0.5, 40}, {3, 0.2, 0}, {0.1, 0.3, 7}};
    for (size_t i = 0; i < sizeof ways / sizeof *ways; ++i) {
        choice = ways[i];
        check_tiles(100, 7);
        check_tiles(100, 100);
        check_tiles(33, 40);
        check_alike(ways[i], 1, 300);
        check_alike(ways[i], 5, 60);
    }
    choice = (rt_choice){1, 1, 5};
    check_tiles(5000, 200);
    choice = (rt_choice){.top_p = 1};
    check_tiles(400, 1);
    check_tiles(5000, 1);
    choice.temperature = 0.5;
    check_tiles(400, 9);
    choice.temperature = 0;
}
