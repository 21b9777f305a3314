/* check_values: the kinds of values that operations read and make, and the rules of those kinds of operations whose values
 * depend on nothing but the argument. For check_flow, which tells the others apart. Constant data. */
#pragma once

#include "schedule/ops.h"

#define VALUES(V)                                                                                  \
    V(NOTHING, "nothing")                                                                          \
    V(IDS, "token ids")                                                                            \
    V(POSITIONS, "positions")                                                                      \
    V(RESIDUAL, "the residual")                                                                    \
    V(ATTENTION_IN, "rows normed for attention")                                                   \
    V(FFN_IN, "rows normed for experts and feed-forwards")                                         \
    V(HEAD_IN, "rows normed for the head")                                                         \
    V(QUERY_LATENT, "latents of queries")                                                          \
    V(QUERY_LATENT_NORMED, "normed latents of queries")                                            \
    V(QUERIES, "queries")                                                                          \
    V(QUERIES_ROTATED, "rotated queries")                                                          \
    V(QKV, "queries, keys and values")                                                             \
    V(QKV_NORMED, "normed queries and keys, and values")                                           \
    V(QKV_CLIPPED, "queries, keys and values within their limits")                                 \
    V(SQUARES, "sums of squares of queries and keys")                                              \
    V(QKV_APPENDED, "queries, keys and values that are in the cache")                              \
    V(LATENT, "latents of keys and values")                                                        \
    V(MIXED, "the result of attention")                                                            \
    V(PROJECTED, "the output projection")                                                          \
    V(CHOICE, "chosen experts")                                                                    \
    V(CHOICE_CAPPED, "chosen experts within capacity")                                             \
    V(SHARE, "weights of the choices")                                                             \
    V(SEND_ROWS, "packed rows")                                                                    \
    V(SEND_META, "slots of packed rows")                                                           \
    V(SEND_COUNTS, "counts of packed rows")                                                        \
    V(BACK, "where results come back")                                                             \
    V(RETURNS, "counts of what comes back")                                                        \
    V(RECV_ROWS, "rows of others")                                                                 \
    V(RECV_META, "slots of rows of others")                                                        \
    V(RECV_COUNTS, "counts of rows of others")                                                     \
    V(RESULTS, "results of experts")                                                               \
    V(RESULT_COUNTS, "counts of results")                                                          \
    V(RETURNED, "results that came back")                                                          \
    V(DENSE_OUT, "the dense feed-forward")                                                         \
    V(SHARED_OUT, "the feed-forward beside the experts")                                           \
    V(EXPERTS_OUT, "the sum over experts")                                                         \
    V(BEST, "best entries")                                                                        \
    V(NEXT, "chosen tokens")                                                                       \
    V(KEYS, "cached keys")                                                                         \
    V(CACHED_VALUES, "cached values")                                                              \
    V(LATENTS, "cached latents")

typedef enum FlowKind {
#define V(id, text) FLOW_##id,
    VALUES(V)
#undef V
        FLOW_KINDS,
} FlowKind;

/* What an argument must hold before, and holds after: FlowKind by kind and argument; NOTHING: whatever, unchanged. */
typedef struct FlowTable {
    int before[OP_KINDS][OP_ARGS], after[OP_KINDS][OP_ARGS];
} FlowTable;

void check_values_fill(FlowTable *table);
/* What a kind is called in messages. */
const char *check_values_name(int kind);
