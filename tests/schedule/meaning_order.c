/* meaning_order: whether streams and waits order all accesses of a rank to common bytes where one writes. By the closure
 * over all executed operations of a step, pair by pair: slow, simple, and nothing like the proof's clocks. */
#include "meaning.h"

static void after(uint64_t *before, int64_t words, int64_t execution, int64_t other) {
    if (other < 0)
        return;
    for (int64_t k = 0; k < words; ++k)
        before[execution * words + k] |= before[other * words + k];
    before[execution * words + other / 64] |= (uint64_t)1 << (other % 64);
}

/* [executions][words] the executions that are over before each begins. */
static uint64_t *closure(Arena *arena, const RankSchedule *rank, const MeaningRank *of,
                         int64_t words) {
    uint64_t *before = ARENA_ARRAY(arena, of->executed.count * words + 1, uint64_t);
    int64_t *newest = ARENA_ARRAY(arena, rank->ops.count + 1, int64_t);
    int64_t streams[4] = {-1, -1, -1, -1};
    for (int64_t i = 0; i < rank->ops.count; ++i)
        newest[i] = -1;
    for (int64_t i = 0; i < of->executed.count; ++i) {
        const Op *op = of->executed.items[i];
        after(before, words, i, streams[op->stream]);
        for (int w = 0; w < OP_WAITS && op->waits[w] >= 0; ++w)
            after(before, words, i, newest[op->waits[w]]);
        streams[op->stream] = newest[op - rank->ops.items] = i;
    }
    return before;
}

bool meaning_is_ordered(const RankSchedule *rank, const MeaningRank *of) {
    Arena scratch = {0};
    int64_t words = of->executed.count / 64 + 1;
    const uint64_t *before = closure(&scratch, rank, of, words);
    bool ordered = true;
    for (int64_t i = 0; ordered && i < of->touches.count; ++i)
        for (int64_t k = 0; ordered && k < i; ++k) {
            const MeaningTouch *a = &of->touches.items[k], *b = &of->touches.items[i];
            ordered = a->execution == b->execution || (!a->writes && !b->writes) ||
                      a->bytes.end <= b->bytes.begin || b->bytes.end <= a->bytes.begin ||
                      (before[b->execution * words + a->execution / 64] >> (a->execution % 64) & 1);
        }
    arena_free(&scratch);
    return ordered;
}
