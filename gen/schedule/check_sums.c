/* check_sums: see check_sums.h. */
#include "schedule/check_sums.h"

#include <string.h>

enum { FIRST_CAPACITY = 256, TEXT_BYTES = 72 };

static uint64_t hash_of(SumKind kind, int64_t of, const int64_t *terms, int64_t count) {
    uint64_t hash = 0xcbf29ce484222325u ^ (uint64_t)kind;
    hash = (hash ^ (uint64_t)of) * 0x100000001b3u;
    for (int64_t i = 0; i < count; ++i)
        hash = (hash ^ (uint64_t)terms[i]) * 0x100000001b3u;
    return hash ^ hash >> 29;
}

static int64_t *slot_of(const Sums *sums, SumKind kind, int64_t of, const int64_t *terms,
                        int64_t count) {
    for (uint64_t at = hash_of(kind, of, terms, count);; ++at) {
        int64_t *slot = &sums->slots[at & (uint64_t)(sums->capacity - 1)];
        const Sum *sum = *slot < 0 ? NULL : sums->all.items[*slot];
        if (!sum || (sum->kind == kind && sum->of == of && sum->count == count &&
                     (count == 0 || memcmp(sum->terms, terms, (size_t)count * sizeof *terms) == 0)))
            return slot;
    }
}

static void widen(Sums *sums, int64_t capacity) {
    sums->slots = ARENA_ARRAY(sums->arena, capacity, int64_t);
    sums->capacity = capacity;
    memset(sums->slots, 0xff, (size_t)capacity * sizeof *sums->slots);
    for (int64_t i = 0; i < sums->all.count; ++i) {
        const Sum *sum = sums->all.items[i];
        *slot_of(sums, sum->kind, sum->of, sum->terms, sum->count) = i;
    }
}

Sums sums_begin(Arena *arena, int64_t world) {
    Sums sums = {.arena = arena, .words = world / 64 + 1};
    widen(&sums, FIRST_CAPACITY);
    return sums;
}

/* The node of these terms, made on first use; `from` unites those of every `stride`-th term. */
static const Sum *node(Sums *sums, SumKind kind, int64_t of, const int64_t *terms, int64_t count,
                       int64_t stride) {
    int64_t *slot = slot_of(sums, kind, of, terms, count);
    if (*slot >= 0)
        return sums->all.items[*slot];
    int64_t id = sums->all.count;
    *slot = id;
    Sum *sum = ARENA_NEW(sums->arena, Sum);
    int64_t *kept = ARENA_ARRAY(sums->arena, count + 1, int64_t);
    uint64_t *from = ARENA_ARRAY(sums->arena, sums->words, uint64_t);
    if (count > 0)
        memcpy(kept, terms, (size_t)count * sizeof *kept);
    for (int64_t i = stride - 1; i < count; i += stride)
        for (int64_t w = 0; w < sums->words; ++w)
            from[w] |= sums->all.items[terms[i]]->from[w];
    if (kind == SUM_PART)
        from[of / 64] |= (uint64_t)1 << (of % 64);
    *sum = (Sum){id, kind, of, count, kept, from};
    *(const Sum **)LIST_PUSH(sums->arena, &sums->all) = sum;
    if (2 * sums->all.count > sums->capacity)
        widen(sums, 2 * sums->capacity);
    return sum;
}

const Sum *sums_part(Sums *sums, int64_t rank) {
    return node(sums, SUM_PART, rank, NULL, 0, 1);
}

const Sum *sums_pair(Sums *sums, const Sum *a, const Sum *b) {
    int64_t terms[] = {a->id < b->id ? a->id : b->id, a->id < b->id ? b->id : a->id};
    return node(sums, SUM_PAIR, -1, terms, 2, 1);
}

const Sum *sums_reduction(Sums *sums, int64_t channel, const IntList *terms) {
    if (terms->count == 1)
        return sums->all.items[terms->items[0]];
    if (terms->count == 2)
        return sums_pair(sums, sums->all.items[terms->items[0]], sums->all.items[terms->items[1]]);
    return node(sums, SUM_REDUCTION, channel, terms->items, terms->count, 1);
}

const Sum *sums_mixed(Sums *sums, const IntList *terms) {
    return node(sums, SUM_MIXED, -1, terms->items, terms->count, 2);
}

bool sums_same_set(const Sums *sums, const uint64_t *a, const uint64_t *b) {
    return a == b || (a && b && memcmp(a, b, (size_t)sums->words * sizeof *a) == 0);
}

int64_t sums_in_both(const Sums *sums, const uint64_t *a, const uint64_t *b) {
    for (int64_t w = 0; w < sums->words; ++w)
        for (int64_t bit = 0; (a[w] & b[w]) != 0 && bit < 64; ++bit)
            if ((a[w] & b[w]) >> bit & 1)
                return w * 64 + bit;
    return -1;
}

/* --- for people
 * --------------------------------------------------------------------------------------- */

static void write_sum(const Sums *sums, const Sum *sum, bool inner, Buf *out) {
    if (out->length > TEXT_BYTES)
        return;
    if (sum->kind == SUM_PART) {
        buf_printf(out, "%lld", (long long)sum->of);
        return;
    }
    bool pair = sum->kind == SUM_PAIR;
    buf_puts(out, sum->kind == SUM_REDUCTION ? "all of (" : inner && pair ? "(" : "");
    int64_t stride = sum->kind == SUM_MIXED ? 2 : 1;
    for (int64_t i = stride - 1; i < sum->count; i += stride) {
        buf_puts(out, i < stride ? "" : pair ? " + " : ", ");
        write_sum(sums, sums->all.items[sum->terms[i]], true, out);
    }
    buf_puts(out, sum->kind == SUM_REDUCTION || (inner && pair) ? ")" : "");
}

const char *sums_text(const Sums *sums, const Sum *sum) {
    Buf out = {0};
    write_sum(sums, sum, false, &out);
    const char *text = arena_printf(sums->arena, "%.*s%s", TEXT_BYTES, out.data,
                                    out.length > TEXT_BYTES ? " ..." : "");
    buf_free(&out);
    return text;
}
