/* Weight maps, by the runtime that reads the checkpoint that they name, and by gen that asks which one that is. The
 * program is that of one_rank.h, with a slab of 4 KiB. */
#include "fuzz.h"

#include "core/backend.h"
#include "run/map.h"

#include "../unit/one_rank.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { SLAB = 4096 };

static const rt_weight weights[] = {
    {"a", -1, -1, -1, 4, 4, 0, 4, 0, 4, 0, 0, 4, RT_F32, RT_FILL_UNIFORM},
    {"half", -1, -1, -1, 1, 8, 0, 1, 0, 8, 2048, 0, 8, RT_BF16, RT_FILL_UNIFORM},
};
static OneRank one;
static char map_path[128], checkpoint[128];
static int64_t mtime_ns;

static void close_segment(void) {
    one_rank_close(&one);
}

/* A segment and a checkpoint of 64 numbers, made once. */
static void prepare(void) {
    snprintf(map_path, sizeof map_path, "%s/weights.map", fuzz_folder());
    snprintf(checkpoint, sizeof checkpoint, "%s/model.bin", fuzz_folder());
    FILE *file = fopen(checkpoint, "wb");
    uint16_t numbers[64] = {0x3f80, 0x7f80, 0x7fc0, 0x0001};
    fuzz_expect(file && fwrite(numbers, 1, sizeof numbers, file) == sizeof numbers, "a checkpoint");
    fclose(file);
    struct stat info;
    fuzz_expect(stat(checkpoint, &info) == 0, "a checkpoint");
    mtime_ns = (int64_t)info.st_mtim.tv_sec * 1000000000 + info.st_mtim.tv_nsec;
    fuzz_expect(one_rank_open(&one, SLAB, weights, sizeof weights / sizeof *weights), "a segment");
    atexit(close_segment);
}

/* The corpus cannot know the time: a first file of time 1 is the checkpoint as it is. */
static void put_time(uint8_t *map, size_t size) {
    int64_t time;
    size_t at = sizeof(rt_map_header) + offsetof(rt_map_file, mtime_ns);
    if (size < at + sizeof time)
        return;
    memcpy(&time, map + at, sizeof time);
    if (time == 1)
        memcpy(map + at, &mtime_ns, sizeof mtime_ns);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (!*map_path)
        prepare();
    uint8_t *map = malloc(size + 1);
    memcpy(map, data, size);
    put_time(map, size);
    FILE *file = fopen(map_path, "wb");
    fuzz_expect(file && fwrite(map, 1, size, file) == size && fclose(file) == 0, "the map");
    free(map);

    atomic_store(&rt_segment_header(&one.segment)->failed,
                 0); /* as the map before may have left it */
    rt_rank *rank = rt_rank_create(&one.segment, 0);
    fuzz_expect(rank && rt_backend_open(rank) == RT_OK, "a rank");
    rank->area->weight_bytes = 0;
    rt_status status = rt_weights_read(rank, map_path);
    fuzz_expect((status == RT_OK) == (rank->area->weight_bytes == 4 * 4 * 4 + 8 * 2),
                "a map that is read holds all weights");
    rt_rank_free(rank);

    Arena arena = {0};
    Diag diag = {.arena = &arena};
    const char *named;
    fuzz_judge(map_checkpoint(&arena, map_path, &named, &diag), &diag);
    arena_free(&arena);
    return 0;
}
