/* choices: see choices.h. */
#include "choices.h"

#include "rt_format.h"

Choices choices_fresh(Arena *arena, uint64_t seed, uint64_t number, uint64_t alike) {
    return (Choices){.arena = arena,
                     .key = rt_random_bits(seed, 2 * number),
                     .head = rt_random_bits(seed, 2 * (number / alike) + 1),
                     .in_head = true};
}

Choices choices_replay(Arena *arena, const int64_t *values, int64_t count) {
    Choices choices = {.arena = arena, .replay = true};
    for (int64_t i = 0; i < count; ++i)
        *(int64_t *)LIST_PUSH(arena, &choices.list) = values[i];
    return choices;
}

void choices_body(Choices *choices) {
    choices->in_head = false;
}

static uint64_t bits(Choices *choices, uint64_t more) {
    uint64_t key = choices->in_head ? choices->head : choices->key;
    return rt_random_bits(key, 2 * (uint64_t)choices->next + more) >> 8;
}

static int64_t take(Choices *choices, int64_t limit, int times) {
    if (limit <= 1)
        return 0;
    int64_t value = 0;
    if (!choices->replay) {
        value = (int64_t)(bits(choices, 0) % (uint64_t)limit);
        if (times > 1) {
            int64_t other = (int64_t)(bits(choices, 1) % (uint64_t)limit);
            value = other < value ? other : value;
        }
        *(int64_t *)LIST_PUSH(choices->arena, &choices->list) = value;
    } else if (choices->next < choices->list.count) {
        value = choices->list.items[choices->next];
        value = value < limit ? value : limit - 1;
    }
    ++choices->next;
    return value;
}

int64_t draw(Choices *choices, int64_t limit) {
    return take(choices, limit, 1);
}

int64_t draw_low(Choices *choices, int64_t limit) {
    return take(choices, limit, 2);
}

bool draw_rare(Choices *choices, int64_t one_in) {
    return draw(choices, one_in) == one_in - 1;
}

void draw_shuffle(Choices *choices, int64_t *items, int64_t count) {
    for (int64_t i = 0; i + 1 < count; ++i) {
        int64_t k = i + draw(choices, count - i), item = items[k];
        for (; k > i; --k) /* those between keep their order */
            items[k] = items[k - 1];
        items[i] = item;
    }
}
