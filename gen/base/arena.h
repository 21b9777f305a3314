/* Arena: memory that is released all at once. gen is a one-shot program: one arena holds what lives
 * for the whole run, another is scratch with mark and rewind. Only this module, buf and the library
 * glue call malloc. Running out of memory ends the process with a message (exit 70): nothing of the
 * user's is half written at that point, because outputs are renamed into place at the end. */
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

typedef struct ArenaBlock ArenaBlock;

typedef struct Arena {
    ArenaBlock *block; /* newest block; blocks form a list to the oldest */
} Arena;

typedef struct ArenaMark {
    ArenaBlock *block;
    size_t used;
} ArenaMark;

/* `size` zeroed bytes, aligned to 16. Never NULL. */
void *arena_alloc(Arena *arena, size_t size);

/* `count` zeroed items of `size` bytes; an overflowing product ends the process. */
void *arena_array(Arena *arena, size_t count, size_t size);

char *arena_strdup(Arena *arena, const char *text);
char *arena_strndup(Arena *arena, const char *text, size_t length);
char *arena_printf(Arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));

ArenaMark arena_mark(const Arena *arena);
void arena_rewind(Arena *arena, ArenaMark mark);
void arena_free(Arena *arena);

/* A growing list in an arena: make room for one more item of `size` bytes in *items and return it
 * zeroed. Growth doubles, old storage stays in the arena. Use through LIST_PUSH. */
void *arena_list_push(Arena *arena, void **items, int64_t *count, int64_t *capacity, size_t size);

/* There is no more memory: a message and exit. For the few others that allocate. */
_Noreturn void arena_exhausted(size_t size);

/* Called first then, for a process that must end in another way. */
typedef void (*ArenaExhausted)(size_t size);
void arena_on_exhausted(ArenaExhausted call);

#define ARENA_NEW(arena, type) ((type *)arena_alloc((arena), sizeof(type)))
#define ARENA_ARRAY(arena, count, type)                                                            \
    ((type *)arena_array((arena), (size_t)(count), sizeof(type)))

/* Declares a list type; all lists share this shape, which schema.h relies upon. */
#define LIST_OF(type)                                                                              \
    struct {                                                                                       \
        type *items;                                                                               \
        int64_t count;                                                                             \
        int64_t capacity;                                                                          \
    }

/* Appends one zeroed item to a LIST_OF and yields its address as void *. */
#define LIST_PUSH(arena, list)                                                                     \
    arena_list_push((arena), (void **)&(list)->items, &(list)->count, &(list)->capacity,           \
                    sizeof(*(list)->items))
