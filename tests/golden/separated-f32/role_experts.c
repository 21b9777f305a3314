/* Role experts of program separated-f32, ranks 2-3. Made by gen from plan.json: do not edit.
 * Each statement is an operation of the schedule, in program order; its number is the
 * operation's id in failures, traces and schedule.json. */
#include "ops.h"
#include "program.h"

/* clang-format off */

/* Buffers: bytes from the begin of the slab; shapes are those of rank 2. */
#define EXPERT_GATE(layer)     (INT64_C(0) + (layer) * INT64_C(131072))      /* f32 [512][64], weight, by layer */
#define EXPERT_UP(layer)       (INT64_C(262144) + (layer) * INT64_C(131072)) /* f32 [512][64], weight, by layer */
#define EXPERT_DOWN(layer)     (INT64_C(524288) + (layer) * INT64_C(131072)) /* f32 [256][128], weight, by layer */
#define PREFILL_RECV_ROWS_M0   INT64_C(1198592)                              /* f32 [144][64], window */
#define PREFILL_RECV_META_M0   INT64_C(1272320)                              /* i32 [144][2], window */
#define PREFILL_RECV_COUNTS_M0 INT64_C(1274880)                              /* i32 [2][1], window */
#define PREFILL_OUT_M0         INT64_C(1051136)                              /* f32 [288][64], window */
#define PREFILL_OUT_COUNTS_M0  INT64_C(1275136)                              /* i32 [2][1], window */
#define WORKSPACE              INT64_C(786432)                               /* scratch, workspace */
#define PREFILL_RECV_ROWS_M1   INT64_C(1235456)                              /* f32 [144][64], window */
#define PREFILL_RECV_META_M1   INT64_C(1273600)                              /* i32 [144][2], window */
#define PREFILL_RECV_COUNTS_M1 INT64_C(1275392)                              /* i32 [2][1], window */
#define PREFILL_OUT_M1         INT64_C(1124864)                              /* f32 [288][64], window */
#define PREFILL_OUT_COUNTS_M1  INT64_C(1275648)                              /* i32 [2][1], window */
#define DECODE_RECV_ROWS_M0    INT64_C(1057280)                              /* f32 [12][64], window */
#define DECODE_RECV_META_M0    INT64_C(1060352)                              /* i32 [12][2], window */
#define DECODE_RECV_COUNTS_M0  INT64_C(1060608)                              /* i32 [2][1], window */
#define DECODE_OUT_M0          INT64_C(1051136)                              /* f32 [24][64], window */
#define DECODE_OUT_COUNTS_M0   INT64_C(1060864)                              /* i32 [2][1], window */

/* clang-format on */

