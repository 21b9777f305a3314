/* map: the header and the table of files of a weights.map (rt_format.h), read as hostile data. */
#include "run/map.h"

#include "base/fs.h"

#include "rt_format.h"

#include <string.h>

enum { MAP_LIMIT = 1 << 30 };

static Status damaged(const char *path, Diag *diag) {
    diag_error(diag, diag_nowhere(), "E0614", "make it again: gen weights DIR --from CHECKPOINT",
               "%s is no weight map of this version", path);
    return STATUS_DATA;
}

/* The folder that holds `path`. */
static const char *folder(Arena *arena, const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? arena_strndup(arena, path, (size_t)(slash - path)) : ".";
}

Status map_checkpoint(Arena *arena, const char *path, const char **checkpoint, Diag *diag) {
    rt_map_header header;
    rt_map_file first;
    char *text;
    size_t length;
    TRY(fs_read(arena, path, MAP_LIMIT, &text, &length, diag));
    if (length < sizeof header)
        return damaged(path, diag);
    memcpy(&header, text, sizeof header);
    if (memcmp(header.magic, RT_MAP_MAGIC, sizeof RT_MAP_MAGIC) != 0 ||
        header.version != RT_MAP_VERSION || header.files < 1 || header.name_bytes < 1 ||
        header.name_bytes > length || length < sizeof header + sizeof first + header.name_bytes)
        return damaged(path, diag);
    memcpy(&first, text + sizeof header, sizeof first);
    const char *names = text + length - header.name_bytes;
    if (first.name >= header.name_bytes || text[length - 1] != '\0')
        return damaged(path, diag);
    const char *file = names + first.name;
    if (*file != '/')
        file = fs_join(arena, folder(arena, path), file);
    *checkpoint = header.files == 1 ? file : folder(arena, file);
    return STATUS_OK;
}
