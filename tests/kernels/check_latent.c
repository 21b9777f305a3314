/* Latent attention and feed-forwards of all rows. The expected values are those of the plain form: keys and values of
 * each head are written out, nothing is absorbed, while the kernels are asked for both forms. */
#include "check.h"

#ifdef HAVE_latent_attention

enum {
    CACHED = 3,
    PLAIN = HEAD_DIM - ROPE_DIM,
    WIDE = KV_LATENT + ROPE_DIM,
    MADE = PLAIN + VALUE_DIM
};

typedef struct Case {
    int32_t heads, sequences, tokens, cache_first;
    int32_t length[3]; /* of each sequence before this step (decode) or in it (prompt) */
    bool decode;
} Case;

static double *state; /* [CACHED][CONTEXT][WIDE] as the cache should be */

static void expect_cache(const Case *c, const struct latent_append_args *a,
                         const int32_t *positions) {
    for (int64_t row = 0; row < c->sequences * c->tokens; ++row) {
        double squares = 0;
        if (positions[row] < 0)
            continue;
        double *to = state + ((c->cache_first + row / c->tokens) * CONTEXT + positions[row]) * WIDE;
        for (int64_t i = 0; i < KV_LATENT; ++i)
            squares += pow(element(a->latent, row * WIDE + i), 2);
        for (int64_t i = 0; i < KV_LATENT; ++i)
            to[i] = element(a->latent, row * WIDE + i) /
                    sqrt(squares / KV_LATENT + LATENT_NORM_EPS) * element(a->weight, i);
        for (int64_t i = 0; i < ROPE_DIM; ++i)
            to[KV_LATENT + i] =
                turned(a->latent, row * WIDE + KV_LATENT, i, ROPE_DIM, positions[row]);
    }
}

/* Element i of the key (i < HEAD_DIM), or of the value behind it, of a head at a cached position. */
static double made(const double *entry, int64_t up, int64_t head, int64_t i) {
    double sum = 0;
    if (i >= PLAIN && i < HEAD_DIM)
        return entry[KV_LATENT + i - PLAIN];
    int64_t row = head * MADE + (i < PLAIN ? i : i - ROPE_DIM);
    for (int64_t k = 0; k < KV_LATENT; ++k)
        sum += entry[k] * element(up, row * KV_LATENT + k);
    return sum;
}

/* One row of a head, whose keys and values have been made, [position][HEAD_DIM + VALUE_DIM]. */
static void expect_pair(int64_t queries, int64_t pair, int32_t position, const double *rows,
                        double *out) {
    enum { BOTH = HEAD_DIM + VALUE_DIM };
    double weight[CONTEXT], query[HEAD_DIM], largest = -INFINITY, sum = 0;
    for (int i = 0; i < HEAD_DIM; ++i)
        query[i] = i < PLAIN
                       ? element(queries, pair * HEAD_DIM + i)
                       : turned(queries, pair * HEAD_DIM + PLAIN, i - PLAIN, ROPE_DIM, position);
    for (int64_t t = 0; t <= position; ++t) {
        weight[t] = 0;
        for (int64_t i = 0; i < HEAD_DIM; ++i)
            weight[t] += query[i] * rows[t * BOTH + i] / sqrt(HEAD_DIM) * SCORE_SCALE;
        largest = weight[t] > largest ? weight[t] : largest;
    }
    for (int64_t t = 0; t <= position; ++t)
        sum += weight[t] = exp(weight[t] - largest);
    for (int64_t i = 0; i < VALUE_DIM; ++i) {
        out[i] = 0;
        for (int64_t t = 0; t <= position; ++t)
            out[i] += weight[t] / sum * rows[t * BOTH + HEAD_DIM + i];
    }
}

static void expect_head(const Case *c, int64_t queries, int64_t up, const int32_t *positions,
                        int64_t sequence, int64_t head, double *expected) {
    enum { BOTH = HEAD_DIM + VALUE_DIM };
    static double rows[CONTEXT * BOTH];
    const double *entries = state + (c->cache_first + sequence) * CONTEXT * WIDE;
    int32_t last = -1;
    for (int64_t row = sequence * c->tokens; row < (sequence + 1) * c->tokens; ++row)
        last = positions[row] > last ? positions[row] : last;
    for (int64_t i = 0; i < (last + 1) * (int64_t)BOTH; ++i)
        rows[i] = made(entries + i / BOTH * WIDE, up, head, i % BOTH);
    for (int64_t row = sequence * c->tokens; row < (sequence + 1) * c->tokens; ++row)
        if (positions[row] >= 0)
            expect_pair(queries, row * c->heads + head, positions[row], rows,
                        expected + (row * c->heads + head) * VALUE_DIM);
}

