/* jsonr: see jsonr.h. jansson frees a half-made object twice when memory runs out, so it never sees that. */
#include "base/jsonr.h"

#include "base/arena.h"

#include <stdlib.h>

static void *allocate(size_t size) {
    void *memory = malloc(size);
    if (!memory)
        arena_exhausted(size);
    return memory;
}

json_t *jsonr_parse(const char *text, size_t length, json_error_t *error) {
    json_set_alloc_funcs(allocate, free);
    return json_loadb(text, length, JSON_REJECT_DUPLICATES, error);
}

json_t *jsonr_parse_any(const char *text, size_t length, json_error_t *error) {
    json_set_alloc_funcs(allocate, free);
    return json_loadb(text, length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, error);
}
