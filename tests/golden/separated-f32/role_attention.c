/* Role attention of program separated-f32, ranks 0-1. Made by gen from plan.json: do not edit.
 * Each statement is an operation of the schedule, in program order; its number is the
 * operation's id in failures, traces and schedule.json. */
#include "ops.h"
#include "program.h"

/* clang-format off */

/* Buffers: bytes from the begin of the slab; shapes are those of rank 0. */
#define EMBEDDING              INT64_C(0)                                   /* f32 [512][64], weight */
#define ATTENTION_NORM(layer)  (INT64_C(131072) + (layer) * INT64_C(256))   /* f32 [64], weight, by layer */
#define QKV(layer)             (INT64_C(131584) + (layer) * INT64_C(32768)) /* f32 [128][64], weight, by layer */
#define OUTPUT(layer)          (INT64_C(197120) + (layer) * INT64_C(16384)) /* f32 [64][64], weight, by layer */
#define FFN_NORM(layer)        (INT64_C(229888) + (layer) * INT64_C(256))   /* f32 [64], weight, by layer */
#define ROUTER(layer)          (INT64_C(230400) + (layer) * INT64_C(2048))  /* f32 [8][64], weight, by layer */
#define FINAL_NORM             INT64_C(234496)                              /* f32 [64], weight */
#define HEAD                   INT64_C(234752)                              /* f32 [512][64], weight */
#define KEYS(layer)            (INT64_C(365824) + (layer) * INT64_C(36864)) /* f32 [6][48][4][8], state, by layer */
#define VALUES(layer)          (INT64_C(439552) + (layer) * INT64_C(36864)) /* f32 [6][48][4][8], state, by layer */
#define PREFILL_IDS_M0         INT64_C(677376)                              /* i32 [72][1], activation */
#define PREFILL_POSITIONS_M0   INT64_C(1090048)                             /* i32 [72][1], activation */
#define PREFILL_RESIDUAL_M0    INT64_C(898560)                              /* f32 [72][64], activation */
#define PREFILL_NORMED_M0      INT64_C(916992)                              /* f32 [72][64], activation */
#define PREFILL_MIXED_M0       INT64_C(935424)                              /* f32 [72][64], activation */
#define PREFILL_QKV_M0         INT64_C(677376)                              /* f32 [72][128], activation */
#define WORKSPACE              INT64_C(513280)                              /* scratch, workspace */
#define PREFILL_PROJECTED_M0   INT64_C(953856)                              /* f32 [72][64], activation */
#define PREFILL_FFN_IN_M0      INT64_C(972288)                              /* f32 [72][64], activation */
#define PREFILL_CHOICE_M0      INT64_C(1085440)                             /* i32 [72][2], activation */
#define PREFILL_SHARE_M0       INT64_C(1086208)                             /* f32 [72][2], activation */
#define PREFILL_RETURNS_M0     INT64_C(1091072)                             /* i32 [2][1], window */
#define PREFILL_SEND_ROWS_M0   INT64_C(714240)                              /* f32 [144][64], window */
#define PREFILL_SEND_META_M0   INT64_C(1082880)                             /* i32 [144][2], window */
#define PREFILL_SEND_COUNTS_M0 INT64_C(1091328)                             /* i32 [2][1], window */
#define PREFILL_RETURNED_M0    INT64_C(751104)                              /* f32 [144][64], window */
#define PREFILL_BACK_M0        INT64_C(1086976)                             /* i32 [72][2], activation */
#define PREFILL_IDS_M1         INT64_C(787968)                              /* i32 [72][1], activation */
#define PREFILL_POSITIONS_M1   INT64_C(1090560)                             /* i32 [72][1], activation */
#define PREFILL_RESIDUAL_M1    INT64_C(990720)                              /* f32 [72][64], activation */
#define PREFILL_NORMED_M1      INT64_C(1009152)                             /* f32 [72][64], activation */
#define PREFILL_MIXED_M1       INT64_C(1027584)                             /* f32 [72][64], activation */
#define PREFILL_QKV_M1         INT64_C(787968)                              /* f32 [72][128], activation */
#define PREFILL_PROJECTED_M1   INT64_C(1046016)                             /* f32 [72][64], activation */
#define PREFILL_FFN_IN_M1      INT64_C(1064448)                             /* f32 [72][64], activation */
#define PREFILL_CHOICE_M1      INT64_C(1087744)                             /* i32 [72][2], activation */
#define PREFILL_SHARE_M1       INT64_C(1088512)                             /* f32 [72][2], activation */
#define PREFILL_RETURNS_M1     INT64_C(1091584)                             /* i32 [2][1], window */
#define PREFILL_SEND_ROWS_M1   INT64_C(824832)                              /* f32 [144][64], window */
#define PREFILL_SEND_META_M1   INT64_C(1084160)                             /* i32 [144][2], window */
#define PREFILL_SEND_COUNTS_M1 INT64_C(1091840)                             /* i32 [2][1], window */
#define PREFILL_RETURNED_M1    INT64_C(861696)                              /* f32 [144][64], window */
#define PREFILL_BACK_M1        INT64_C(1089280)                             /* i32 [72][2], activation */
#define PREFILL_BEST_M0        INT64_C(677376)                              /* f32 [1][6], activation */
#define PREFILL_NEXT_M0        INT64_C(677632)                              /* i32 [3][1], activation */
#define PREFILL_BEST_M1        INT64_C(677376)                              /* f32 [1][6], activation */
#define PREFILL_NEXT_M1        INT64_C(677632)                              /* i32 [3][1], activation */
#define DECODE_IDS_M0          INT64_C(677376)                              /* i32 [6][1], activation */
#define DECODE_POSITIONS_M0    INT64_C(698368)                              /* i32 [6][1], activation */
#define DECODE_RESIDUAL_M0     INT64_C(689664)                              /* f32 [6][64], activation */
#define DECODE_NORMED_M0       INT64_C(691200)                              /* f32 [6][64], activation */
#define DECODE_MIXED_M0        INT64_C(692736)                              /* f32 [6][64], activation */
#define DECODE_QKV_M0          INT64_C(683520)                              /* f32 [6][128], activation */
#define DECODE_PROJECTED_M0    INT64_C(694272)                              /* f32 [6][64], activation */
#define DECODE_FFN_IN_M0       INT64_C(695808)                              /* f32 [6][64], activation */
#define DECODE_CHOICE_M0       INT64_C(697600)                              /* i32 [6][2], activation */
#define DECODE_SHARE_M0        INT64_C(697856)                              /* f32 [6][2], activation */
#define DECODE_RETURNS_M0      INT64_C(698624)                              /* i32 [2][1], window */
#define DECODE_SEND_ROWS_M0    INT64_C(686592)                              /* f32 [12][64], window */
#define DECODE_SEND_META_M0    INT64_C(697344)                              /* i32 [12][2], window */
#define DECODE_SEND_COUNTS_M0  INT64_C(698880)                              /* i32 [2][1], window */
#define DECODE_RETURNED_M0     INT64_C(677376)                              /* f32 [24][64], window */
#define DECODE_BACK_M0         INT64_C(698112)                              /* i32 [6][2], activation */
#define DECODE_BEST_M0         INT64_C(677376)                              /* f32 [1][12], activation */
#define DECODE_NEXT_M0         INT64_C(677632)                              /* i32 [6][1], activation */

