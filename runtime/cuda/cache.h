/* cache: what was compiled, on disk, by the hash of all that it was compiled from. An entry is whole or not there under
 * its name, whoever writes at the same time, and is believed only if its checksum holds. */
#pragma once

#include "core/error.h"
#include "core/sha256.h"

enum { RT_CACHE_PATH = 4096 };

typedef enum rt_cache_state { RT_CACHE_FOUND, RT_CACHE_ABSENT, RT_CACHE_DAMAGED } rt_cache_state;

/* Where entries lie: $RT_CUDA_CACHE, else toposmith/ in $XDG_CACHE_HOME or ~/.cache. False: nowhere, because
 * RT_CUDA_CACHE is empty, or no folder is known. */
bool rt_cache_folder(char folder[RT_CACHE_PATH]);

/* An entry, in memory of malloc, NULL where it is not there or damaged; a 0 lies behind it. */
rt_cache_state rt_cache_read(const char *folder, const unsigned char key[RT_SHA256_BYTES],
                             char **data, size_t *bytes);

/* Write an entry, and its folder where need be. RT_CANTCREAT. */
rt_status rt_cache_write(const char *folder, const unsigned char key[RT_SHA256_BYTES],
                         const void *data, size_t bytes, rt_error *error);

/* The path of an entry; false: it is too long. */
bool rt_cache_path(const char *folder, const unsigned char key[RT_SHA256_BYTES],
                   char path[RT_CACHE_PATH]);