rt_status experts_prefill(rt_rank *rank) {
    /* 0 m0 dispatch: lower_experts.c: rows to the holders of their experts; over dispatch_c0; on
     * stream dispatch */
    RT_TRY(rt_dispatch(rank, 0, 0, 0, 0,
                       &(rt_dispatch_args){
                           .send_rows = -1,
                           .send_meta = -1,
                           .send_counts = -1,
                           .recv_rows = PREFILL_RECV_ROWS_M0,
                           .recv_meta = PREFILL_RECV_META_M0,
                           .recv_counts = PREFILL_RECV_COUNTS_M0,
                           .relay_rows = -1,
                           .relay_meta = -1,
                       }));
    /* 1 m0 experts: lower_experts.c: the local experts; waits for 0 */
    RT_TRY(rt_launch(rank, 1, 0, K_EXPERT_FFN,
                     &(struct expert_ffn_args){
                         .in = PREFILL_RECV_ROWS_M0,
                         .meta = PREFILL_RECV_META_M0,
                         .counts = PREFILL_RECV_COUNTS_M0,
                         .gate = EXPERT_GATE(0),
                         .gate_bias = -1,
                         .up = EXPERT_UP(0),
                         .up_bias = -1,
                         .down = EXPERT_DOWN(0),
                         .down_bias = -1,
                         .out = PREFILL_OUT_M0,
                         .out_counts = PREFILL_OUT_COUNTS_M0,
                         .workspace = WORKSPACE,
                         .first = 0,
                         .slots = 4,
                         .held = 4,
                         .columns = 128,
                         .bound = 144,
                         .exchange = 0,
                     }));
    /* 2 m1 dispatch: lower_experts.c: rows to the holders of their experts; over dispatch_c0; on
     * stream dispatch */
    RT_TRY(rt_dispatch(rank, 2, 0, 0, 1,
                       &(rt_dispatch_args){
                           .send_rows = -1,
                           .send_meta = -1,
                           .send_counts = -1,
                           .recv_rows = PREFILL_RECV_ROWS_M1,
                           .recv_meta = PREFILL_RECV_META_M1,
                           .recv_counts = PREFILL_RECV_COUNTS_M1,
                           .relay_rows = -1,
                           .relay_meta = -1,
                       }));
    /* 3 m0 combine: lower_experts.c: results back to the owners; over combine_c0; on stream
     * combine; waits for 1 */
    RT_TRY(rt_combine(rank, 3, 0, 1, 0,
                      &(rt_combine_args){
                          .send_rows = PREFILL_OUT_M0,
                          .send_counts = PREFILL_OUT_COUNTS_M0,
                          .recv_rows = -1,
                          .recv_counts = -1,
                          .relay_rows = -1,
                      }));
    /* 4 m1 experts: lower_experts.c: the local experts; waits for 2 */
    RT_TRY(rt_launch(rank, 4, 0, K_EXPERT_FFN,
                     &(struct expert_ffn_args){
                         .in = PREFILL_RECV_ROWS_M1,
                         .meta = PREFILL_RECV_META_M1,
                         .counts = PREFILL_RECV_COUNTS_M1,
                         .gate = EXPERT_GATE(0),
                         .gate_bias = -1,
                         .up = EXPERT_UP(0),
                         .up_bias = -1,
                         .down = EXPERT_DOWN(0),
                         .down_bias = -1,
                         .out = PREFILL_OUT_M1,
                         .out_counts = PREFILL_OUT_COUNTS_M1,
                         .workspace = WORKSPACE,
                         .first = 0,
                         .slots = 4,
                         .held = 4,
                         .columns = 128,
                         .bound = 144,
                         .exchange = 1,
                     }));
    /* 5 m0 dispatch: lower_experts.c: rows to the holders of their experts; over dispatch_c0; on
     * stream dispatch; waits for 1 */
    RT_TRY(rt_dispatch(rank, 5, 1, 0, 0,
                       &(rt_dispatch_args){
                           .send_rows = -1,
                           .send_meta = -1,
                           .send_counts = -1,
                           .recv_rows = PREFILL_RECV_ROWS_M0,
                           .recv_meta = PREFILL_RECV_META_M0,
                           .recv_counts = PREFILL_RECV_COUNTS_M0,
                           .relay_rows = -1,
                           .relay_meta = -1,
                       }));
    /* 6 m1 combine: lower_experts.c: results back to the owners; over combine_c0; on stream
     * combine; waits for 4 */
    RT_TRY(rt_combine(rank, 6, 0, 1, 1,
                      &(rt_combine_args){
                          .send_rows = PREFILL_OUT_M1,
                          .send_counts = PREFILL_OUT_COUNTS_M1,
                          .recv_rows = -1,
                          .recv_counts = -1,
                          .relay_rows = -1,
                      }));
    /* 7 m0 experts: lower_experts.c: the local experts; waits for 5 3 */
    RT_TRY(rt_launch(rank, 7, 1, K_EXPERT_FFN,
                     &(struct expert_ffn_args){
                         .in = PREFILL_RECV_ROWS_M0,
                         .meta = PREFILL_RECV_META_M0,
                         .counts = PREFILL_RECV_COUNTS_M0,
                         .gate = EXPERT_GATE(1),
                         .gate_bias = -1,
                         .up = EXPERT_UP(1),
                         .up_bias = -1,
                         .down = EXPERT_DOWN(1),
                         .down_bias = -1,
                         .out = PREFILL_OUT_M0,
                         .out_counts = PREFILL_OUT_COUNTS_M0,
                         .workspace = WORKSPACE,
                         .first = 0,
                         .slots = 4,
                         .held = 4,
                         .columns = 128,
                         .bound = 144,
                         .exchange = 0,
                     }));
    /* 8 m1 dispatch: lower_experts.c: rows to the holders of their experts; over dispatch_c0; on
     * stream dispatch; waits for 4 */
    RT_TRY(rt_dispatch(rank, 8, 1, 0, 1,
                       &(rt_dispatch_args){
                           .send_rows = -1,
                           .send_meta = -1,
                           .send_counts = -1,
                           .recv_rows = PREFILL_RECV_ROWS_M1,
                           .recv_meta = PREFILL_RECV_META_M1,
                           .recv_counts = PREFILL_RECV_COUNTS_M1,
                           .relay_rows = -1,
                           .relay_meta = -1,
                       }));
    /* 9 m0 combine: lower_experts.c: results back to the owners; over combine_c0; on stream
     * combine; waits for 7 */
    RT_TRY(rt_combine(rank, 9, 1, 1, 0,
                      &(rt_combine_args){
                          .send_rows = PREFILL_OUT_M0,
                          .send_counts = PREFILL_OUT_COUNTS_M0,
                          .recv_rows = -1,
                          .recv_counts = -1,
                          .relay_rows = -1,
                      }));
    /* 10 m1 experts: lower_experts.c: the local experts; waits for 8 6 */
    RT_TRY(rt_launch(rank, 10, 1, K_EXPERT_FFN,
                     &(struct expert_ffn_args){
                         .in = PREFILL_RECV_ROWS_M1,
                         .meta = PREFILL_RECV_META_M1,
                         .counts = PREFILL_RECV_COUNTS_M1,
                         .gate = EXPERT_GATE(1),
                         .gate_bias = -1,
                         .up = EXPERT_UP(1),
                         .up_bias = -1,
                         .down = EXPERT_DOWN(1),
                         .down_bias = -1,
                         .out = PREFILL_OUT_M1,
                         .out_counts = PREFILL_OUT_COUNTS_M1,
                         .workspace = WORKSPACE,
                         .first = 0,
                         .slots = 4,
                         .held = 4,
                         .columns = 128,
                         .bound = 144,
                         .exchange = 1,
                     }));
    /* 11 m1 combine: lower_experts.c: results back to the owners; over combine_c0; on stream
     * combine; waits for 10 */
    RT_TRY(rt_combine(rank, 11, 1, 1, 1,
                      &(rt_combine_args){
                          .send_rows = PREFILL_OUT_M1,
                          .send_counts = PREFILL_OUT_COUNTS_M1,
                          .recv_rows = -1,
                          .recv_counts = -1,
                          .relay_rows = -1,
                      }));
    return RT_OK;
}