/* Nobody reads what lies behind the last position of a sequence, or where other sequences lie: no number is there. */
static void forget_unseen(const Case *c, const int32_t *positions, int64_t latents) {
    for (int64_t slot = 0; slot < CACHED; ++slot) {
        int64_t sequence = slot - c->cache_first, seen = 0;
        for (int64_t t = 0; sequence >= 0 && sequence < c->sequences && t < c->tokens; ++t)
            seen = max_of(seen, (int64_t)positions[sequence * c->tokens + t] + 1);
        elem_t *at = (elem_t *)slab_at(latents) + (slot * CONTEXT + seen) * WIDE;
        memset(at, 0xff, (size_t)((CONTEXT - seen) * WIDE) * sizeof *at);
    }
}

static void check_case(const Case *c, bool expanded) {
    int64_t rows = (int64_t)c->sequences * c->tokens, pairs = rows * c->heads;
    int64_t count = (int64_t)CACHED * CONTEXT * WIDE;
    int32_t *positions = calloc((size_t)rows, sizeof *positions);
    for (int64_t row = 0; row < rows; ++row) {
        int32_t t = (int32_t)(row % c->tokens), length = c->length[row / c->tokens];
        positions[row] = c->decode ? length : t < length ? t : -1;
    }
    slab_reset();
    struct latent_append_args append = {.queries = slab_random(pairs * HEAD_DIM, 2),
                                        .latent = slab_random(rows * WIDE, 1),
                                        .weight = slab_random(KV_LATENT, 2),
                                        .positions = slab_ints(positions, rows),
                                        .latents = slab_random(count, 1),
                                        .sequences = c->sequences,
                                        .tokens = c->tokens,
                                        .cache_first = c->cache_first,
                                        .heads = c->heads};
    struct latent_attention_args a = {.queries = append.queries,
                                      .positions = append.positions,
                                      .latents = append.latents,
                                      .latent_up = slab_random(c->heads * MADE * KV_LATENT, 0.5),
                                      .out = slab_random(pairs * VALUE_DIM, 1),
                                      .sequences = c->sequences,
                                      .tokens = c->tokens,
                                      .cache_first = c->cache_first,
                                      .heads = c->heads,
                                      .expanded = expanded};
    a.workspace = slab_workspace(OP_latent_attention, &a);
    state = malloc((size_t)count * sizeof *state);
    for (int64_t i = 0; i < count; ++i)
        state[i] = element(append.latents, i);
    expect_cache(c, &append, positions);
    double *expected = calloc((size_t)(pairs * VALUE_DIM), sizeof *expected);
    for (int64_t sequence = 0; sequence < c->sequences; ++sequence)
        for (int64_t head = 0; head < c->heads; ++head)
            expect_head(c, a.queries, a.latent_up, positions, sequence, head, expected);
    launch("latent_append", kernel_latent_append, &append);
    check_elements("latents", append.latents, state, count);
    forget_unseen(c, positions, a.latents);
    launch("latent_attention", kernel_latent_attention, &a);
    check_elements(expanded ? "latent_attention, expanded" : "latent_attention, absorbed", a.out,
                   expected, pairs * VALUE_DIM);
    free(expected);
    free(state);
    free(positions);
}

#endif

#ifdef HAVE_latent_norm

static void check_norm(void) {
    enum { ROWS = 5, WIDTH = 21 };
    double expected[ROWS * WIDTH];
    slab_reset();
    struct latent_norm_args a = {.latent = slab_random(ROWS * WIDTH, 3),
                                 .weight = slab_random(WIDTH, 2),
                                 .rows = ROWS,
                                 .width = WIDTH};
    for (int64_t i = 0; i < ROWS * WIDTH; ++i) {
        double squares = 0;
        for (int64_t k = 0; k < WIDTH; ++k)
            squares += pow(element(a.latent, i / WIDTH * WIDTH + k), 2);
        expected[i] = element(a.latent, i) / sqrt(squares / WIDTH + LATENT_NORM_EPS) *
                      element(a.weight, i % WIDTH);
    }
    launch("latent_norm", kernel_latent_norm, &a);
    check_elements("latent_norm", a.latent, expected, ROWS * WIDTH);
}

