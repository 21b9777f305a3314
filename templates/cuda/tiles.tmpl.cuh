/* tiles: sizes that both sides of the kernels of attention know, in plain C. A pair is a query row with one of the heads
 * that share a key-value head. */
#pragma once

#include "../constants.h"

enum {
    TENSOR_WIDTH =
        256, /* a wider head leaves no room in registers: 8 sums a thread for 16 columns */
    /* Tensor cores take elements of 16 bits. */
//% if view.dtype == "f32" then
    BY_TENSOR = 0,
//% else
    BY_TENSOR = HEAD_DIM <= TENSOR_WIDTH && VALUE_DIM <= TENSOR_WIDTH,
//% end
    ATTEND_THREADS = 128, /* four warps */

    /* On tensor cores: a warp has 16 pairs, the least that mma takes. Keys of a tile: scores of 16 x 64 are 32 registers a
     * thread. */
    TENSOR_KEYS = 64,
    TENSOR_PAIRS = 64, /* of a prefill's block; of decode's 16, and the warps divide the keys */
    /* Rows in shared memory are padded to whole matrices, and by 16 bytes more, so that the 8 rows of a matrix lie in
     * different banks. */
    KEY_PAD = (HEAD_DIM + 15) / 16 * 16,
    VALUE_PAD = (VALUE_DIM + 15) / 16 * 16,
    KEY_ROW = KEY_PAD + 8,
    VALUE_ROW = VALUE_PAD + 8,
    /* Bytes of a tile of keys and values, where decode's warps bring together what they have at last. */
    TENSOR_CACHE = TENSOR_KEYS * (KEY_ROW + VALUE_ROW) * 2,
    TENSOR_MERGE = ATTEND_THREADS / 32 * 16 * VALUE_PAD * 4,
    TENSOR_SHARED = TENSOR_PAIRS * KEY_ROW * 2 + TENSOR_CACHE,
    TENSOR_SHARED_DECODE =
        16 * KEY_ROW * 2 + (TENSOR_CACHE > TENSOR_MERGE ? TENSOR_CACHE : TENSOR_MERGE),

    /* Without: 4 pairs x 2 keys a thread, widths in chunks, so that any width fits 48 KiB of shared memory. */
    PLAIN_PAIRS = 32,
    PLAIN_KEYS = 32,
    PLAIN_CHUNK = 64,
    PLAIN_COLUMNS = 512, /* of values a block: 4 x 32 sums a thread */

    PREFILL_PAIRS = BY_TENSOR ? TENSOR_PAIRS : PLAIN_PAIRS,
    DECODE_PAIRS = BY_TENSOR ? 16 : PLAIN_PAIRS,
    ATTEND_BLOCKS =
        BY_TENSOR ? 1 : (VALUE_DIM + PLAIN_COLUMNS - 1) / PLAIN_COLUMNS, /* of columns */
};
