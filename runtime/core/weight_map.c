/* weight_map: weights read straight from a checkpoint, as weights.map says (rt_format.h): pieces of tensors,
 * converted on the way (weight_read.c). The map is checked against plan, slab and files before anything is read; a map
 * and its checkpoint are the user's, so nothing in them is believed. */
#include "core/backend.h"
#include "core/progress.h"
#include "core/weight_readers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct Map {
    rt_rank *rank;
    const char *path;
    const char *data;
    size_t size;
    const rt_map_header *header;
    const rt_map_file *files;
    const rt_map_record *records;
    const char *names;
    int *fds; /* [files], -1: not open */
    WeightReaders *readers;
    int64_t given; /* bytes of the slab that they have to fill */
} Map;

static rt_status map_open(Map *map) {
    int fd = open(map->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat info;
    if (fd < 0)
        return rt_fail(map->rank, errno == ENOENT ? RT_NOINPUT : RT_DATA, "%s: %s", map->path,
                       strerror(errno));
    bool good = fstat(fd, &info) == 0 && S_ISREG(info.st_mode) &&
                (size_t)info.st_size >= sizeof *map->header;
    void *data =
        good ? mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0) : MAP_FAILED;
    close(fd);
    if (data == MAP_FAILED)
        return rt_fail(map->rank, RT_DATA, "%s: is not a weight map", map->path);
    map->data = data;
    map->size = (size_t)info.st_size;
    return RT_OK;
}

static rt_status map_check(Map *map) {
    const rt_map_header *header = map->header = (const rt_map_header *)map->data;
    if (memcmp(header->magic, RT_MAP_MAGIC, sizeof RT_MAP_MAGIC) != 0 ||
        header->version != RT_MAP_VERSION)
        return rt_fail(map->rank, RT_DATA, "%s: is not a weight map of version %d; make it anew",
                       map->path, RT_MAP_VERSION);
    if (memcmp(header->digest, map->rank->program->digest, sizeof header->digest) != 0)
        return rt_fail(map->rank, RT_DATA,
                       "%s: belongs to plan %.16s, this program is %.16s; make it anew", map->path,
                       header->digest, map->rank->program->digest);
    uint64_t rest = map->size - sizeof *header, files = header->files * sizeof *map->files;
    if (files > rest || header->records > (rest - files) / sizeof *map->records ||
        rest - files - header->records * sizeof *map->records != header->name_bytes ||
        header->name_bytes == 0 || map->data[map->size - 1] != 0)
        return rt_fail(map->rank, RT_DATA, "%s: is damaged or cut off", map->path);
    map->files = (const rt_map_file *)(header + 1);
    map->records = (const rt_map_record *)(map->files + header->files);
    map->names = (const char *)(map->records + header->records);
    map->fds = malloc((header->files + 1) * sizeof *map->fds);
    if (!map->fds)
        return rt_fail(map->rank, RT_UNAVAILABLE, "no memory for %u files", header->files);
    for (uint32_t i = 0; i < header->files; ++i)
        map->fds[i] = -1;
    return RT_OK;
}

/* Open a file of the checkpoint once, and see that it is the one that the map was made for. A pipe of that name would
 * be waited for: none is. */
static rt_status map_file(Map *map, uint32_t index, int *fd) {
    const rt_map_file *file = &map->files[index];
    char path[4096];
    if (file->name >= map->header->name_bytes)
        return rt_fail(map->rank, RT_DATA, "%s: file %u has no name", map->path, index);
    const char *name = map->names + file->name, *slash = strrchr(map->path, '/');
    int dir = *name == '/' || !slash ? 0 : (int)(slash - map->path + 1);
    if (snprintf(path, sizeof path, "%.*s%s", dir, map->path, name) >= (int)sizeof path)
        return rt_fail(map->rank, RT_DATA, "%s: the name of file %u is too long", map->path, index);
    *fd = map->fds[index];
    if (*fd >= 0)
        return RT_OK;
    *fd = map->fds[index] = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat info;
    if (*fd < 0 || fstat(*fd, &info) != 0)
        return rt_fail(map->rank, errno == ENOENT ? RT_NOINPUT : RT_DATA, "checkpoint file %s: %s",
                       path, strerror(errno));
    int64_t mtime = (int64_t)info.st_mtim.tv_sec * 1000000000 + info.st_mtim.tv_nsec;
    if (!S_ISREG(info.st_mode) || (uint64_t)info.st_size != file->size || mtime != file->mtime_ns)
        return rt_fail(map->rank, RT_DATA,
                       "checkpoint file %s changed since %s was made; make the map anew", path,
                       map->path);
    return RT_OK;
}

/* Bytes from `first` to the end of the last of rows in the slab; false: does not fit 63 bits. */
static bool span(uint64_t rows, uint64_t step, uint64_t columns, uint64_t size, uint64_t first,
                 uint64_t *end) {
    uint64_t last, elements, bytes;
    return !__builtin_mul_overflow(rows - 1, step, &last) &&
           !__builtin_add_overflow(last, columns, &elements) &&
           !__builtin_mul_overflow(elements, size, &bytes) &&
           !__builtin_add_overflow(first, bytes, end) && *end <= INT64_MAX;
}

static bool is_known(const Map *map, const rt_map_record *r) {
    return (r->type <= RT_F16 || r->type == RT_E4M3 || r->type == RT_E5M2) &&
           r->slab_type <= RT_F16 && r->file < map->header->files &&
           r->scale_file < map->header->files;
}

