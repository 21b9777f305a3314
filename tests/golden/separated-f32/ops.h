/* Kernels of program separated-f32: ids and arguments. Made by gen: do not edit. Buffers are slab offsets in
 * bytes, -1 where absent. E is the element type (f32), H the hidden size, D the head size,
 * K the choices of a token. */
#pragma once

#include "rt.h"

/* Index into the launch table (kernels/launch.c). */
enum {
    K_EMBED,
    K_RMS_NORM,
    K_LINEAR,
    K_ROPE_APPEND,
    K_ATTENTION,
    K_ADD,
    K_ROUTE,
    K_PACK,
    K_WEIGHTED_SUM,
    K_HEAD,
    K_CHOOSE,
    K_EXPERT_FFN,
    KERNELS,
};

/* clang-format off */

/* embed: rows of the embedding, zero where the id is not held here; plus positions; zero where
 * masked */
struct embed_args {
    int64_t ids;            /* i32 [rows] */
    int64_t positions;      /* i32 [rows] */
    int64_t table;          /* E [entries][H] */
    int64_t position_table; /* E [max_positions][H], or absent */
    int64_t out;            /* E [rows][H] */
    int32_t rows;           /* rows */
    int32_t entry_begin;    /* first vocabulary entry held */
    int32_t entries;        /* vocabulary entries held */
};
rt_status kernel_embed(rt_rank *rank, const void *args);

/* rms_norm: x / sqrt(mean(x^2) + eps) x weight */
struct rms_norm_args {
    int64_t in;     /* E [rows][H] */
    int64_t weight; /* E [H] */
    int64_t out;    /* E [rows][H] */
    int32_t rows;   /* rows */
};
rt_status kernel_rms_norm(rt_rank *rank, const void *args);

/* linear: out = in x weight^T + bias */
struct linear_args {
    int64_t in;        /* E [rows][inputs] */
    int64_t weight;    /* E [outputs][inputs] */
    int64_t bias;      /* E [outputs], or absent */
    int64_t out;       /* E [rows][outputs] */
    int64_t workspace; /* scratch */
    int32_t rows;      /* rows */
    int32_t inputs;    /* columns of in */
    int32_t outputs;   /* columns of out */
};
rt_status kernel_linear(rt_rank *rank, const void *args);

/* rope_append: rotate queries and keys by position, append keys and values to the cache */
struct rope_append_args {
    int64_t qkv;         /* E [rows][(heads + 2 kv_heads) x D]: queries, keys, values */
    int64_t positions;   /* i32 [rows] */
    int64_t keys;        /* E [cached sequences][context][kv_heads][D], this layer */
    int64_t values;      /* E [cached sequences][context][kv_heads][D], this layer */
    int32_t sequences;   /* sequences of the micro-batch */
    int32_t tokens;      /* rows a sequence */
    int32_t cache_first; /* where the micro-batch's first sequence lies in the cache */
    int32_t heads;       /* query heads held */
    int32_t kv_heads;    /* key-value heads held */
};
rt_status kernel_rope_append(rt_rank *rank, const void *args);

/* attention: causal grouped-query attention over the cache; zero rows where masked */
struct attention_args {
    int64_t qkv;         /* E [rows][(heads + 2 kv_heads) x D] */
    int64_t positions;   /* i32 [rows] */
    int64_t keys;        /* E [cached sequences][context][kv_heads][D], this layer */
    int64_t values;      /* E [cached sequences][context][kv_heads][D], this layer */
    int64_t out;         /* E [rows][heads x D] */
    int64_t workspace;   /* scratch */
    int32_t sequences;   /* sequences of the micro-batch */
    int32_t tokens;      /* rows a sequence */
    int32_t cache_first; /* where the micro-batch's first sequence lies in the cache */
    int32_t heads;       /* query heads held */
    int32_t kv_heads;    /* key-value heads held */
    int32_t head_begin;  /* first query head held, in the model's numbering */
    int32_t kv_begin;    /* first key-value head held, in the model's numbering */
    int32_t window;      /* positions that a query sees, its own among them; 0: all */
};
rt_status kernel_attention(rt_rank *rank, const void *args);

/* add: out += in */
struct add_args {
    int64_t in;   /* E [rows][H] */
    int64_t out;  /* E [rows][H] */
    int32_t rows; /* rows */
};
rt_status kernel_add(rt_rank *rank, const void *args);

/* route: scores of experts in float32, top-k by (corrected) score then lower expert; then what
 * all tokens pass, where it lies with the experts */
