/* Role worker of program single-f32, rank 0. Made by gen from plan.json: do not edit. Each
 * statement is an operation of the schedule, in program order; its number is the operation's id
 * in failures, traces and schedule.json. */
#include "ops.h"
#include "program.h"

/* clang-format off */

/* Buffers: bytes from the begin of the slab; shapes are those of rank 0. */
#define EMBEDDING              INT64_C(0)                                     /* f32 [512][64], weight */
#define ATTENTION_NORM(layer)  (INT64_C(131072) + (layer) * INT64_C(256))     /* f32 [64], weight, by layer */
#define QKV(layer)             (INT64_C(131584) + (layer) * INT64_C(32768))   /* f32 [128][64], weight, by layer */
#define OUTPUT(layer)          (INT64_C(197120) + (layer) * INT64_C(16384))   /* f32 [64][64], weight, by layer */
#define FFN_NORM(layer)        (INT64_C(229888) + (layer) * INT64_C(256))     /* f32 [64], weight, by layer */
#define ROUTER(layer)          (INT64_C(230400) + (layer) * INT64_C(2048))    /* f32 [8][64], weight, by layer */
#define FINAL_NORM             INT64_C(234496)                                /* f32 [64], weight */
#define HEAD                   INT64_C(234752)                                /* f32 [512][64], weight */
#define KEYS(layer)            (INT64_C(1938688) + (layer) * INT64_C(73728))  /* f32 [12][48][4][8], state, by layer */
#define VALUES(layer)          (INT64_C(2086144) + (layer) * INT64_C(73728))  /* f32 [12][48][4][8], state, by layer */
#define EXPERT_GATE(layer)     (INT64_C(365824) + (layer) * INT64_C(262144))  /* f32 [1024][64], weight, by layer */
#define EXPERT_UP(layer)       (INT64_C(890112) + (layer) * INT64_C(262144))  /* f32 [1024][64], weight, by layer */
#define EXPERT_DOWN(layer)     (INT64_C(1414400) + (layer) * INT64_C(262144)) /* f32 [512][128], weight, by layer */
#define PREFILL_IDS_M0         INT64_C(2795776)                               /* i32 [288][1], activation */
#define PREFILL_POSITIONS_M0   INT64_C(3171328)                               /* i32 [288][1], activation */
#define PREFILL_RESIDUAL_M0    INT64_C(2943232)                               /* f32 [288][64], activation */
#define PREFILL_NORMED_M0      INT64_C(3016960)                               /* f32 [288][64], activation */
#define PREFILL_MIXED_M0       INT64_C(3090688)                               /* f32 [288][64], activation */
#define PREFILL_QKV_M0         INT64_C(2795776)                               /* f32 [288][128], activation */
#define WORKSPACE              INT64_C(2233600)                               /* scratch, workspace */
#define PREFILL_PROJECTED_M0   INT64_C(2795776)                               /* f32 [288][64], activation */
#define PREFILL_FFN_IN_M0      INT64_C(2795776)                               /* f32 [288][64], activation */
#define PREFILL_CHOICE_M0      INT64_C(2869504)                               /* i32 [288][2], activation */
#define PREFILL_SHARE_M0       INT64_C(3164416)                               /* f32 [288][2], activation */
#define PREFILL_RECV_ROWS_M0   INT64_C(3090688)                               /* f32 [288][64], window */
#define PREFILL_RECV_META_M0   INT64_C(3166720)                               /* i32 [288][2], window */
#define PREFILL_RECV_COUNTS_M0 INT64_C(3172608)                               /* i32 [1][1], window */
#define PREFILL_OUT_M0         INT64_C(2795776)                               /* f32 [576][64], window */
#define PREFILL_OUT_COUNTS_M0  INT64_C(3172864)                               /* i32 [1][1], window */
#define PREFILL_RETURNS_M0     INT64_C(2871808)                               /* i32 [1][1], window */
#define PREFILL_BACK_M0        INT64_C(3169024)                               /* i32 [288][2], activation */
#define PREFILL_BEST_M0        INT64_C(2795776)                               /* f32 [1][24], activation */
#define PREFILL_NEXT_M0        INT64_C(2796032)                               /* i32 [12][1], activation */
#define DECODE_IDS_M0          INT64_C(2795776)                               /* i32 [12][1], activation */
#define DECODE_POSITIONS_M0    INT64_C(2811904)                               /* i32 [12][1], activation */
#define DECODE_RESIDUAL_M0     INT64_C(2801920)                               /* f32 [12][64], activation */
#define DECODE_NORMED_M0       INT64_C(2804992)                               /* f32 [12][64], activation */
#define DECODE_MIXED_M0        INT64_C(2808064)                               /* f32 [12][64], activation */
#define DECODE_QKV_M0          INT64_C(2795776)                               /* f32 [12][128], activation */
#define DECODE_PROJECTED_M0    INT64_C(2795776)                               /* f32 [12][64], activation */
#define DECODE_FFN_IN_M0       INT64_C(2795776)                               /* f32 [12][64], activation */
#define DECODE_CHOICE_M0       INT64_C(2798848)                               /* i32 [12][2], activation */
#define DECODE_SHARE_M0        INT64_C(2811136)                               /* f32 [12][2], activation */
#define DECODE_RECV_ROWS_M0    INT64_C(2808064)                               /* f32 [12][64], window */
#define DECODE_RECV_META_M0    INT64_C(2811392)                               /* i32 [12][2], window */
#define DECODE_RECV_COUNTS_M0  INT64_C(2812160)                               /* i32 [1][1], window */
#define DECODE_OUT_M0          INT64_C(2795776)                               /* f32 [24][64], window */
#define DECODE_OUT_COUNTS_M0   INT64_C(2812416)                               /* i32 [1][1], window */
#define DECODE_RETURNS_M0      INT64_C(2799104)                               /* i32 [1][1], window */
#define DECODE_BACK_M0         INT64_C(2811648)                               /* i32 [12][2], activation */
#define DECODE_BEST_M0         INT64_C(2795776)                               /* f32 [1][24], activation */
#define DECODE_NEXT_M0         INT64_C(2796032)                               /* i32 [12][1], activation */