static rt_status record_check(const Map *map, const rt_map_record *r) {
    uint64_t slab_end;
    if (!is_known(map, r))
        return rt_fail(map->rank, RT_DATA, "%s: a record has an unknown type or file", map->path);
    if (!rt_weight_fits(r, map->files[r->file].size, map->files[r->scale_file].size) ||
        r->pitch < r->columns || r->slab % (uint64_t)rt_type_bytes((int)r->slab_type) != 0 ||
        !span(r->rows, r->pitch, r->columns, (uint64_t)rt_type_bytes((int)r->slab_type), r->slab,
              &slab_end) ||
        slab_end > (uint64_t)map->rank->role->slab_bytes)
        return rt_fail(map->rank, RT_DATA,
                       "%s: a record is empty, lies outside its file or the slab, or aslant there",
                       map->path);
    return RT_OK;
}

static rt_status record_read(Map *map, const rt_map_record *r) {
    WeightPiece piece = {.record = r};
    RT_TRY(map_file(map, r->file, &piece.file));
    piece.name = map->names + map->files[r->file].name;
    if (r->scale_width) {
        RT_TRY(map_file(map, r->scale_file, &piece.scale_file));
        piece.scale_name = map->names + map->files[r->scale_file].name;
    }
    map->given += (int64_t)(r->rows * r->columns * (uint64_t)rt_type_bytes((int)r->slab_type));
    return rt_weight_readers_give(map->readers, &piece);
}

/* The weight, and the layer of it, that the next record must fill: records stand in the order of weights and layers, so
 * that none is filled twice or left out. */
typedef struct Cursor {
    int32_t weight, layer; /* layer: from 0 */
} Cursor;

static int32_t layers_of(const rt_weight *w) {
    return w->layer_begin < 0 ? 1 : w->layer_end - w->layer_begin;
}

/* Columns of width one, one below the other on both sides, are written as a row. */
static bool fills(const rt_map_record *r, const rt_weight *w, int32_t layer) {
    uint64_t rows = (uint64_t)(w->row_end - w->row_begin);
    uint64_t columns = (uint64_t)(w->column_end - w->column_begin), pitch = (uint64_t)w->pitch;
    bool alike = r->rows == rows && r->columns == columns && r->pitch == pitch;
    bool joined = columns == 1 && pitch == 1 && r->rows == 1 && r->columns == rows;
    return (alike || joined) && r->slab_type == (uint32_t)w->type &&
           r->slab == (uint64_t)(w->offset + layer * w->layer_stride);
}

static rt_status record_match(const Map *map, const rt_map_record *r, Cursor *at) {
    const rt_place *place = map->rank->place;
    if (at->weight == place->weight_count || !fills(r, &place->weights[at->weight], at->layer))
        return rt_fail(map->rank, RT_DATA,
                       "%s: a record is not of the weight whose turn it is; make the map anew",
                       map->path);
    if (++at->layer == layers_of(&place->weights[at->weight]))
        *at = (Cursor){.weight = at->weight + 1};
    return RT_OK;
}

/* Bytes of weights that this rank must hold. */
static int64_t bytes_wanted(const rt_rank *rank) {
    int64_t total = 0;
    for (int32_t i = 0; i < rank->place->weight_count; ++i) {
        const rt_weight *w = &rank->place->weights[i];
        total += layers_of(w) * (w->row_end - w->row_begin) * (w->column_end - w->column_begin) *
                 rt_type_bytes(w->type);
    }
    return total;
}

static rt_status map_read(Map *map) {
    RT_TRY(map_open(map));
    RT_TRY(map_check(map));
    uint64_t low = 0, high = map->header->records; /* first record of this rank */
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (map->records[middle].rank < (uint32_t)map->rank->id)
            low = middle + 1;
        else
            high = middle;
    }
    Cursor at = {0};
    map->rank->area->weight_bytes = 0;
    for (; low < map->header->records && map->records[low].rank == (uint32_t)map->rank->id; ++low) {
        rt_progress(map->rank, "reading weights: %lld MB", (long long)(map->given / 1000000));
        RT_TRY(record_check(map, &map->records[low]));
        RT_TRY(record_match(map, &map->records[low], &at));
        RT_TRY(record_read(map, &map->records[low]));
    }
    if (at.weight != map->rank->place->weight_count)
        return rt_fail(map->rank, RT_DATA, "%s: holds %lld bytes for this rank, which needs %lld",
                       map->path, (long long)map->given, (long long)bytes_wanted(map->rank));
    RT_TRY(rt_weight_readers_end(map->readers));
    map->rank->area->weight_bytes = map->given;
    return RT_OK;
}

rt_status rt_weights_read(rt_rank *rank, const char *path) {
    Map map = {.rank = rank,
               .path = path,
               .readers = rt_weight_readers_create(rank, rt_backend_readers(rank))};
    rt_status status =
        map.readers ? map_read(&map) : rt_fail(rank, RT_UNAVAILABLE, "no memory to read weights");
    rt_weight_readers_free(map.readers); /* before the files are closed that it reads */
    for (uint32_t i = 0; map.fds && i < map.header->files; ++i)
        if (map.fds[i] >= 0)
            close(map.fds[i]);
    free(map.fds);
    if (map.data)
        munmap((void *)(uintptr_t)map.data, map.size);
    return status;
}
