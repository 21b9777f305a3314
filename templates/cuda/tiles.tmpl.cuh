/* tiles: sizes that both sides of the kernels of attention know, in plain C. A pair is a query row with one of the heads
 * that share a key-value head. */
#pragma once

#include "../constants.h"

enum {
    TENSOR_WIDTH = 256, /* of a head: 128 sums a thread, half of what registers have room for */
    /* Tensor cores take elements of 16 bits. */
//% if view.dtype == "f32" then
    TENSOR = 0,
//% else
    TENSOR = 1,
//% end
    BY_TENSOR = TENSOR && HEAD_DIM <= TENSOR_WIDTH && VALUE_DIM <= TENSOR_WIDTH,
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
    /* Blocks that share the columns of a tile of pairs. */
    ATTEND_BLOCKS = BY_TENSOR ? 1 : (VALUE_DIM + PLAIN_COLUMNS - 1) / PLAIN_COLUMNS,

    /* Latents: wide rows that all heads meet, in chunks. A block has as many columns of them as registers have room for. */
    CHUNK = 64,
    CHUNK_ROW = CHUNK + 8,
    CHUNK_BYTES = 2 * 2 * TENSOR_KEYS * CHUNK_ROW * 2, /* two sides of this chunk and the next */
    LATENT_COLUMNS = TENSOR ? 256 : PLAIN_COLUMNS,
    LATENT_BLOCKS = (KV_LATENT + LATENT_COLUMNS - 1) / LATENT_COLUMNS,
    LATENT_TILE = TENSOR ? TENSOR_PAIRS : PLAIN_PAIRS,
    EXPAND_TILE = TENSOR ? 64 : 32, /* of positions and of rows of latent_up */
    CARRY_ROWS = 16,     /* rows that meet a head's part of latent_up, read once for them */
    CARRY_COLUMNS = 128, /* a thread each */
};
