/* Cache and attention: heads that begin and end inside a group of key-value sharing, sequences of different
 * lengths, prompts and single rows. */
#include "check.h"

#ifdef HAVE_attention

enum { GROUP = HEADS / KV_HEADS, CACHED = 4 };

typedef struct Case {
    int32_t head_begin, heads, sequences, tokens, cache_first;
    int32_t length[3]; /* of each sequence before this step (decode) or in it (prompt) */
    bool decode;
    int32_t window; /* 0: none */
} Case;

static double *state_keys, *state_values; /* [CACHED][CONTEXT][kv][D] as the cache should be */

/* Rotation in double, by definition; the identity for models without it. */
static double rotated(int64_t qkv, int64_t base, int64_t i, int32_t position) {
#ifdef HAVE_rope_append
    return i < ROPE_DIM ? turned(qkv, base, i, ROPE_DIM, position) : element(qkv, base + i);
#else
    (void)position;
    return element(qkv, base + i);
#endif
}

static void expect_cache(const Case *c, int64_t qkv, const int32_t *positions, int64_t kv_heads) {
    int64_t width = (c->heads + 2 * kv_heads) * HEAD_DIM;
    for (int64_t row = 0; row < c->sequences * c->tokens; ++row) {
        if (positions[row] < 0)
            continue;
        int64_t slot = (c->cache_first + row / c->tokens) * CONTEXT + positions[row];
        int64_t key = row * width + c->heads * HEAD_DIM;
        for (int64_t i = 0; i < kv_heads * HEAD_DIM; ++i) {
            state_keys[slot * kv_heads * HEAD_DIM + i] =
                rotated(qkv, key + i / HEAD_DIM * HEAD_DIM, i % HEAD_DIM, positions[row]);
            state_values[slot * kv_heads * HEAD_DIM + i] =
                element(qkv, key + kv_heads * HEAD_DIM + i);
        }
    }
}

static void expect_head(const Case *c, const double *query, int32_t position, int64_t sequence,
                        int64_t kv, int64_t kv_heads, double *out) {
    double weight[CONTEXT], largest = -INFINITY, sum = 0;
    int64_t first = (c->cache_first + sequence) * CONTEXT;
    int64_t seen = c->window && position >= c->window ? position - c->window + 1 : 0;
    for (int64_t t = seen; t <= position; ++t) {
        weight[t] = 0;
        for (int64_t i = 0; i < HEAD_DIM; ++i)
            weight[t] += query[i] * state_keys[((first + t) * kv_heads + kv) * HEAD_DIM + i];
        weight[t] *= SCORE_SCALE / sqrt(HEAD_DIM);
        largest = weight[t] > largest ? weight[t] : largest;
    }
    for (int64_t t = seen; t <= position; ++t)
        sum += weight[t] = exp(weight[t] - largest);
    for (int64_t i = 0; i < HEAD_DIM; ++i) {
        out[i] = 0;
        for (int64_t t = seen; t <= position; ++t)
            out[i] += weight[t] / sum * state_values[((first + t) * kv_heads + kv) * HEAD_DIM + i];
    }
}

static void run_append(const Case *c, int64_t qkv, int64_t positions, int64_t keys, int64_t values,
                       int64_t kv_heads) {
#ifdef HAVE_rope_append
    launch("rope_append", kernel_rope_append,
           &(struct rope_append_args){
               .qkv = qkv,
               .positions = positions,
               .keys = keys,
               .values = values,
               .sequences = c->sequences,
               .tokens = c->tokens,
               .cache_first = c->cache_first,
               .heads = c->heads,
               .kv_heads = (int32_t)kv_heads,
           });
#else
    launch("append", kernel_append,
           &(struct append_args){
               .qkv = qkv,
               .positions = positions,
               .keys = keys,
               .values = values,
               .sequences = c->sequences,
               .tokens = c->tokens,
               .cache_first = c->cache_first,
               .heads = c->heads,
               .kv_heads = (int32_t)kv_heads,
           });
#endif
}

/* What the cache held before: random where the sequence has a past. */
static void fill_cache(int64_t cache, double *state, int64_t count) {
    for (int64_t i = 0; i < count; ++i)
        state[i] = element(cache, i);
}

/* Nobody reads what lies behind the last position of a sequence, or where other sequences lie: no number is there. */
static void forget_unseen(const Case *c, const int32_t *positions, int64_t cache, int64_t width) {
    for (int64_t slot = 0; slot < CACHED; ++slot) {
        int64_t sequence = slot - c->cache_first, seen = 0;
        for (int64_t t = 0; sequence >= 0 && sequence < c->sequences && t < c->tokens; ++t)
            seen = max_of(seen, (int64_t)positions[sequence * c->tokens + t] + 1);
        elem_t *at = (elem_t *)slab_at(cache) + (slot * CONTEXT + seen) * width;
        memset(at, 0xff, (size_t)((CONTEXT - seen) * width) * sizeof *at);
    }
}