/* clang-format on */

rt_status worker_prefill(rt_rank *rank) {
    /* 0 m0 embed: lower_attention.c: token ids of the micro-batch */
    RT_TRY(rt_begin(rank, 0, -1,
                    &(rt_begin_args){
                        .ids = PREFILL_IDS_M0,
                        .positions = PREFILL_POSITIONS_M0,
                        .first = 0,
                        .sequences = 12,
                        .tokens = 24,
                    }));
    /* 1 m0 embed: lower_attention.c: embedding of the held entries */
    RT_TRY(rt_launch(rank, 1, -1, K_EMBED,
                     &(struct embed_args){
                         .ids = PREFILL_IDS_M0,
                         .positions = PREFILL_POSITIONS_M0,
                         .table = EMBEDDING,
                         .position_table = -1,
                         .out = PREFILL_RESIDUAL_M0,
                         .rows = 288,
                         .entry_begin = 0,
                         .entries = 512,
                     }));
    for (int layer = 0; layer < 2; ++layer) {
        /* 2 m0 attention: lower_attention.c: norm before attention */
        RT_TRY(rt_launch(rank, 2, layer, K_RMS_NORM,
                         &(struct rms_norm_args){
                             .in = PREFILL_RESIDUAL_M0,
                             .weight = ATTENTION_NORM(layer),
                             .out = PREFILL_NORMED_M0,
                             .rows = 288,
                         }));
        /* 3 m0 attention: lower_attention.c: query, key, value of the local heads */
        RT_TRY(rt_launch(rank, 3, layer, K_LINEAR,
                         &(struct linear_args){
                             .in = PREFILL_NORMED_M0,
                             .weight = QKV(layer),
                             .bias = -1,
                             .out = PREFILL_QKV_M0,
                             .workspace = WORKSPACE,
                             .rows = 288,
                             .inputs = 64,
                             .outputs = 128,
                         }));
        /* 4 m0 attention: lower_attention.c: keys and values into the cache */
        RT_TRY(rt_launch(rank, 4, layer, K_ROPE_APPEND,
                         &(struct rope_append_args){
                             .qkv = PREFILL_QKV_M0,
                             .positions = PREFILL_POSITIONS_M0,
                             .keys = KEYS(layer),
                             .values = VALUES(layer),
                             .sequences = 12,
                             .tokens = 24,
                             .cache_first = 0,
                             .heads = 8,
                             .kv_heads = 4,
                         }));
        /* 5 m0 attention: lower_attention.c: the local heads */
        RT_TRY(rt_launch(rank, 5, layer, K_ATTENTION,
                         &(struct attention_args){
                             .qkv = PREFILL_QKV_M0,
                             .positions = PREFILL_POSITIONS_M0,
                             .keys = KEYS(layer),
                             .values = VALUES(layer),
                             .out = PREFILL_MIXED_M0,
                             .workspace = WORKSPACE,
                             .sequences = 12,
                             .tokens = 24,
                             .cache_first = 0,
                             .heads = 8,
                             .kv_heads = 4,
                             .head_begin = 0,
                             .kv_begin = 0,
                             .window = 0,
                         }));
        /* 6 m0 attention: lower_attention.c: output projection of the local heads */
        RT_TRY(rt_launch(rank, 6, layer, K_LINEAR,
                         &(struct linear_args){
                             .in = PREFILL_MIXED_M0,
                             .weight = OUTPUT(layer),
                             .bias = -1,
                             .out = PREFILL_PROJECTED_M0,
                             .workspace = WORKSPACE,
                             .rows = 288,
                             .inputs = 64,
                             .outputs = 64,
                         }));
        /* 7 m0 attention: lower_attention.c: residual */
        RT_TRY(rt_launch(rank, 7, layer, K_ADD,
                         &(struct add_args){
                             .in = PREFILL_PROJECTED_M0,
                             .out = PREFILL_RESIDUAL_M0,
                             .rows = 288,
                         }));
        /* 8 m0 attention: lower_ffn.c: norm before experts and feed-forwards */
        RT_TRY(rt_launch(rank, 8, layer, K_RMS_NORM,
                         &(struct rms_norm_args){
                             .in = PREFILL_RESIDUAL_M0,
                             .weight = FFN_NORM(layer),
                             .out = PREFILL_FFN_IN_M0,
                             .rows = 288,
                         }));
        /* 9 m0 attention: lower_attention.c: router of the rows routed here */
        RT_TRY(rt_launch(rank, 9, layer, K_ROUTE,
                         &(struct route_args){
                             .in = PREFILL_FFN_IN_M0,
                             .weight = ROUTER(layer),
                             .correction = -1,
                             .score = -1,
                             .positions = PREFILL_POSITIONS_M0,
                             .choice = PREFILL_CHOICE_M0,
                             .share = PREFILL_SHARE_M0,
                             .workspace = WORKSPACE,
                             .rows = 288,
                         }));
        /* 10 m0 attention: lower_experts.c: rows by the holders of their experts */
        RT_TRY(rt_launch(rank, 10, layer, K_PACK,
                         &(struct pack_args){
                             .in = PREFILL_FFN_IN_M0,
                             .choice = PREFILL_CHOICE_M0,
                             .send_rows = PREFILL_RECV_ROWS_M0,
                             .send_meta = PREFILL_RECV_META_M0,
                             .send_counts = PREFILL_RECV_COUNTS_M0,
                             .back = PREFILL_BACK_M0,
                             .returns = PREFILL_RETURNS_M0,
                             .rows = 288,
                             .routes = route_rows[0][layer],
                             .exchange = 0,
                         }));
        /* 11 m0 experts: lower_experts.c: the local experts */
        RT_TRY(rt_launch(rank, 11, layer, K_EXPERT_FFN,
                         &(struct expert_ffn_args){
                             .in = PREFILL_RECV_ROWS_M0,
                             .meta = PREFILL_RECV_META_M0,
                             .counts = PREFILL_RECV_COUNTS_M0,
                             .gate = EXPERT_GATE(layer),
                             .gate_bias = -1,
                             .up = EXPERT_UP(layer),
                             .up_bias = -1,
                             .down = EXPERT_DOWN(layer),
                             .down_bias = -1,
                             .out = PREFILL_OUT_M0,
                             .out_counts = PREFILL_OUT_COUNTS_M0,
                             .workspace = WORKSPACE,
                             .first = 0,
                             .slots = 8,
                             .held = 8,
                             .columns = 128,
                             .bound = 288,
                             .exchange = 0,
                         }));
        /* 12 m0 combine: lower_experts.c: experts' results by their weights */
        RT_TRY(rt_launch(rank, 12, layer, K_WEIGHTED_SUM,
                         &(struct weighted_sum_args){
                             .returned = PREFILL_OUT_M0,
                             .back = PREFILL_BACK_M0,
                             .share = PREFILL_SHARE_M0,
                             .base = PREFILL_RESIDUAL_M0,
                             .out = PREFILL_RESIDUAL_M0,
                             .rows = 288,
                         }));
    }
    /* 13 m0 head: lower_head.c: final norm */
    RT_TRY(rt_launch(rank, 13, -1, K_RMS_NORM,
                     &(struct rms_norm_args){
                         .in = PREFILL_RESIDUAL_M0,
                         .weight = FINAL_NORM,
                         .out = PREFILL_NORMED_M0,
                         .rows = 288,
                     }));
    /* 14 m0 head: lower_head.c: logits of the held entries */
    RT_TRY(rt_launch(rank, 14, -1, K_HEAD,
                     &(struct head_args){
                         .in = PREFILL_NORMED_M0,
                         .positions = PREFILL_POSITIONS_M0,
                         .weight = HEAD,
                         .best = PREFILL_BEST_M0,
                         .workspace = WORKSPACE,
                         .first = 0,
                         .sequences = 12,
                         .tokens = 24,
                         .entry_begin = 0,
                         .entries = 512,
                         .candidates = 1,
                     }));
    /* 15 m0 head: lower_head.c: the next token of each sequence */
    RT_TRY(rt_launch(rank, 15, -1, K_CHOOSE,
                     &(struct choose_args){
                         .best = PREFILL_BEST_M0,
                         .next = PREFILL_NEXT_M0,
                         .members = 1,
                         .first = 0,
                         .sequences = 12,
                         .candidates = 1,
                     }));
    /* 16 m0 head: lower_head.c: the choice into the request table */
    RT_TRY(rt_finish(rank, 16, -1,
                     &(rt_finish_args){
                         .next = PREFILL_NEXT_M0,
                         .first = 0,
                         .sequences = 12,
                         .report = 1,
                     }));
    return RT_OK;
}