rt_status experts_decode(rt_rank *rank) {
    for (int layer = 0; layer < 2; ++layer) {
        /* 12 m0 dispatch: lower_experts.c: rows to the holders of their experts; over
         * dispatch_c0; on stream dispatch; waits for 13 */
        RT_TRY(rt_dispatch(rank, 12, layer, 0, 2,
                           &(rt_dispatch_args){
                               .send_rows = -1,
                               .send_meta = -1,
                               .send_counts = -1,
                               .recv_rows = DECODE_RECV_ROWS_M0,
                               .recv_meta = DECODE_RECV_META_M0,
                               .recv_counts = DECODE_RECV_COUNTS_M0,
                               .relay_rows = -1,
                               .relay_meta = -1,
                           }));
        /* 13 m0 experts: lower_experts.c: the local experts; waits for 12 14 */
        RT_TRY(rt_launch(rank, 13, layer, K_EXPERT_FFN,
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
                             .slots = 4,
                             .held = 4,
                             .columns = 128,
                             .bound = 12,
                             .exchange = 2,
                         }));
        /* 14 m0 combine: lower_experts.c: results back to the owners; over combine_c0; on stream
         * combine; waits for 13 */
        RT_TRY(rt_combine(rank, 14, layer, 1, 2,
                          &(rt_combine_args){
                              .send_rows = DECODE_OUT_M0,
                              .send_counts = DECODE_OUT_COUNTS_M0,
                              .recv_rows = -1,
                              .recv_counts = -1,
                              .relay_rows = -1,
                          }));
    }
    return RT_OK;
}