struct route_args {
    int64_t in;         /* E [rows][H] */
    int64_t weight;     /* f32 [experts][H] */
    int64_t correction; /* f32 [experts], added for choosing only; or absent */
    int64_t score;      /* E [H]: the sigmoid of its product with a row is the weight of what all tokens pass; absent: 1 */
    int64_t positions;  /* i32 [rows] */
    int64_t choice;     /* i32 [rows][K]: expert, -1 where masked */
    int64_t share;      /* f32 [rows][K]: weight of the choice */
    int64_t workspace;  /* scratch */
    int32_t rows;       /* routed rows: owned, or all where every holder of experts has them */
};
rt_status kernel_route(rt_rank *rank, const void *args);

/* pack: rows by target, each once per target; where its results will come back */
struct pack_args {
    int64_t in;          /* E [rows][H] */
    int64_t choice;      /* i32 [rows][K] */
    int64_t send_rows;   /* E windows of rows, see rt_dispatch */
    int64_t send_meta;   /* i32 [K] a row: slot at the target of each choice, -1: not there */
    int64_t send_counts; /* i32 [targets] */
    int64_t back;        /* i32 [rows][K][parts]: row in `returned`, -1: dropped */
    int64_t returns;     /* i32 [targets]: rows that will come back */
    int32_t rows;        /* routed rows */
    int32_t routes;      /* row of `routes`: target and slot of each part of each expert */
    int32_t exchange;    /* the exchange, for its windows */
};
rt_status kernel_pack(rt_rank *rank, const void *args);

/* weighted_sum: out = base + sum over choices in order of share x sum over column parts in order */
struct weighted_sum_args {
    int64_t returned; /* E windows of rows, see rt_combine */
    int64_t back;     /* i32 [rows][K][parts] */
    int64_t share;    /* f32 [rows][K] */
    int64_t base;     /* E [rows][H], may be `out`; absent: zero */
    int64_t out;      /* E [rows][H] */
    int32_t rows;     /* rows that were packed */
};
rt_status kernel_weighted_sum(rt_rank *rank, const void *args);

/* head: logits of the held entries; best entry of each sequence's last row */
struct head_args {
    int64_t in;          /* E [sequences][tokens][H], normed */
    int64_t positions;   /* i32 [sequences][tokens] */
    int64_t weight;      /* E [entries][H] */
    int64_t best;        /* {f32 logit, i32 entry} [sequences][1, or 1 + candidates] */
    int64_t workspace;   /* scratch */
    int32_t first;       /* first sequence, within the wave */
    int32_t sequences;   /* sequences */
    int32_t tokens;      /* rows a sequence */
    int32_t entry_begin; /* first vocabulary entry held */
    int32_t entries;     /* vocabulary entries held */
    int32_t candidates;  /* the most entries told of a sequence */
};
rt_status kernel_head(rt_rank *rank, const void *args);

/* choose: the next token: the largest logit of all members, the lower entry where equal; or
 * drawn */
struct choose_args {
    int64_t best;       /* {f32 logit, i32 entry} [members][sequences][1, or 1 + candidates] */
    int64_t next;       /* i32 [sequences] */
    int32_t members;    /* ranks that share the head */
    int32_t first;      /* first sequence, within the wave */
    int32_t sequences;  /* sequences */
    int32_t candidates; /* the most entries told of a sequence */
};
rt_status kernel_choose(rt_rank *rank, const void *args);

/* expert_ffn: feed-forward of every received row by each of its experts in some slots held here */
struct expert_ffn_args {
    int64_t in;         /* E windows of rows, see rt_dispatch */
    int64_t meta;       /* i32 [K] a row: slot of each choice, -1: not here */
    int64_t counts;     /* i32 [sources] */
    int64_t gate;       /* E [slots][columns][H], this layer; absent where not gated */
    int64_t gate_bias;  /* E [slots][columns], or absent */
    int64_t up;         /* E [slots][columns][H], this layer */
    int64_t up_bias;    /* E [slots][columns], or absent */
    int64_t down;       /* E [slots][H][columns], this layer */
    int64_t down_bias;  /* E [slots][H], or absent */
    int64_t out;        /* E windows of result rows, see rt_combine; by row, then choice */
    int64_t out_counts; /* i32 [sources] */
    int64_t workspace;  /* scratch */
    int32_t first;      /* the first of the slots */
    int32_t slots;      /* slots: expert parts, or the part of what all tokens pass */
    int32_t held;       /* slots of this rank in all, which bound the results of a row */
    int32_t columns;    /* columns of expert_hidden a slot; missing ones are zero */
    int32_t bound;      /* rows of all windows of `in` */
    int32_t exchange;   /* the exchange, for its windows */
};
rt_status kernel_expert_ffn(rt_rank *rank, const void *args);
/* clang-format on */
