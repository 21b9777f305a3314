/* text: which characters of a UTF-8 text steer what shows it instead of standing there. Names and reasons are shown in
 * terminals, sources, pages and graphs: none of them may move a cursor or turn the direction of what follows. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Bytes of the steering character that begins at `text`, and which it is; 0: what stands there is none. They are the
 * controls of ASCII and of U+0080 to U+009F, line and paragraph separators, and marks of direction. */
size_t text_steering(const char *text, size_t left, uint32_t *point);

/* Where the first one begins in a NUL-terminated text; NULL: there is none. */
const char *text_find_steering(const char *text, uint32_t *point);
