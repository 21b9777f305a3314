/* shrink: see shrink.h. Spans are deleted, then set to 0, then single choices made smaller, as long as anything helps. */
#include "shrink.h"

#include <string.h>
#include <time.h>

typedef struct Shrink {
    Task task;
    Arena *arena;
    ChoiceList *best;
    Verdict *verdict;
    double until;
    int64_t tried;
} Shrink;

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static bool is_simpler(const ChoiceList *a, const ChoiceList *b) {
    if (a->count != b->count)
        return a->count < b->count;
    for (int64_t i = 0; i < a->count; ++i)
        if (a->items[i] != b->items[i])
            return a->items[i] < b->items[i];
    return false;
}

/* Does it fail in the same way? Then it is the best so far. */
static bool accept(Shrink *of, ChoiceList candidate) {
    Attempt result;
    ChoiceList drawn = candidate;
    if (now() > of->until)
        return false;
    of->task.choices = &candidate;
    ++of->tried;
    attempt_guarded(&of->task, &result, of->arena, &drawn);
    if (result.verdict.outcome != OUTCOME_FAILED ||
        strcmp(result.verdict.kind, of->verdict->kind) != 0 || !is_simpler(&drawn, of->best))
        return false;
    *of->best = drawn;
    *of->verdict = result.verdict;
    return true;
}

/* The best without [at, at + count), or with that span set to `value` where it is not negative. */
static ChoiceList changed(const Shrink *of, int64_t at, int64_t count, int64_t value) {
    const ChoiceList *best = of->best;
    ChoiceList list = {ARENA_ARRAY(of->arena, best->count + 1, int64_t), 0, best->count + 1};
    for (int64_t i = 0; i < best->count; ++i)
        if (i < at || i >= at + count)
            list.items[list.count++] = best->items[i];
        else if (value >= 0)
            list.items[list.count++] = least_of(value, best->items[i]);
    return list;
}

/* Each span of this length, from the end on; a span that could go is tried again at its place. */
static bool shrink_spans(Shrink *of, int64_t length, int64_t value) {
    bool better = false;
    for (int64_t at = of->best->count - length; at >= 0 && now() < of->until; --at) {
        if (at + length > of->best->count)
            continue;
        bool zero = true;
        for (int64_t i = at; i < at + length; ++i)
            zero = zero && of->best->items[i] == 0;
        if (value < 0 || !zero)
            better = accept(of, changed(of, at, length, value)) || better;
    }
    return better;
}

/* Each choice as small as it can be: by halves, then by one. */
static bool shrink_values(Shrink *of) {
    bool better = false;
    for (int64_t at = 0; at < of->best->count && now() < of->until; ++at)
        for (int64_t step = (of->best->items[at] + 1) / 2; step > 0;) {
            int64_t value = at < of->best->count ? of->best->items[at] : 0;
            if (value >= step && accept(of, changed(of, at, 1, value - step)))
                better = true;
            else
                step /= 2;
            if (value == 0)
                break;
        }
    return better;
}

int64_t shrink(const Task *task, Arena *arena, ChoiceList *found, Verdict *verdict,
               double seconds) {
    Shrink of = {*task, arena, found, verdict, now() + seconds, 0};
    bool better = true;
    while (better && now() < of.until) {
        better = false;
        for (int64_t length = 64; length > 0; length /= 2)
            better = shrink_spans(&of, length, -1) || better;
        for (int64_t length = 16; length > 0; length /= 4)
            better = shrink_spans(&of, length, 0) || better;
        better = shrink_values(&of) || better;
    }
    return of.tried;
}