#endif

#ifdef HAVE_dense_ffn

static double activation(double x) {
    if (ACTIVATION == 0)
        return x / (1 + exp(-x));
    if (ACTIVATION == 1)
        return 0.5 * x * (1 + erf(x / sqrt(2)));
    return 0.5 * x * (1 + tanh(sqrt(2 / 3.14159265358979323846) * (x + 0.044715 * x * x * x)));
}

static double product(int64_t in, int64_t row, int64_t weight, int64_t bias, int64_t output) {
    double sum = bias < 0 ? 0 : element(bias, output);
    for (int64_t i = 0; i < HIDDEN; ++i)
        sum += element(in, row * HIDDEN + i) * element(weight, output * HIDDEN + i);
    return sum;
}

static void check_ffn(int32_t rows, int32_t columns, bool biases, bool scored) {
    int64_t count = (int64_t)rows * HIDDEN, matrix = (int64_t)columns * HIDDEN;
    double *expected = calloc((size_t)count, sizeof *expected);
    double *middle = calloc((size_t)columns, sizeof *middle);
    slab_reset();
    struct dense_ffn_args a = {.in = slab_random(count, 1),
                               .gate = GATED ? slab_random(matrix, 0.5) : -1,
                               .gate_bias = GATED && biases ? slab_random(columns, 0.5) : -1,
                               .up = slab_random(matrix, 0.5),
                               .up_bias = biases ? slab_random(columns, 0.5) : -1,
                               .down = slab_random(matrix, 0.5),
                               .down_bias = biases ? slab_random(HIDDEN, 0.5) : -1,
                               .score = scored ? slab_random(HIDDEN, 0.5) : -1,
                               .out = slab_random(count, 1),
                               .rows = rows,
                               .columns = columns};
    a.workspace = slab_workspace(OP_dense_ffn, &a);
    for (int64_t row = 0; row < rows; ++row) {
        double scale = scored ? 1 / (1 + exp(-product(a.in, row, a.score, -1, 0))) : 1;
        for (int64_t i = 0; i < columns; ++i) {
            double value = product(a.in, row, a.up, a.up_bias, i);
            middle[i] = GATED ? value * activation(product(a.in, row, a.gate, a.gate_bias, i))
                              : activation(value);
        }
        for (int64_t h = 0; h < HIDDEN; ++h) {
            double sum = a.down_bias < 0 ? 0 : element(a.down_bias, h);
            for (int64_t i = 0; i < columns; ++i)
                sum += middle[i] * element(a.down, h * columns + i);
            expected[row * HIDDEN + h] = scale * sum;
        }
    }
    launch("dense_ffn", kernel_dense_ffn, &a);
    check_elements("dense_ffn", a.out, expected, count);
    free(expected);
    free(middle);
}

#endif

void check_latent(void) {
#ifdef HAVE_latent_attention
    static const Case cases[] = {
        {HEADS, 2, 90, 1, {90, 11, 0}, false},
        {HEADS, 3, 5, 0, {5, 0, 1}, false},
        {HEADS - 2, 2, 9, 1, {3, 9, 0}, false},
        {1, 1, 1, 2, {1, 0, 0}, false},
        {HEADS, 3, 1, 0, {0, 159, 7}, true},
        {2, 2, 1, 0, {39, 120, 0}, true},
        /* Beside the edges of tiles and parts; a sequence that is masked. */
        {HEADS, 3, 66, 0, {65, 64, 63}, false},
        {HEADS, 3, 1, 0, {63, -1, 64}, true},
        {3, 2, 33, 1, {33, 32, 0}, false},
        {1, 3, 1, 0, {127, 128, 1}, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        check_case(&cases[i], false);
        check_case(&cases[i], true);
    }
#endif
#ifdef HAVE_latent_norm
    check_norm();
#endif
#ifdef HAVE_dense_ffn
    check_ffn(1, 17, true, false);
    check_ffn(3, 40, false, true);
    check_ffn(TILE_LINEAR + 5, 33, true, true);
    check_ffn(TILE_DENSE + 5, 7, true, true);
#endif
}
