/* What happens to queries, keys and values between their projection and their rotation: norms and a clip. */
#include "check.h"

#if defined(HAVE_head_norm) || defined(HAVE_norm_scale) || defined(HAVE_clip)

enum { ROWS = 5, LOCAL = HEADS > 2 ? 3 : 1, LOCAL_KV = KV_HEADS > 1 ? 2 : 1 };
enum { QUERIES = LOCAL * HEAD_DIM, KEYS = LOCAL_KV * HEAD_DIM, WIDTH = QUERIES + 2 * KEYS };

static double squares(int64_t qkv, int64_t begin, int64_t count) {
    double sum = 0;
    for (int64_t i = 0; i < count; ++i)
        sum += pow(element(qkv, begin + i), 2);
    return sum;
}

#endif

#ifdef HAVE_head_norm
static void check_head_norm(void) {
    static double expected[ROWS * WIDTH];
    slab_reset();
    struct head_norm_args a = {.qkv = slab_random(ROWS * WIDTH, 3),
                               .query_weight = slab_random(HEAD_DIM, 2),
                               .key_weight = slab_random(HEAD_DIM, 2),
                               .rows = ROWS,
                               .heads = LOCAL,
                               .kv_heads = LOCAL_KV};
    for (int64_t at = 0; at < ROWS * WIDTH; ++at) {
        int64_t i = at % WIDTH, begin = at / HEAD_DIM * HEAD_DIM;
        double weight = element(i < QUERIES ? a.query_weight : a.key_weight, at % HEAD_DIM);
        double mean = squares(a.qkv, begin, HEAD_DIM) / HEAD_DIM;
        expected[at] = element(a.qkv, at);
        if (i < QUERIES + KEYS)
            expected[at] *= weight / sqrt(mean + NORM_EPS);
    }
    launch("head_norm", kernel_head_norm, &a);
    check_elements("head_norm", a.qkv, expected, ROWS * WIDTH);
}
#endif

#ifdef HAVE_norm_scale
/* Squares of this rank's part, and elements scaled by sums that others have added to. */
static void check_full_norm(void) {
    static double expected[ROWS * WIDTH], sums[2 * ROWS];
    slab_reset();
    int64_t qkv = slab_random(ROWS * WIDTH, 3), out = slab_bytes(ROWS * 2 * 4);
    struct norm_squares_args s = {.qkv = qkv,
                                  .out = out,
                                  .rows = ROWS,
                                  .heads = LOCAL,
                                  .kv_heads = LOCAL_KV,
                                  .key_first = LOCAL_KV - 1,
                                  .key_count = 1};
    struct norm_scale_args a = {.qkv = qkv,
                                .squares = out,
                                .query_weight = slab_random(QUERIES, 2),
                                .key_weight = slab_random(KEYS, 2),
                                .rows = ROWS,
                                .heads = LOCAL,
                                .kv_heads = LOCAL_KV};
    for (int64_t row = 0; row < ROWS; ++row) {
        sums[2 * row] = squares(qkv, row * WIDTH, QUERIES);
        sums[2 * row + 1] =
            squares(qkv, row * WIDTH + QUERIES + (LOCAL_KV - 1) * HEAD_DIM, HEAD_DIM);
    }
    launch("norm_squares", kernel_norm_squares, &s);
    check_reals("norm_squares", slab_at(out), sums, 2 * ROWS, 1e-6);
    for (int64_t i = 0; i < 2 * ROWS; ++i)
        ((float *)slab_at(out))[i] = (float)(sums[i] += 1.5 + (double)i);
    for (int64_t at = 0; at < ROWS * WIDTH; ++at) {
        int64_t i = at % WIDTH, row = at / WIDTH;
        bool query = i < QUERIES;
        double mean = sums[2 * row + !query] / ((query ? HEADS : KV_HEADS) * HEAD_DIM);
        expected[at] = element(qkv, at);
        if (i < QUERIES + KEYS)
            expected[at] *=
                (query ? element(a.query_weight, i) : element(a.key_weight, i - QUERIES)) /
                sqrt(mean + NORM_EPS);
    }
    launch("norm_scale", kernel_norm_scale, &a);
    check_elements("norm_scale", qkv, expected, ROWS * WIDTH);
}
#endif

#ifdef HAVE_clip
static void check_clip(void) {
    static double expected[ROWS * WIDTH];
    slab_reset();
    struct clip_args a = {.qkv = slab_random(ROWS * WIDTH, 2 * QKV_CLIP),
                          .rows = ROWS,
                          .heads = LOCAL,
                          .kv_heads = LOCAL_KV};
    for (int64_t at = 0; at < ROWS * WIDTH; ++at)
        expected[at] = fmax(fmin(element(a.qkv, at), QKV_CLIP), -QKV_CLIP);
    launch("clip", kernel_clip, &a);
    check_elements("clip", a.qkv, expected, ROWS * WIDTH);
}
#endif

void check_heads(void) {
#ifdef HAVE_head_norm
    check_head_norm();
#endif
#ifdef HAVE_norm_scale
    check_full_norm();
#endif
#ifdef HAVE_clip
    check_clip();
#endif
}