rt_status worker_decode(rt_rank *rank) {
    /* 17 m0 embed: lower_attention.c: token ids of the micro-batch */
    RT_TRY(rt_begin(rank, 17, -1,
                    &(rt_begin_args){
                        .ids = DECODE_IDS_M0,
                        .positions = DECODE_POSITIONS_M0,
                        .first = 0,
                        .sequences = 12,
                        .tokens = 1,
                    }));
    /* 18 m0 embed: lower_attention.c: embedding of the held entries */
    RT_TRY(rt_launch(rank, 18, -1, K_EMBED,
                     &(struct embed_args){
                         .ids = DECODE_IDS_M0,
                         .positions = DECODE_POSITIONS_M0,
                         .table = EMBEDDING,
                         .position_table = -1,
                         .out = DECODE_RESIDUAL_M0,
                         .rows = 12,
                         .entry_begin = 0,
                         .entries = 512,
                     }));
    for (int layer = 0; layer < 2; ++layer) {
        /* 19 m0 attention: lower_attention.c: norm before attention */
        RT_TRY(rt_launch(rank, 19, layer, K_RMS_NORM,
                         &(struct rms_norm_args){
                             .in = DECODE_RESIDUAL_M0,
                             .weight = ATTENTION_NORM(layer),
                             .out = DECODE_NORMED_M0,
                             .rows = 12,
                         }));
        /* 20 m0 attention: lower_attention.c: query, key, value of the local heads */
        RT_TRY(rt_launch(rank, 20, layer, K_LINEAR,
                         &(struct linear_args){
                             .in = DECODE_NORMED_M0,
                             .weight = QKV(layer),
                             .bias = -1,
                             .out = DECODE_QKV_M0,
                             .workspace = WORKSPACE,
                             .rows = 12,
                             .inputs = 64,
                             .outputs = 128,
                         }));
        /* 21 m0 attention: lower_attention.c: keys and values into the cache */
        RT_TRY(rt_launch(rank, 21, layer, K_ROPE_APPEND,
                         &(struct rope_append_args){
                             .qkv = DECODE_QKV_M0,
                             .positions = DECODE_POSITIONS_M0,
                             .keys = KEYS(layer),
                             .values = VALUES(layer),
                             .sequences = 12,
                             .tokens = 1,
                             .cache_first = 0,
                             .heads = 8,
                             .kv_heads = 4,
                         }));
        /* 22 m0 attention: lower_attention.c: the local heads */
        RT_TRY(rt_launch(rank, 22, layer, K_ATTENTION,
                         &(struct attention_args){
                             .qkv = DECODE_QKV_M0,
                             .positions = DECODE_POSITIONS_M0,
                             .keys = KEYS(layer),
                             .values = VALUES(layer),
                             .out = DECODE_MIXED_M0,
                             .workspace = WORKSPACE,
                             .sequences = 12,
                             .tokens = 1,
                             .cache_first = 0,
                             .heads = 8,
                             .kv_heads = 4,
                             .head_begin = 0,
                             .kv_begin = 0,
                             .window = 0,
                         }));
        /* 23 m0 attention: lower_attention.c: output projection of the local heads */
        RT_TRY(rt_launch(rank, 23, layer, K_LINEAR,
                         &(struct linear_args){
                             .in = DECODE_MIXED_M0,
                             .weight = OUTPUT(layer),
                             .bias = -1,
                             .out = DECODE_PROJECTED_M0,
                             .workspace = WORKSPACE,
                             .rows = 12,
                             .inputs = 64,
                             .outputs = 64,
                         }));
        /* 24 m0 attention: lower_attention.c: residual */
        RT_TRY(rt_launch(rank, 24, layer, K_ADD,
                         &(struct add_args){
                             .in = DECODE_PROJECTED_M0,
                             .out = DECODE_RESIDUAL_M0,
                             .rows = 12,
                         }));
        /* 25 m0 attention: lower_ffn.c: norm before experts and feed-forwards */
        RT_TRY(rt_launch(rank, 25, layer, K_RMS_NORM,
                         &(struct rms_norm_args){
                             .in = DECODE_RESIDUAL_M0,
                             .weight = FFN_NORM(layer),
                             .out = DECODE_FFN_IN_M0,
                             .rows = 12,
                         }));
        /* 26 m0 attention: lower_attention.c: router of the rows routed here */
        RT_TRY(rt_launch(rank, 26, layer, K_ROUTE,
                         &(struct route_args){
                             .in = DECODE_FFN_IN_M0,
                             .weight = ROUTER(layer),
                             .correction = -1,
                             .score = -1,
                             .positions = DECODE_POSITIONS_M0,
                             .choice = DECODE_CHOICE_M0,
                             .share = DECODE_SHARE_M0,
                             .workspace = WORKSPACE,
                             .rows = 12,
                         }));
        /* 27 m0 attention: lower_experts.c: rows by the holders of their experts */
        RT_TRY(rt_launch(rank, 27, layer, K_PACK,
                         &(struct pack_args){
                             .in = DECODE_FFN_IN_M0,
                             .choice = DECODE_CHOICE_M0,
                             .send_rows = DECODE_RECV_ROWS_M0,
                             .send_meta = DECODE_RECV_META_M0,
                             .send_counts = DECODE_RECV_COUNTS_M0,
                             .back = DECODE_BACK_M0,
                             .returns = DECODE_RETURNS_M0,
                             .rows = 12,
                             .routes = route_rows[0][layer],
                             .exchange = 1,
                         }));
        /* 28 m0 experts: lower_experts.c: the local experts */
        RT_TRY(rt_launch(rank, 28, layer, K_EXPERT_FFN,
                         &(struct expert_ffn_args){
                             .in = DECODE_RECV_ROWS_M0,
                             .meta = DECODE_RECV_META_M0,
                             .counts = DECODE_RECV_COUNTS_M0,
                             .gate = EXPERT_GATE(layer),
                             .gate_bias = -1,
                             .up = EXPERT_UP(layer),
                             .up_bias = -1,
                             .down = EXPERT_DOWN(layer),
                             .down_bias = -1,
                             .out = DECODE_OUT_M0,
                             .out_counts = DECODE_OUT_COUNTS_M0,
                             .workspace = WORKSPACE,
                             .first = 0,
                             .slots = 8,
                             .held = 8,
                             .columns = 128,
                             .bound = 12,
                             .exchange = 1,
                         }));
        /* 29 m0 combine: lower_experts.c: experts' results by their weights */
        RT_TRY(rt_launch(rank, 29, layer, K_WEIGHTED_SUM,
                         &(struct weighted_sum_args){
                             .returned = DECODE_OUT_M0,
                             .back = DECODE_BACK_M0,
                             .share = DECODE_SHARE_M0,
                             .base = DECODE_RESIDUAL_M0,
                             .out = DECODE_RESIDUAL_M0,
                             .rows = 12,
                         }));
    }
    /* 30 m0 head: lower_head.c: final norm */
    RT_TRY(rt_launch(rank, 30, -1, K_RMS_NORM,
                     &(struct rms_norm_args){
                         .in = DECODE_RESIDUAL_M0,
                         .weight = FINAL_NORM,
                         .out = DECODE_NORMED_M0,
                         .rows = 12,
                     }));
    /* 31 m0 head: lower_head.c: logits of the held entries */
    RT_TRY(rt_launch(rank, 31, -1, K_HEAD,
                     &(struct head_args){
                         .in = DECODE_NORMED_M0,
                         .positions = DECODE_POSITIONS_M0,
                         .weight = HEAD,
                         .best = DECODE_BEST_M0,
                         .workspace = WORKSPACE,
                         .first = 0,
                         .sequences = 12,
                         .tokens = 1,
                         .entry_begin = 0,
                         .entries = 512,
                         .candidates = 1,
                     }));
    /* 32 m0 head: lower_head.c: the next token of each sequence */
    RT_TRY(rt_launch(rank, 32, -1, K_CHOOSE,
                     &(struct choose_args){
                         .best = DECODE_BEST_M0,
                         .next = DECODE_NEXT_M0,
                         .members = 1,
                         .first = 0,
                         .sequences = 12,
                         .candidates = 1,
                     }));
    /* 33 m0 head: lower_head.c: the choice into the request table */
    RT_TRY(rt_finish(rank, 33, -1,
                     &(rt_finish_args){
                         .next = DECODE_NEXT_M0,
                         .first = 0,
                         .sequences = 12,
                         .report = 1,
                     }));
    return RT_OK;
}