/* What differs between the ranks of this role. */
struct attention_row {
    int64_t first;
    int64_t first_m1;
};

static const struct attention_row attention_rows[] = {
    /* first  first_m1 */
    {    0,        3}, /* rank 0 */
    {    6,        9}, /* rank 1 */
};

/* clang-format on */

rt_status attention_prefill(rt_rank *rank) {
    const struct attention_row *row = &attention_rows[rt_role_index(rank)];

    /* 0 m0 embed: lower_attention.c: token ids of the micro-batch */
    RT_TRY(rt_begin(rank, 0, -1,
                    &(rt_begin_args){
                        .ids = PREFILL_IDS_M0,
                        .positions = PREFILL_POSITIONS_M0,
                        .first = row->first,
                        .sequences = 3,
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
                         .rows = 72,
                         .entry_begin = 0,
                         .entries = 512,
                     }));
    /* 2 m0 attention: lower_attention.c: norm before attention */
    RT_TRY(rt_launch(rank, 2, 0, K_RMS_NORM,
                     &(struct rms_norm_args){
                         .in = PREFILL_RESIDUAL_M0,
                         .weight = ATTENTION_NORM(0),
                         .out = PREFILL_NORMED_M0,
                         .rows = 72,
                     }));
    /* 3 m0 attention: lower_attention.c: query, key, value of the local heads */
    RT_TRY(rt_launch(rank, 3, 0, K_LINEAR,
                     &(struct linear_args){
                         .in = PREFILL_NORMED_M0,
                         .weight = QKV(0),
                         .bias = -1,
                         .out = PREFILL_QKV_M0,
                         .workspace = WORKSPACE,
                         .rows = 72,
                         .inputs = 64,
                         .outputs = 128,
                     }));
    /* 4 m0 attention: lower_attention.c: keys and values into the cache */
    RT_TRY(rt_launch(rank, 4, 0, K_ROPE_APPEND,
                     &(struct rope_append_args){
                         .qkv = PREFILL_QKV_M0,
                         .positions = PREFILL_POSITIONS_M0,
                         .keys = KEYS(0),
                         .values = VALUES(0),
                         .sequences = 3,
                         .tokens = 24,
                         .cache_first = 0,
                         .heads = 8,
                         .kv_heads = 4,
                     }));
    /* 5 m0 attention: lower_attention.c: the local heads */
    RT_TRY(rt_launch(rank, 5, 0, K_ATTENTION,
                     &(struct attention_args){
                         .qkv = PREFILL_QKV_M0,
                         .positions = PREFILL_POSITIONS_M0,
                         .keys = KEYS(0),
                         .values = VALUES(0),
                         .out = PREFILL_MIXED_M0,
                         .workspace = WORKSPACE,
                         .sequences = 3,
                         .tokens = 24,
                         .cache_first = 0,
                         .heads = 8,
                         .kv_heads = 4,
                         .head_begin = 0,
                         .kv_begin = 0,
                         .window = 0,
                     }));
    /* 6 m0 attention: lower_attention.c: output projection of the local heads */
    RT_TRY(rt_launch(rank, 6, 0, K_LINEAR,
                     &(struct linear_args){
                         .in = PREFILL_MIXED_M0,
                         .weight = OUTPUT(0),
                         .bias = -1,
                         .out = PREFILL_PROJECTED_M0,
                         .workspace = WORKSPACE,
                         .rows = 72,
                         .inputs = 64,
                         .outputs = 64,
                     }));
    /* 7 m0 attention: lower_attention.c: residual */
    RT_TRY(rt_launch(rank, 7, 0, K_ADD,
                     &(struct add_args){
                         .in = PREFILL_PROJECTED_M0,
                         .out = PREFILL_RESIDUAL_M0,
                         .rows = 72,
                     }));
    /* 8 m0 attention: lower_ffn.c: norm before experts and feed-forwards */
    RT_TRY(rt_launch(rank, 8, 0, K_RMS_NORM,
                     &(struct rms_norm_args){
                         .in = PREFILL_RESIDUAL_M0,
                         .weight = FFN_NORM(0),
                         .out = PREFILL_FFN_IN_M0,
                         .rows = 72,
                     }));
    /* 9 m0 attention: lower_attention.c: router of the rows routed here */
    RT_TRY(rt_launch(rank, 9, 0, K_ROUTE,
                     &(struct route_args){
                         .in = PREFILL_FFN_IN_M0,
                         .weight = ROUTER(0),
                         .correction = -1,
                         .score = -1,
                         .positions = PREFILL_POSITIONS_M0,
                         .choice = PREFILL_CHOICE_M0,
                         .share = PREFILL_SHARE_M0,
                         .workspace = WORKSPACE,
                         .rows = 72,
                     }));
    /* 10 m0 attention: lower_experts.c: rows by the holders of their experts */
    RT_TRY(rt_launch(rank, 10, 0, K_PACK,
                     &(struct pack_args){
                         .in = PREFILL_FFN_IN_M0,
                         .choice = PREFILL_CHOICE_M0,
                         .send_rows = PREFILL_SEND_ROWS_M0,
                         .send_meta = PREFILL_SEND_META_M0,
                         .send_counts = PREFILL_SEND_COUNTS_M0,
                         .back = PREFILL_BACK_M0,
                         .returns = PREFILL_RETURNS_M0,
                         .rows = 72,
                         .routes = route_rows[0][0],
                         .exchange = 0,
                     }));
    /* 11 m0 dispatch: lower_experts.c: rows to the holders of their experts; over dispatch_c0;
     * on stream dispatch; waits for 10 */
    RT_TRY(rt_dispatch(rank, 11, 0, 0, 0,
                       &(rt_dispatch_args){
                           .send_rows = PREFILL_SEND_ROWS_M0,
                           .send_meta = PREFILL_SEND_META_M0,
                           .send_counts = PREFILL_SEND_COUNTS_M0,
                           .recv_rows = -1,
                           .recv_meta = -1,
                           .recv_counts = -1,
                           .relay_rows = -1,
                           .relay_meta = -1,
                       }));
    /* 12 m1 embed: lower_attention.c: token ids of the micro-batch */
    RT_TRY(rt_begin(rank, 12, -1,
                    &(rt_begin_args){
                        .ids = PREFILL_IDS_M1,
                        .positions = PREFILL_POSITIONS_M1,
                        .first = row->first_m1,
                        .sequences = 3,
                        .tokens = 24,
                    }));
    /* 13 m1 embed: lower_attention.c: embedding of the held entries */
    RT_TRY(rt_launch(rank, 13, -1, K_EMBED,
                     &(struct embed_args){
                         .ids = PREFILL_IDS_M1,
                         .positions = PREFILL_POSITIONS_M1,
                         .table = EMBEDDING,
                         .position_table = -1,
                         .out = PREFILL_RESIDUAL_M1,
                         .rows = 72,
                         .entry_begin = 0,
                         .entries = 512,
                     }));
    /* 14 m1 attention: lower_attention.c: norm before attention */
    RT_TRY(rt_launch(rank, 14, 0, K_RMS_NORM,
                     &(struct rms_norm_args){
                         .in = PREFILL_RESIDUAL_M1,
                         .weight = ATTENTION_NORM(0),
                         .out = PREFILL_NORMED_M1,
                         .rows = 72,
                     }));
    /* 15 m1 attention: lower_attention.c: query, key, value of the local heads */
    RT_TRY(rt_launch(rank, 15, 0, K_LINEAR,
                     &(struct linear_args){
                         .in = PREFILL_NORMED_M1,
                         .weight = QKV(0),
                         .bias = -1,
                         .out = PREFILL_QKV_M1,
                         .workspace = WORKSPACE,
                         .rows = 72,
                         .inputs = 64,
                         .outputs = 128,
                     }));
    /* 16 m1 attention: lower_attention.c: keys and values into the cache */
    RT_TRY(rt_launch(rank, 16, 0, K_ROPE_APPEND,
                     &(struct rope_append_args){
                         .qkv = PREFILL_QKV_M1,
                         .positions = PREFILL_POSITIONS_M1,
                         .keys = KEYS(0),
                         .values = VALUES(0),
                         .sequences = 3,
                         .tokens = 24,
                         .cache_first = 3,
                         .heads = 8,
                         .kv_heads = 4,
                     }));
    /* 17 m1 attention: lower_attention.c: the local heads */
    RT_TRY(rt_launch(rank, 17, 0, K_ATTENTION,
                     &(struct attention_args){
                         .qkv = PREFILL_QKV_M1,
                         .positions = PREFILL_POSITIONS_M1,
                         .keys = KEYS(0),
                         .values = VALUES(0),
                         .out = PREFILL_MIXED_M1,
                         .workspace = WORKSPACE,
                         .sequences = 3,
                         .tokens = 24,
                         .cache_first = 3,
                         .heads = 8,
                         .kv_heads = 4,
                         .head_begin = 0,
                         .kv_begin = 0,
                         .window = 0,
                     }));
    /* 18 m1 attention: lower_attention.c: output projection of the local heads */
    RT_TRY(rt_launch(rank, 18, 0, K_LINEAR,
                     &(struct linear_args){
                         .in = PREFILL_MIXED_M1,
                         .weight = OUTPUT(0),
                         .bias = -1,
                         .out = PREFILL_PROJECTED_M1,
                         .workspace = WORKSPACE,
                         .rows = 72,
                         .inputs = 64,
                         .outputs = 64,
                     }));
    /* 19 m1 attention: lower_attention.c: residual */
    RT_TRY(rt_launch(rank, 19, 0, K_ADD,
                     &(struct add_args){
                         .in = PREFILL_PROJECTED_M1,
                         .out = PREFILL_RESIDUAL_M1,
                         .rows = 72,
                     }));
    /* 20 m1 attention: lower_ffn.c: norm before experts and feed-forwards */
    RT_TRY(rt_launch(rank, 20, 0, K_RMS_NORM,
                     &(struct rms_norm_args){
                         .in = PREFILL_RESIDUAL_M1,
                         .weight = FFN_NORM(0),
                         .out = PREFILL_FFN_IN_M1,
                         .rows = 72,
                     }));
    /* 21 m1 attention: lower_attention.c: router of the rows routed here */
    RT_TRY(rt_launch(rank, 21, 0, K_ROUTE,
                     &(struct route_args){
                         .in = PREFILL_FFN_IN_M1,
                         .weight = ROUTER(0),
                         .correction = -1,
                         .score = -1,
                         .positions = PREFILL_POSITIONS_M1,
                         .choice = PREFILL_CHOICE_M1,
                         .share = PREFILL_SHARE_M1,
                         .workspace = WORKSPACE,
                         .rows = 72,
                     }));
    /* 22 m1 attention: lower_experts.c: rows by the holders of their experts */
    RT_TRY(rt_launch(rank, 22, 0, K_PACK,
                     &(struct pack_args){
                         .in = PREFILL_FFN_IN_M1,
                         .choice = PREFILL_CHOICE_M1,
                         .send_rows = PREFILL_SEND_ROWS_M1,
                         .send_meta = PREFILL_SEND_META_M1,
                         .send_counts = PREFILL_SEND_COUNTS_M1,
                         .back = PREFILL_BACK_M1,
                         .returns = PREFILL_RETURNS_M1,
                         .rows = 72,
                         .routes = route_rows[0][0],
                         .exchange = 1,
                     }));
    /* 23 m1 dispatch: lower_experts.c: rows to the holders of their experts; over dispatch_c0;
     * on stream dispatch; waits for 22 */
    RT_TRY(rt_dispatch(rank, 23, 0, 0, 1,
                       &(rt_dispatch_args){
                           .send_rows = PREFILL_SEND_ROWS_M1,
                           .send_meta = PREFILL_SEND_META_M1,
                           .send_counts = PREFILL_SEND_COUNTS_M1,
                           .recv_rows = -1,
                           .recv_meta = -1,
                           .recv_counts = -1,
                           .relay_rows = -1,
                           .relay_meta = -1,
                       }));
    /* 24 m0 combine: lower_experts.c: results back to the owners; over combine_c0; on stream
     * combine; waits for 10 */
    RT_TRY(rt_combine(rank, 24, 0, 1, 0,
                      &(rt_combine_args){
                          .send_rows = -1,
                          .send_counts = -1,
                          .recv_rows = PREFILL_RETURNED_M0,
                          .recv_counts = PREFILL_RETURNS_M0,
                          .relay_rows = -1,
                      }));
    /* 25 m0 combine: lower_experts.c: experts' results by their weights; waits for 24 */
    RT_TRY(rt_launch(rank, 25, 0, K_WEIGHTED_SUM,
                     &(struct weighted_sum_args){
                         .returned = PREFILL_RETURNED_M0,
                         .back = PREFILL_BACK_M0,
                         .share = PREFILL_SHARE_M0,
                         .base = PREFILL_RESIDUAL_M0,
                         .out = PREFILL_RESIDUAL_M0,
                         .rows = 72,
                     }));
    /* 26 m0 attention: lower_attention.c: norm before attention */
    RT_TRY(rt_launch(rank, 26, 1, K_RMS_NORM,
                     &(struct rms_norm_args){
                         .in = PREFILL_RESIDUAL_M0,
                         .weight = ATTENTION_NORM(1),
                         .out = PREFILL_NORMED_M0,
                         .rows = 72,
                     }));
    /* 27 m0 attention: lower_attention.c: query, key, value of the local heads */
    RT_TRY(rt_launch(rank, 27, 1, K_LINEAR,
                     &(struct linear_args){
                         .in = PREFILL_NORMED_M0,
                         .weight = QKV(1),
                         .bias = -1,
                         .out = PREFILL_QKV_M0,
                         .workspace = WORKSPACE,
                         .rows = 72,
                         .inputs = 64,
                         .outputs = 128,
                     }));
    /* 28 m0 attention: lower_attention.c: keys and values into the cache */
    RT_TRY(rt_launch(rank, 28, 1, K_ROPE_APPEND,
                     &(struct rope_append_args){
                         .qkv = PREFILL_QKV_M0,
                         .positions = PREFILL_POSITIONS_M0,
                         .keys = KEYS(1),
                         .values = VALUES(1),
                         .sequences = 3,
                         .tokens = 24,
                         .cache_first = 0,
                         .heads = 8,
                         .kv_heads = 4,
                     }));
    /* 29 m0 attention: lower_attention.c: the local heads */
    RT_TRY(rt_launch(rank, 29, 1, K_ATTENTION,
                     &(struct attention_args){
                         .qkv = PREFILL_QKV_M0,
                         .positions = PREFILL_POSITIONS_M0,
                         .keys = KEYS(1),
                         .values = VALUES(1),
                         .out = PREFILL_MIXED_M0,
                         .workspace = WORKSPACE,
                         .sequences = 3,
                         .tokens = 24,
                         .cache_first = 0,
                         .heads = 8,
                         .kv_heads = 4,
                         .head_begin = 0,
                         .kv_begin = 0,
                         .window = 0,
                     }));
    /* 30 m0 attention: lower_attention.c: output projection of the local heads */
    RT_TRY(rt_launch(rank, 30, 1, K_LINEAR,
                     &(struct linear_args){
                         .in = PREFILL_MIXED_M0,
                         .weight = OUTPUT(1),
                         .bias = -1,
                         .out = PREFILL_PROJECTED_M0,
                         .workspace = WORKSPACE,
                         .rows = 72,
                         .inputs = 64,
                         .outputs = 64,
                     }));
    /* 31 m0 attention: lower_attention.c: residual */
    RT_TRY(rt_launch(rank, 31, 1, K_ADD,
                     &(struct add_args){
                         .in = PREFILL_PROJECTED_M0,
                         .out = PREFILL_RESIDUAL_M0,
                         .rows = 72,
                     }));
    /* 32 m0 attention: lower_ffn.c: norm before experts and feed-forwards */
    RT_TRY(rt_launch(rank, 32, 1, K_RMS_NORM,
                     &(struct rms_norm_args){
                         .in = PREFILL_RESIDUAL_M0,
                         .weight = FFN_NORM(1),
                         .out = PREFILL_FFN_IN_M0,
                         .rows = 72,
                     }));
    /* 33 m0 attention: lower_attention.c: router of the rows routed here */
    RT_TRY(rt_launch(rank, 33, 1, K_ROUTE,
                     &(struct route_args){
                         .in = PREFILL_FFN_IN_M0,
                         .weight = ROUTER(1),
                         .correction = -1,
                         .score = -1,
                         .positions = PREFILL_POSITIONS_M0,
                         .choice = PREFILL_CHOICE_M0,
                         .share = PREFILL_SHARE_M0,
                         .workspace = WORKSPACE,
                         .rows = 72,
                     }));
    /* 34 m0 attention: lower_experts.c: rows by the holders of their experts; waits for 11 */
    RT_TRY(rt_launch(rank, 34, 1, K_PACK,
                     &(struct pack_args){
                         .in = PREFILL_FFN_IN_M0,
                         .choice = PREFILL_CHOICE_M0,
                         .send_rows = PREFILL_SEND_ROWS_M0,
                         .send_meta = PREFILL_SEND_META_M0,
                         .send_counts = PREFILL_SEND_COUNTS_M0,
                         .back = PREFILL_BACK_M0,
                         .returns = PREFILL_RETURNS_M0,
                         .rows = 72,
                         .routes = route_rows[0][1],
                         .exchange = 0,
                     }));
    /* 35 m0 dispatch: lower_experts.c: rows to the holders of their experts; over dispatch_c0;
     * on stream dispatch; waits for 34 */
    RT_TRY(rt_dispatch(rank, 35, 1, 0, 0,
                       &(rt_dispatch_args){
                           .send_rows = PREFILL_SEND_ROWS_M0,
                           .send_meta = PREFILL_SEND_META_M0,
                           .send_counts = PREFILL_SEND_COUNTS_M0,
                           .recv_rows = -1,
                           .recv_meta = -1,
                           .recv_counts = -1,
                           .relay_rows = -1,
                           .relay_meta = -1,
                       }));
    /* 36 m1 combine: lower_experts.c: results back to the owners; over combine_c0; on stream
     * combine; waits for 22 */
    RT_TRY(rt_combine(rank, 36, 0, 1, 1,
                      &(rt_combine_args){
                          .send_rows = -1,
                          .send_counts = -1,
                          .recv_rows = PREFILL_RETURNED_M1,
                          .recv_counts = PREFILL_RETURNS_M1,
                          .relay_rows = -1,
                      }));
    /* 37 m1 combine: lower_experts.c: experts' results by their weights; waits for 36 */
    RT_TRY(rt_launch(rank, 37, 0, K_WEIGHTED_SUM,
                     &(struct weighted_sum_args){
                         .returned = PREFILL_RETURNED_M1,
                         .back = PREFILL_BACK_M1,
                         .share = PREFILL_SHARE_M1,
                         .base = PREFILL_RESIDUAL_M1,
                         .out = PREFILL_RESIDUAL_M1,
                         .rows = 72,
                     }));
    /* 38 m1 attention: lower_attention.c: norm before attention */
    RT_TRY(rt_launch(rank, 38, 1, K_RMS_NORM,
                     &(struct rms_norm_args){
                         .in = PREFILL_RESIDUAL_M1,
                         .weight = ATTENTION_NORM(1),
                         .out = PREFILL_NORMED_M1,
                         .rows = 72,
                     }));
    /* 39 m1 attention: lower_attention.c: query, key, value of the local heads */
    RT_TRY(rt_launch(rank, 39, 1, K_LINEAR,
                     &(struct linear_args){
                         .in = PREFILL_NORMED_M1,
                         .weight = QKV(1),
                         .bias = -1,
                         .out = PREFILL_QKV_M1,
                         .workspace = WORKSPACE,
                         .rows = 72,
                         .inputs = 64,
                         .outputs = 128,
                     }));
    /* 40 m1 attention: lower_attention.c: keys and values into the cache */
    RT_TRY(rt_launch(rank, 40, 1, K_ROPE_APPEND,
                     &(struct rope_append_args){
                         .qkv = PREFILL_QKV_M1,
                         .positions = PREFILL_POSITIONS_M1,
                         .keys = KEYS(1),
                         .values = VALUES(1),
                         .sequences = 3,
                         .tokens = 24,
                         .cache_first = 3,
                         .heads = 8,
                         .kv_heads = 4,
                     }));
    /* 41 m1 attention: lower_attention.c: the local heads */
    RT_TRY(rt_launch(rank, 41, 1, K_ATTENTION,
                     &(struct attention_args){
                         .qkv = PREFILL_QKV_M1,
                         .positions = PREFILL_POSITIONS_M1,
                         .keys = KEYS(1),
                         .values = VALUES(1),
                         .out = PREFILL_MIXED_M1,
                         .workspace = WORKSPACE,
                         .sequences = 3,
                         .tokens = 24,
                         .cache_first = 3,
                         .heads = 8,
                         .kv_heads = 4,
                         .head_begin = 0,
                         .kv_begin = 0,
                         .window = 0,
                     }));
    /* 42 m1 attention: lower_attention.c: output projection of the local heads */
    RT_TRY(rt_launch(rank, 42, 1, K_LINEAR,
                     &(struct linear_args){
                         .in = PREFILL_MIXED_M1,
                         .weight = OUTPUT(1),
                         .bias = -1,
                         .out = PREFILL_PROJECTED_M1,
                         .workspace = WORKSPACE,
                         .rows = 72,
                         .inputs = 64,
                         .outputs = 64,
                     }));
    /* 43 m1 attention: lower_attention.c: residual */
    RT_TRY(rt_launch(rank, 43, 1, K_ADD,
                     &(struct add_args){
                         .in = PREFILL_PROJECTED_M1,
                         .out = PREFILL_RESIDUAL_M1,
                         .rows = 72,
                     }));
    /* 44 m1 attention: lower_ffn.c: norm before experts and feed-forwards */
    RT_TRY(rt_launch(rank, 44, 1, K_RMS_NORM,
                     &(struct rms_norm_args){
                         .in = PREFILL_RESIDUAL_M1,
                         .weight = FFN_NORM(1),
                         .out = PREFILL_FFN_IN_M1,
                         .rows = 72,
                     }));
    /* 45 m1 attention: lower_attention.c: router of the rows routed here */
    RT_TRY(rt_launch(rank, 45, 1, K_ROUTE,
                     &(struct route_args){
                         .in = PREFILL_FFN_IN_M1,
                         .weight = ROUTER(1),
                         .correction = -1,
                         .score = -1,
                         .positions = PREFILL_POSITIONS_M1,
                         .choice = PREFILL_CHOICE_M1,
                         .share = PREFILL_SHARE_M1,
                         .workspace = WORKSPACE,
                         .rows = 72,
                     }));
    /* 46 m1 attention: lower_experts.c: rows by the holders of their experts; waits for 23 */
    RT_TRY(rt_launch(rank, 46, 1, K_PACK,
                     &(struct pack_args){
                         .in = PREFILL_FFN_IN_M1,
                         .choice = PREFILL_CHOICE_M1,
                         .send_rows = PREFILL_SEND_ROWS_M1,
                         .send_meta = PREFILL_SEND_META_M1,
                         .send_counts = PREFILL_SEND_COUNTS_M1,
                         .back = PREFILL_BACK_M1,
                         .returns = PREFILL_RETURNS_M1,
                         .rows = 72,
                         .routes = route_rows[0][1],
                         .exchange = 1,
                     }));
    /* 47 m1 dispatch: lower_experts.c: rows to the holders of their experts; over dispatch_c0;
     * on stream dispatch; waits for 46 */
    RT_TRY(rt_dispatch(rank, 47, 1, 0, 1,
                       &(rt_dispatch_args){
                           .send_rows = PREFILL_SEND_ROWS_M1,
                           .send_meta = PREFILL_SEND_META_M1,
                           .send_counts = PREFILL_SEND_COUNTS_M1,
                           .recv_rows = -1,
                           .recv_meta = -1,
                           .recv_counts = -1,
                           .relay_rows = -1,
                           .relay_meta = -1,
                       }));
    /* 48 m0 combine: lower_experts.c: results back to the owners; over combine_c0; on stream
     * combine; waits for 34 */
    RT_TRY(rt_combine(rank, 48, 1, 1, 0,
                      &(rt_combine_args){
                          .send_rows = -1,
                          .send_counts = -1,
                          .recv_rows = PREFILL_RETURNED_M0,
                          .recv_counts = PREFILL_RETURNS_M0,
                          .relay_rows = -1,
                      }));
    /* 49 m0 combine: lower_experts.c: experts' results by their weights; waits for 48 */
    RT_TRY(rt_launch(rank, 49, 1, K_WEIGHTED_SUM,
                     &(struct weighted_sum_args){
                         .returned = PREFILL_RETURNED_M0,
                         .back = PREFILL_BACK_M0,
                         .share = PREFILL_SHARE_M0,
                         .base = PREFILL_RESIDUAL_M0,
                         .out = PREFILL_RESIDUAL_M0,
                         .rows = 72,
                     }));
    /* 50 m0 head: lower_head.c: final norm */
    RT_TRY(rt_launch(rank, 50, -1, K_RMS_NORM,
                     &(struct rms_norm_args){
                         .in = PREFILL_RESIDUAL_M0,
                         .weight = FINAL_NORM,
                         .out = PREFILL_NORMED_M0,
                         .rows = 72,
                     }));
    /* 51 m0 head: lower_head.c: logits of the held entries */
    RT_TRY(rt_launch(rank, 51, -1, K_HEAD,
                     &(struct head_args){
                         .in = PREFILL_NORMED_M0,
                         .positions = PREFILL_POSITIONS_M0,
                         .weight = HEAD,
                         .best = PREFILL_BEST_M0,
                         .workspace = WORKSPACE,
                         .first = row->first,
                         .sequences = 3,
                         .tokens = 24,
                         .entry_begin = 0,
                         .entries = 512,
                         .candidates = 1,
                     }));
    /* 52 m0 head: lower_head.c: the next token of each sequence */
    RT_TRY(rt_launch(rank, 52, -1, K_CHOOSE,
                     &(struct choose_args){
                         .best = PREFILL_BEST_M0,
                         .next = PREFILL_NEXT_M0,
                         .members = 1,
                         .first = row->first,
                         .sequences = 3,
                         .candidates = 1,
                     }));
    /* 53 m0 head: lower_head.c: the choice into the request table */
    RT_TRY(rt_finish(rank, 53, -1,
                     &(rt_finish_args){
                         .next = PREFILL_NEXT_M0,
                         .first = row->first,
                         .sequences = 3,
                         .report = 1,
                     }));
    /* 54 m1 combine: lower_experts.c: results back to the owners; over combine_c0; on stream
     * combine; waits for 46 */
    RT_TRY(rt_combine(rank, 54, 1, 1, 1,
                      &(rt_combine_args){
                          .send_rows = -1,
                          .send_counts = -1,
                          .recv_rows = PREFILL_RETURNED_M1,
                          .recv_counts = PREFILL_RETURNS_M1,
                          .relay_rows = -1,
                      }));
    /* 55 m1 combine: lower_experts.c: experts' results by their weights; waits for 54 */
    RT_TRY(rt_launch(rank, 55, 1, K_WEIGHTED_SUM,
                     &(struct weighted_sum_args){
                         .returned = PREFILL_RETURNED_M1,
                         .back = PREFILL_BACK_M1,
                         .share = PREFILL_SHARE_M1,
                         .base = PREFILL_RESIDUAL_M1,
                         .out = PREFILL_RESIDUAL_M1,
                         .rows = 72,
                     }));
    /* 56 m1 head: lower_head.c: final norm */
    RT_TRY(rt_launch(rank, 56, -1, K_RMS_NORM,
                     &(struct rms_norm_args){
                         .in = PREFILL_RESIDUAL_M1,
                         .weight = FINAL_NORM,
                         .out = PREFILL_NORMED_M1,
                         .rows = 72,
                     }));
    /* 57 m1 head: lower_head.c: logits of the held entries */
    RT_TRY(rt_launch(rank, 57, -1, K_HEAD,
                     &(struct head_args){
                         .in = PREFILL_NORMED_M1,
                         .positions = PREFILL_POSITIONS_M1,
                         .weight = HEAD,
                         .best = PREFILL_BEST_M1,
                         .workspace = WORKSPACE,
                         .first = row->first_m1,
                         .sequences = 3,
                         .tokens = 24,
                         .entry_begin = 0,
                         .entries = 512,
                         .candidates = 1,
                     }));
    /* 58 m1 head: lower_head.c: the next token of each sequence */
    RT_TRY(rt_launch(rank, 58, -1, K_CHOOSE,
                     &(struct choose_args){
                         .best = PREFILL_BEST_M1,
                         .next = PREFILL_NEXT_M1,
                         .members = 1,
                         .first = row->first_m1,
                         .sequences = 3,
                         .candidates = 1,
                     }));
    /* 59 m1 head: lower_head.c: the choice into the request table */
    RT_TRY(rt_finish(rank, 59, -1,
                     &(rt_finish_args){
                         .next = PREFILL_NEXT_M1,
                         .first = row->first_m1,
                         .sequences = 3,
                         .report = 1,
                     }));
    return RT_OK;
}

