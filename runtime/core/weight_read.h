/* weight_read: between weight_map.c, which checks a map, and weight_read.c, which reads its pieces. */
#pragma once

#include "core/rank.h"

/* What is kept from piece to piece; zero to begin with. */
typedef struct WeightReader {
    rt_rank *rank;
    bool beside;        /* others of the rank read too: another thread looks after the run */
    char *block;        /* bytes read at a time */
    float *scales;      /* of the piece */
    size_t scale_room;  /* scales that there is room for */
    float numbers[256]; /* what an element of 8 bits is, by its bits */
    uint32_t type;      /* whose numbers these are */
} WeightReader;

typedef struct WeightPiece {
    const rt_map_record *record;
    int file, scale_file; /* open; scale_file: where there are scales */
    const char *name, *scale_name;
} WeightPiece;

/* Does the file end behind the piece, and the other behind its scales? Everything else about it may be wrong too: false
 * then. */
bool rt_weight_fits(const rt_map_record *record, uint64_t file_bytes, uint64_t scale_file_bytes);

/* Read a piece that fits into its file and the slab. */
rt_status rt_weight_read(WeightReader *reader, const WeightPiece *piece);
void rt_weight_reader_free(WeightReader *reader);
