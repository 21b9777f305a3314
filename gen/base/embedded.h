/* embedded: lua/ and templates/ as bytes in the binary; cmake/embed.cmake writes the table. */
#pragma once

#include <stddef.h>

struct EmbeddedFile {
    const char *name, *data; /* name as "lua/strategies/single.lua"; data ends with a NUL */
    size_t size;
};

extern const struct EmbeddedFile embedded_files[]; /* sorted by name; ends with name == NULL */
