/* sandbox_seed: see sandbox_seed.h. There is no function for it, and where the seed lies is Lua's own affair. So two states
 * are begun in the same memory at two depths of the stack, and end with their second allocation, which is refused: their
 * blocks differ in the seed, which is made of a place on the stack among others, and in pointers to it. If anything else
 * differs, or nothing, seeds stay as they are: a Lua that was built with a seed of its own needs nothing done. */
#include "base/sandbox_seed.h"

#include <alloca.h>
#include <lua.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { BLOCK = 8 << 10 /* bytes, Lua's is of 1.5 KiB */, DEPTH = 4 << 10, NEAR = 16 << 20 };

static const uint32_t seed = 0x746f706f;

typedef struct Probe {
    _Alignas(16) unsigned char block[BLOCK];
    unsigned char seen[BLOCK]; /* the block at the second allocation */
    size_t size;
} Probe;

static void *allocate(void *user, void *memory, size_t old_size, size_t size) {
    Probe *probe = user;
    (void)memory, (void)old_size;
    if (size == 0)
        return NULL;
    if (!probe->size && size <= BLOCK) {
        probe->size = size;
        return probe->block;
    }
    memcpy(probe->seen, probe->block, probe->size);
    return NULL;
}

static __attribute__((noinline)) void begin_state(Probe *probe, size_t depth) {
    volatile char *room = alloca(depth);
    room[0] = room[depth - 1] = 0;
    memset(probe, 0, sizeof *probe);
    lua_newstate(allocate, probe);
}

static bool on_stack(const unsigned char *word) {
    uint64_t value, here = (uint64_t)(uintptr_t)__builtin_frame_address(0);
    memcpy(&value, word, sizeof value);
    return value - (here - NEAR) < 2 * (uint64_t)NEAR;
}

/* Bytes from the start of the block; 0: not found. */
static size_t find(void) {
    static Probe probe;
    static unsigned char first[BLOCK];
    size_t found = 0;
    begin_state(&probe, DEPTH);
    memcpy(first, probe.seen, sizeof first);
    begin_state(&probe, 2 * DEPTH);
    for (size_t at = 0; at + 8 <= probe.size; at += 4) {
        size_t word = at / 8 * 8;
        if (memcmp(first + at, probe.seen + at, 4) == 0 ||
            (on_stack(first + word) && on_stack(probe.seen + word)))
            continue;
        if (found)
            return 0;
        found = at;
    }
    return found;
}

void sandbox_seed_set(void *block) {
    static size_t place;
    static bool known;
    if (!known)
        place = find();
    known = true;
    if (place)
        memcpy((unsigned char *)block + place, &seed, sizeof seed);
}
