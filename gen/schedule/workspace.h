/* workspace: how much scratch each kernel needs, and the tile sizes that this follows from. Lowering sizes the
 * workspace buffer with it, emission hands the same tile sizes to the kernel templates; the formulas mirror the carving at
 * the head of each kernel (templates/host/, templates/cuda/). Roles are the same for every target, and so are their
 * slabs: a buffer has room for the kernel that needs most. It owns nothing. */
#pragma once

#include "schedule/schedule.h"

/* Tiles of the host kernels. A larger tile reuses converted weights more often, a smaller one stays in
 * cache; gathered tiles are matrices of so many rows. */
enum {
    TILE_WEIGHT = 64,    /* rows of 16-bit weights converted to float32 at a time */
    TILE_LINEAR = 128,   /* rows of a projection, 16-bit only */
    TILE_ATTENTION = 32, /* (row, head) pairs that share a key-value head */
    TILE_ROUTE = 64,     /* rows */
    TILE_HEAD = 64,      /* rows */
    TILE_ENTRIES = 2048, /* vocabulary entries */
    TILE_EXPERT = 64,    /* rows of one expert */
    /* Of CUDA kernels, whose tiles should fill a device. */
    TILE_SCORES = 512,     /* rows of a router */
    TILE_DENSE = 256,      /* rows of a feed-forward */
    TILE_GROUPED = 64,     /* rows of one expert */
    PASS_TILES = 32,       /* of the latter at a time */
    TILE_LOGITS = 1 << 23, /* logits: all entries held, of some rows */
    WORKSPACE_ALIGN = 16,  /* elements; every area begins on a multiple */
};

/* Of the kernels of attention for GPUs. The program is made before it is known how many multiprocessors there are: blocks
 * of one row a sequence are made until there are SPLIT_BLOCKS, since the largest devices have 148, of which each holds two
 * to four; but parts have at least SPLIT_KEYS keys, that bringing them together stays small beside them. */
enum {
    SPLIT_BLOCKS = 512,
    SPLIT_KEYS = 256,
    SPLIT_PAIRS = 16,    /* (row, head) pairs of a block */
    LATENT_PAIRS = 4096, /* pairs that are carried to the latents at a time */
    LATENT_SPLIT = 64,   /* of a block, with LATENT_SPLIT_COLUMNS of the latents */
    LATENT_SPLIT_COLUMNS = 256,
    EXPANDED_ELEMENTS = 16 << 20, /* keys and values made of latents at a time, of one sequence */
};

/* Parts that the cache is read in where `blocks` read it. */
int64_t workspace_parts(int64_t context, int64_t blocks);

/* Bytes of scratch of an operation of class OPCLASS_KERNEL on any target; 0 where it needs none. Reads its
 * arguments only, so that it can be called while lowering still fills buffers. */
int64_t workspace_bytes(const Plan *plan, const Op *op);

/* Of those, what the kernel for GPUs needs (workspace_cuda.c). */
int64_t workspace_cuda_bytes(const Plan *plan, const Op *op);