rt_status attention_decode(rt_rank *rank) {
    const struct attention_row *row = &attention_rows[rt_role_index(rank)];

    /* 60 m0 embed: lower_attention.c: token ids of the micro-batch */
    RT_TRY(rt_begin(rank, 60, -1,
                    &(rt_begin_args){
                        .ids = DECODE_IDS_M0,
                        .positions = DECODE_POSITIONS_M0,
                        .first = row->first,
                        .sequences = 6,
                        .tokens = 1,
                    }));
    /* 61 m0 embed: lower_attention.c: embedding of the held entries */
    RT_TRY(rt_launch(rank, 61, -1, K_EMBED,
                     &(struct embed_args){
                         .ids = DECODE_IDS_M0,
                         .positions = DECODE_POSITIONS_M0,
                         .table = EMBEDDING,
                         .position_table = -1,
                         .out = DECODE_RESIDUAL_M0,
                         .rows = 6,
                         .entry_begin = 0,
                         .entries = 512,
                     }));
    /* 62 m0 attention: lower_attention.c: norm before attention */
    RT_TRY(rt_launch(rank, 62, 0, K_RMS_NORM,
                     &(struct rms_norm_args){
                         .in = DECODE_RESIDUAL_M0,
                         .weight = ATTENTION_NORM(0),
                         .out = DECODE_NORMED_M0,
                         .rows = 6,
                     }));
    /* 63 m0 attention: lower_attention.c: query, key, value of the local heads */
    RT_TRY(rt_launch(rank, 63, 0, K_LINEAR,
                     &(struct linear_args){
                         .in = DECODE_NORMED_M0,
                         .weight = QKV(0),
                         .bias = -1,
                         .out = DECODE_QKV_M0,
                         .workspace = WORKSPACE,
                         .rows = 6,
                         .inputs = 64,
                         .outputs = 128,
                     }));
    /* 64 m0 attention: lower_attention.c: keys and values into the cache */
    RT_TRY(rt_launch(rank, 64, 0, K_ROPE_APPEND,
                     &(struct rope_append_args){
                         .qkv = DECODE_QKV_M0,
                         .positions = DECODE_POSITIONS_M0,
                         .keys = KEYS(0),
                         .values = VALUES(0),
                         .sequences = 6,
                         .tokens = 1,
                         .cache_first = 0,
                         .heads = 8,
                         .kv_heads = 4,
                     }));
    /* 65 m0 attention: lower_attention.c: the local heads */
    RT_TRY(rt_launch(rank, 65, 0, K_ATTENTION,
                     &(struct attention_args){
                         .qkv = DECODE_QKV_M0,
                         .positions = DECODE_POSITIONS_M0,
                         .keys = KEYS(0),
                         .values = VALUES(0),
                         .out = DECODE_MIXED_M0,
                         .workspace = WORKSPACE,
                         .sequences = 6,
                         .tokens = 1,
                         .cache_first = 0,
                         .heads = 8,
                         .kv_heads = 4,
                         .head_begin = 0,
                         .kv_begin = 0,
                         .window = 0,
                     }));
    /* 66 m0 attention: lower_attention.c: output projection of the local heads */
    RT_TRY(rt_launch(rank, 66, 0, K_LINEAR,
                     &(struct linear_args){
                         .in = DECODE_MIXED_M0,
                         .weight = OUTPUT(0),
                         .bias = -1,
                         .out = DECODE_PROJECTED_M0,
                         .workspace = WORKSPACE,
                         .rows = 6,
                         .inputs = 64,
                         .outputs = 64,
                     }));
    /* 67 m0 attention: lower_attention.c: residual */
    RT_TRY(rt_launch(rank, 67, 0, K_ADD,
                     &(struct add_args){
                         .in = DECODE_PROJECTED_M0,
                         .out = DECODE_RESIDUAL_M0,
                         .rows = 6,
                     }));
    /* 68 m0 attention: lower_ffn.c: norm before experts and feed-forwards */
    RT_TRY(rt_launch(rank, 68, 0, K_RMS_NORM,
                     &(struct rms_norm_args){
                         .in = DECODE_RESIDUAL_M0,
                         .weight = FFN_NORM(0),
                         .out = DECODE_FFN_IN_M0,
                         .rows = 6,
                     }));
    /* 69 m0 attention: lower_attention.c: router of the rows routed here */
    RT_TRY(rt_launch(rank, 69, 0, K_ROUTE,
                     &(struct route_args){
                         .in = DECODE_FFN_IN_M0,
                         .weight = ROUTER(0),
                         .correction = -1,
                         .score = -1,
                         .positions = DECODE_POSITIONS_M0,
                         .choice = DECODE_CHOICE_M0,
                         .share = DECODE_SHARE_M0,
                         .workspace = WORKSPACE,
                         .rows = 6,
                     }));
    /* 70 m0 attention: lower_experts.c: rows by the holders of their experts */
    RT_TRY(rt_launch(rank, 70, 0, K_PACK,
                     &(struct pack_args){
                         .in = DECODE_FFN_IN_M0,
                         .choice = DECODE_CHOICE_M0,
                         .send_rows = DECODE_SEND_ROWS_M0,
                         .send_meta = DECODE_SEND_META_M0,
                         .send_counts = DECODE_SEND_COUNTS_M0,
                         .back = DECODE_BACK_M0,
                         .returns = DECODE_RETURNS_M0,
                         .rows = 6,
                         .routes = route_rows[0][0],
                         .exchange = 2,
                     }));
    /* 71 m0 dispatch: lower_experts.c: rows to the holders of their experts; over dispatch_c0;
     * on stream dispatch; waits for 70 */
    RT_TRY(rt_dispatch(rank, 71, 0, 0, 2,
                       &(rt_dispatch_args){
                           .send_rows = DECODE_SEND_ROWS_M0,
                           .send_meta = DECODE_SEND_META_M0,
                           .send_counts = DECODE_SEND_COUNTS_M0,
                           .recv_rows = -1,
                           .recv_meta = -1,
                           .recv_counts = -1,
                           .relay_rows = -1,
                           .relay_meta = -1,
                       }));
    /* 72 m0 combine: lower_experts.c: results back to the owners; over combine_c0; on stream
     * combine; waits for 70 */
    RT_TRY(rt_combine(rank, 72, 0, 1, 2,
                      &(rt_combine_args){
                          .send_rows = -1,
                          .send_counts = -1,
                          .recv_rows = DECODE_RETURNED_M0,
                          .recv_counts = DECODE_RETURNS_M0,
                          .relay_rows = -1,
                      }));
    /* 73 m0 combine: lower_experts.c: experts' results by their weights; waits for 72 */
    RT_TRY(rt_launch(rank, 73, 0, K_WEIGHTED_SUM,
                     &(struct weighted_sum_args){
                         .returned = DECODE_RETURNED_M0,
                         .back = DECODE_BACK_M0,
                         .share = DECODE_SHARE_M0,
                         .base = DECODE_RESIDUAL_M0,
                         .out = DECODE_RESIDUAL_M0,
                         .rows = 6,
                     }));
    /* 74 m0 attention: lower_attention.c: norm before attention */
    RT_TRY(rt_launch(rank, 74, 1, K_RMS_NORM,
                     &(struct rms_norm_args){
                         .in = DECODE_RESIDUAL_M0,
                         .weight = ATTENTION_NORM(1),
                         .out = DECODE_NORMED_M0,
                         .rows = 6,
                     }));
    /* 75 m0 attention: lower_attention.c: query, key, value of the local heads */
    RT_TRY(rt_launch(rank, 75, 1, K_LINEAR,
                     &(struct linear_args){
                         .in = DECODE_NORMED_M0,
                         .weight = QKV(1),
                         .bias = -1,
                         .out = DECODE_QKV_M0,
                         .workspace = WORKSPACE,
                         .rows = 6,
                         .inputs = 64,
                         .outputs = 128,
                     }));
    /* 76 m0 attention: lower_attention.c: keys and values into the cache */
    RT_TRY(rt_launch(rank, 76, 1, K_ROPE_APPEND,
                     &(struct rope_append_args){
                         .qkv = DECODE_QKV_M0,
                         .positions = DECODE_POSITIONS_M0,
                         .keys = KEYS(1),
                         .values = VALUES(1),
                         .sequences = 6,
                         .tokens = 1,
                         .cache_first = 0,
                         .heads = 8,
                         .kv_heads = 4,
                     }));
    /* 77 m0 attention: lower_attention.c: the local heads */
    RT_TRY(rt_launch(rank, 77, 1, K_ATTENTION,
                     &(struct attention_args){
                         .qkv = DECODE_QKV_M0,
                         .positions = DECODE_POSITIONS_M0,
                         .keys = KEYS(1),
                         .values = VALUES(1),
                         .out = DECODE_MIXED_M0,
                         .workspace = WORKSPACE,
                         .sequences = 6,
                         .tokens = 1,
                         .cache_first = 0,
                         .heads = 8,
                         .kv_heads = 4,
                         .head_begin = 0,
                         .kv_begin = 0,
                         .window = 0,
                     }));
    /* 78 m0 attention: lower_attention.c: output projection of the local heads */
    RT_TRY(rt_launch(rank, 78, 1, K_LINEAR,
                     &(struct linear_args){
                         .in = DECODE_MIXED_M0,
                         .weight = OUTPUT(1),
                         .bias = -1,
                         .out = DECODE_PROJECTED_M0,
                         .workspace = WORKSPACE,
                         .rows = 6,
                         .inputs = 64,
                         .outputs = 64,
                     }));
    /* 79 m0 attention: lower_attention.c: residual */
    RT_TRY(rt_launch(rank, 79, 1, K_ADD,
                     &(struct add_args){
                         .in = DECODE_PROJECTED_M0,
                         .out = DECODE_RESIDUAL_M0,
                         .rows = 6,
                     }));
    /* 80 m0 attention: lower_ffn.c: norm before experts and feed-forwards */
    RT_TRY(rt_launch(rank, 80, 1, K_RMS_NORM,
                     &(struct rms_norm_args){
                         .in = DECODE_RESIDUAL_M0,
                         .weight = FFN_NORM(1),
                         .out = DECODE_FFN_IN_M0,
                         .rows = 6,
                     }));
    /* 81 m0 attention: lower_attention.c: router of the rows routed here */
    RT_TRY(rt_launch(rank, 81, 1, K_ROUTE,
                     &(struct route_args){
                         .in = DECODE_FFN_IN_M0,
                         .weight = ROUTER(1),
                         .correction = -1,
                         .score = -1,
                         .positions = DECODE_POSITIONS_M0,
                         .choice = DECODE_CHOICE_M0,
                         .share = DECODE_SHARE_M0,
                         .workspace = WORKSPACE,
                         .rows = 6,
                     }));
    /* 82 m0 attention: lower_experts.c: rows by the holders of their experts; waits for 71 */
    RT_TRY(rt_launch(rank, 82, 1, K_PACK,
                     &(struct pack_args){
                         .in = DECODE_FFN_IN_M0,
                         .choice = DECODE_CHOICE_M0,
                         .send_rows = DECODE_SEND_ROWS_M0,
                         .send_meta = DECODE_SEND_META_M0,
                         .send_counts = DECODE_SEND_COUNTS_M0,
                         .back = DECODE_BACK_M0,
                         .returns = DECODE_RETURNS_M0,
                         .rows = 6,
                         .routes = route_rows[0][1],
                         .exchange = 2,
                     }));
    /* 83 m0 dispatch: lower_experts.c: rows to the holders of their experts; over dispatch_c0;
     * on stream dispatch; waits for 82 */
    RT_TRY(rt_dispatch(rank, 83, 1, 0, 2,
                       &(rt_dispatch_args){
                           .send_rows = DECODE_SEND_ROWS_M0,
                           .send_meta = DECODE_SEND_META_M0,
                           .send_counts = DECODE_SEND_COUNTS_M0,
                           .recv_rows = -1,
                           .recv_meta = -1,
                           .recv_counts = -1,
                           .relay_rows = -1,
                           .relay_meta = -1,
                       }));
    /* 84 m0 combine: lower_experts.c: results back to the owners; over combine_c0; on stream
     * combine; waits for 82 */
    RT_TRY(rt_combine(rank, 84, 1, 1, 2,
                      &(rt_combine_args){
                          .send_rows = -1,
                          .send_counts = -1,
                          .recv_rows = DECODE_RETURNED_M0,
                          .recv_counts = DECODE_RETURNS_M0,
                          .relay_rows = -1,
                      }));
    /* 85 m0 combine: lower_experts.c: experts' results by their weights; waits for 84 */
    RT_TRY(rt_launch(rank, 85, 1, K_WEIGHTED_SUM,
                     &(struct weighted_sum_args){
                         .returned = DECODE_RETURNED_M0,
                         .back = DECODE_BACK_M0,
                         .share = DECODE_SHARE_M0,
                         .base = DECODE_RESIDUAL_M0,
                         .out = DECODE_RESIDUAL_M0,
                         .rows = 6,
                     }));
    /* 86 m0 head: lower_head.c: final norm */
    RT_TRY(rt_launch(rank, 86, -1, K_RMS_NORM,
                     &(struct rms_norm_args){
                         .in = DECODE_RESIDUAL_M0,
                         .weight = FINAL_NORM,
                         .out = DECODE_NORMED_M0,
                         .rows = 6,
                     }));
    /* 87 m0 head: lower_head.c: logits of the held entries */
    RT_TRY(rt_launch(rank, 87, -1, K_HEAD,
                     &(struct head_args){
                         .in = DECODE_NORMED_M0,
                         .positions = DECODE_POSITIONS_M0,
                         .weight = HEAD,
                         .best = DECODE_BEST_M0,
                         .workspace = WORKSPACE,
                         .first = row->first,
                         .sequences = 6,
                         .tokens = 1,
                         .entry_begin = 0,
                         .entries = 512,
                         .candidates = 1,
                     }));
    /* 88 m0 head: lower_head.c: the next token of each sequence */
    RT_TRY(rt_launch(rank, 88, -1, K_CHOOSE,
                     &(struct choose_args){
                         .best = DECODE_BEST_M0,
                         .next = DECODE_NEXT_M0,
                         .members = 1,
                         .first = row->first,
                         .sequences = 6,
                         .candidates = 1,
                     }));
    /* 89 m0 head: lower_head.c: the choice into the request table */
    RT_TRY(rt_finish(rank, 89, -1,
                     &(rt_finish_args){
                         .next = DECODE_NEXT_M0,
                         .first = row->first,
                         .sequences = 6,
                         .report = 1,
                     }));
    return RT_OK;
}
