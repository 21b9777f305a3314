/* jsonr: reads JSON text that is large or not ours (checkpoint headers, token files) into jansson's tree. */
#pragma once

#include <jansson.h>
#include <stddef.h>

/* The value, which the caller releases by json_decref; NULL with the reason in `error`. A key that occurs twice
 * is a mistake. Running out of memory ends the process, as it does in arenas. */
json_t *jsonr_parse(const char *text, size_t length, json_error_t *error);

/* The same where a text or a number alone is a value, too. */
json_t *jsonr_parse_any(const char *text, size_t length, json_error_t *error);
