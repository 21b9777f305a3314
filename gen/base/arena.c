/* Arena: see arena.h. Blocks form a list from the newest to the oldest; the arena owns them all. It
 * knows nothing of what is stored. */
#include "base/arena.h"

#include "base/status.h"

#include <assert.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What no allocation holds is poisoned, so that the address sanitizer sees uses after a rewind. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1 /* clang's name for what gcc calls so */
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#define POISON(memory, size) ASAN_POISON_MEMORY_REGION(memory, size)
#define UNPOISON(memory, size) ASAN_UNPOISON_MEMORY_REGION(memory, size)
#else
#define POISON(memory, size) ((void)0)
#define UNPOISON(memory, size) ((void)0)
#endif

enum { FIRST_BLOCK = 16 << 10, LARGEST_BLOCK = 1 << 20, ALIGNMENT = 16 };

struct ArenaBlock {
    ArenaBlock *older;
    size_t used, capacity; /* bytes of data[] */
    alignas(ALIGNMENT) unsigned char data[];
};

static ArenaExhausted exhausted;

void arena_on_exhausted(ArenaExhausted call) {
    exhausted = call;
}

_Noreturn void arena_exhausted(size_t size) {
    if (exhausted)
        exhausted(size);
    fprintf(stderr, "gen: out of memory (%zu bytes asked for)\n", size);
    exit(STATUS_SOFTWARE);
}

/* A new block with room for `size` bytes; blocks double so that large inputs need few of them. */
static void add_block(Arena *arena, size_t size) {
    size_t capacity = arena->block ? arena->block->capacity * 2 : FIRST_BLOCK;
    if (capacity > LARGEST_BLOCK)
        capacity = LARGEST_BLOCK;
    if (capacity < size)
        capacity = size;
    ArenaBlock *block = malloc(sizeof(*block) + capacity);
    if (!block)
        arena_exhausted(capacity);
    block->older = arena->block;
    block->used = 0;
    block->capacity = capacity;
    POISON(block->data, capacity);
    arena->block = block;
}

void *arena_alloc(Arena *arena, size_t size) {
    if (size > SIZE_MAX / 2)
        arena_exhausted(size);
    size_t rounded = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (!arena->block || arena->block->capacity - arena->block->used < rounded)
        add_block(arena, rounded);
    void *memory = arena->block->data + arena->block->used;
    arena->block->used += rounded;
    UNPOISON(memory, size);
    return memset(memory, 0, size);
}

void *arena_array(Arena *arena, size_t count, size_t size) {
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes))
        arena_exhausted(SIZE_MAX);
    return arena_alloc(arena, bytes);
}

char *arena_strndup(Arena *arena, const char *text, size_t length) {
    char *copy = arena_alloc(arena, length + 1);
    memcpy(copy, text, length);
    return copy;
}

char *arena_strdup(Arena *arena, const char *text) {
    return arena_strndup(arena, text, strlen(text));
}

char *arena_printf(Arena *arena, const char *format, ...) {
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    assert(length >= 0);
    char *text = arena_alloc(arena, (size_t)length + 1);
    vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    va_end(args);
    return text;
}

ArenaMark arena_mark(const Arena *arena) {
    return (ArenaMark){arena->block, arena->block ? arena->block->used : 0};
}

void arena_rewind(Arena *arena, ArenaMark mark) {
    while (arena->block != mark.block) {
        assert(arena->block && "the mark belongs to another arena or was rewound past");
        ArenaBlock *older = arena->block->older;
        UNPOISON(arena->block->data, arena->block->capacity);
        free(arena->block);
        arena->block = older;
    }
    if (arena->block) {
        POISON(arena->block->data + mark.used, arena->block->capacity - mark.used);
        arena->block->used = mark.used;
    }
}

void arena_free(Arena *arena) {
    arena_rewind(arena, (ArenaMark){0});
}

void *arena_list_push(Arena *arena, void **items, int64_t *count, int64_t *capacity, size_t size) {
    if (*count == *capacity) {
        int64_t wider = *capacity ? *capacity * 2 : 4;
        void *grown = arena_array(arena, (size_t)wider, size);
        if (*count)
            memcpy(grown, *items, (size_t)*count * size);
        *items = grown;
        *capacity = wider;
    }
    void *item = (unsigned char *)*items + (size_t)*count * size;
    memset(item, 0, size);
    *count += 1;
    return item;
}