static void check_case(const Case *c) {
    int64_t kv_begin = c->head_begin / GROUP;
    int64_t kv_heads = (c->head_begin + c->heads - 1) / GROUP + 1 - kv_begin;
    int64_t rows = (int64_t)c->sequences * c->tokens, width = (c->heads + 2 * kv_heads) * HEAD_DIM;
    int64_t count = (int64_t)CACHED * CONTEXT * kv_heads * HEAD_DIM;
    int32_t *positions = calloc((size_t)rows, sizeof *positions);
    for (int64_t row = 0; row < rows; ++row) {
        int32_t t = (int32_t)(row % c->tokens), length = c->length[row / c->tokens];
        positions[row] = c->decode ? length : t < length ? t : -1;
    }
    slab_reset();
    struct attention_args a = {.qkv = slab_random(rows * width, 2),
                               .positions = slab_ints(positions, rows),
                               .keys = slab_random(count, 1),
                               .values = slab_random(count, 1),
                               .out = slab_random(rows * c->heads * HEAD_DIM, 1),
                               .sequences = c->sequences,
                               .tokens = c->tokens,
                               .cache_first = c->cache_first,
                               .heads = c->heads,
                               .kv_heads = (int32_t)kv_heads,
                               .head_begin = c->head_begin,
                               .kv_begin = (int32_t)kv_begin,
                               .window = c->window};
    a.workspace = slab_workspace(OP_attention, &a);
    state_keys = malloc((size_t)count * sizeof *state_keys);
    state_values = malloc((size_t)count * sizeof *state_values);
    fill_cache(a.keys, state_keys, count);
    fill_cache(a.values, state_values, count);
    expect_cache(c, a.qkv, positions, kv_heads);
    double *expected = calloc((size_t)(rows * c->heads * HEAD_DIM), sizeof *expected);
    for (int64_t row = 0; row < rows; ++row)
        for (int64_t head = 0; positions[row] >= 0 && head < c->heads; ++head) {
            double query[HEAD_DIM];
            for (int64_t i = 0; i < HEAD_DIM; ++i)
                query[i] = rotated(a.qkv, row * width + head * HEAD_DIM, i, positions[row]);
            expect_head(c, query, positions[row], row / c->tokens,
                        (c->head_begin + head) / GROUP - kv_begin, kv_heads,
                        expected + (row * c->heads + head) * HEAD_DIM);
        }
    run_append(c, a.qkv, a.positions, a.keys, a.values, kv_heads);
    check_elements("append keys", a.keys, state_keys, count);
    check_elements("append values", a.values, state_values, count);
    forget_unseen(c, positions, a.keys, kv_heads * HEAD_DIM);
    forget_unseen(c, positions, a.values, kv_heads * HEAD_DIM);
    launch("attention", kernel_attention, &a);
    check_elements("attention", a.out, expected, rows * c->heads * HEAD_DIM);
    free(expected);
    free(state_keys);
    free(state_values);
    free(positions);
}

void check_attention(void) {
    static const Case cases[] = {
        {0, HEADS, 2, 90, 1, {90, 11, 0}, false, 0},
        {0, HEADS, 3, 5, 0, {5, 0, 1}, false, 0},
        {1, HEADS - 2, 2, 9, 2, {3, 9, 0}, false, 0},
        {HEADS - 1, 1, 1, 1, 3, {1, 0, 0}, false, 0},
        {0, HEADS, 3, 1, 1, {0, 159, 7}, true, 0},
        {1, 2, 2, 1, 0, {39, 120, 0}, true, 0},
        {0, HEADS, 2, 90, 1, {90, 11, 0}, false, 7},
        {1, 2, 2, 9, 0, {9, 4, 0}, false, 1},
        {0, HEADS, 3, 1, 1, {0, 159, 7}, true, 32},
        /* Beside the edges of tiles and parts, windows that begin within; a sequence that is masked. */
        {0, HEADS, 3, 66, 0, {65, 64, 63}, false, 0},
        {0, HEADS, 2, 97, 1, {97, 66, 0}, false, 33},
        {0, HEADS, 3, 1, 1, {63, 64, 127}, true, 0},
        {0, HEADS, 3, 1, 0, {-1, 158, 65}, true, 63},
        {2, 1, 2, 33, 1, {33, 32, 0}, false, 31},
        {2, 1, 3, 1, 1, {128, -1, 31}, true, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i)
        check_case(&cases[i]);
}

#else

void check_attention(void) {} /* the model has latent attention: check_latent.c */

#endif
