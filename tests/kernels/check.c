/* check: the slab, what the kernels ask of a runtime, and main. */
#include "check.h"

#include <stdarg.h>

enum { GUARD = 64, BUFFERS = 256 };
static const int64_t SLAB = INT64_C(256) << 20;

static char *slab;
static int64_t used, ends[BUFFERS];
static int buffers;
static uint64_t random_state = 1;

int failures, kernel_failures;
float *logits;
bool logits_wanted;

/* --- slab ------------------------------------------------------------------------------------------------ */

void slab_reset(void) {
    if (!slab)
        slab = aligned_alloc(64, (size_t)SLAB);
    used = 0;
    buffers = 0;
}

int64_t slab_bytes(int64_t bytes) {
    int64_t offset = used;
    if (buffers == BUFFERS || offset + bytes + 2 * GUARD > SLAB) {
        fputs("the test's slab is too small\n", stderr);
        exit(1);
    }
    memset(slab + offset + bytes, 0xa5, GUARD);
    ends[buffers++] = offset + bytes;
    used = (offset + bytes + GUARD + 63) / 64 * 64;
    return offset;
}

void *slab_at(int64_t offset) {
    return slab + offset;
}

int64_t slab_random(int64_t count, double range) {
    int64_t offset = slab_bytes(count * (int64_t)sizeof(elem_t));
    elem_t *to = slab_at(offset);
    for (int64_t i = 0; i < count; ++i)
        to[i] = elem_store((float)random_real(range));
    return offset;
}

int64_t slab_zero(int64_t count) {
    int64_t offset = slab_bytes(count * (int64_t)sizeof(elem_t));
    memset(slab_at(offset), 0, (size_t)count * sizeof(elem_t));
    return offset;
}

int64_t slab_ints(const int32_t *values, int64_t count) {
    int64_t offset = slab_bytes(count * 4);
    if (values)
        memcpy(slab_at(offset), values, (size_t)count * 4);
    else
        memset(slab_at(offset), 0x77, (size_t)count * 4);
    return offset;
}

int64_t slab_workspace(OpKind kind, const void *args) {
    int64_t offset = slab_bytes(check_workspace_bytes(kind, args, sizeof(elem_t) == 4));
    memset(slab + offset, 0xff, (size_t)(ends[buffers - 1] - offset)); /* NaN */
    return offset;
}

double element(int64_t offset, int64_t index) {
    return (double)elem_load(((const elem_t *)slab_at(offset))[index]);
}

void guards_intact(const char *test) {
    for (int b = 0; b < buffers; ++b)
        for (int i = 0; i < GUARD; ++i)
            check((unsigned char)slab[ends[b] + i] == 0xa5, test, "writes past a buffer", b);
}

/* --- random numbers and checks ----------------------------------------------------------------------------- */

uint64_t random_bits(void) {
    return rt_random_bits(42, random_state++);
}

uint64_t random_mark(void) {
    return random_state;
}

void random_return(uint64_t mark) {
    random_state = mark;
}

double random_real(double range) {
    return ((double)(random_bits() >> 11) * 0x1p-53 * 2 - 1) * range;
}

int64_t random_below(int64_t bound) {
    return (int64_t)(random_bits() % (uint64_t)bound);
}

void check(bool holds, const char *test, const char *what, int64_t index) {
    if (!holds && ++failures <= 20)
        fprintf(stderr, "%s: %s (%lld)\n", test, what, (long long)index);
}

static double largest(const double *values, int64_t count) {
    double most = 1e-30;
    for (int64_t i = 0; i < count; ++i)
        most = fabs(values[i]) > most ? fabs(values[i]) : most;
    return most;
}

void check_elements(const char *test, int64_t offset, const double *expected, int64_t count) {
    double limit = TOLERANCE * largest(expected, count);
    for (int64_t i = 0; i < count; ++i)
        check(fabs(element(offset, i) - expected[i]) <= limit, test, "element differs", i);
}

void check_reals(const char *test, const float *actual, const double *expected, int64_t count,
                 double tolerance) {
    double limit = tolerance * largest(expected, count);
    for (int64_t i = 0; i < count; ++i)
        check(fabs((double)actual[i] - expected[i]) <= limit, test, "value differs", i);
}

/* What pair i of `pairs` turns by a position. Wave lengths up to 1 / BETA_FAST of the original positions are left alone,
 * those of 1 / BETA_SLOW and more are stretched by the factor; the pair's index goes linearly between. */
static double frequency(int64_t pair, int64_t size) {
    double plain = pow(ROPE_THETA, -2.0 * (double)pair / (double)size);
#ifdef YARN
    double fast =
        ROPE_ORIGINAL / ROPE_BETA_FAST / (2 * acos(-1)); /* a radian in so many positions */
    double slow = ROPE_ORIGINAL / ROPE_BETA_SLOW / (2 * acos(-1));
    double low = floor(log(fast) / log(ROPE_THETA) * (double)size / 2);
    double high = ceil(log(slow) / log(ROPE_THETA) * (double)size / 2);
    low = low < 0 ? 0 : low;
    high = high > (double)size - 1 ? (double)size - 1 : high;
    double at = ((double)pair - low) / (high - low);
    at = at < 0 ? 0 : at > 1 ? 1 : at;
    return (1 - at) * plain + at * plain / ROPE_FACTOR;
#else
    return plain;
#endif
}

double turned(int64_t buffer, int64_t base, int64_t i, int64_t size, int32_t position) {
#ifdef NEIGHBOURS
    int64_t pair = i / 2, a_at = base + 2 * pair, b_at = a_at + 1;
    bool first = i % 2 == 0;
#else
    int64_t pair = i % (size / 2), a_at = base + pair, b_at = a_at + size / 2;
    bool first = i < size / 2;
#endif
    double angle = position * frequency(pair, size);
    double a = element(buffer, a_at), b = element(buffer, b_at);
    return ROPE_AMPLITUDE *
           (first ? a * cos(angle) - b * sin(angle) : b * cos(angle) + a * sin(angle));
}

void launch(const char *test, rt_kernel_fn kernel, const void *args) {
    check(run_kernel(kernel, args) == RT_OK, test, "the kernel fails", -1);
    guards_intact(test);
}

/* --- the runtime that the kernels see ---------------------------------------------------------------------- */

void *rt_at(const rt_rank *rank, int64_t offset) {
    (void)rank;
    return slab_at(offset);
}

bool rt_wants_logits(const rt_rank *rank) {
    (void)rank;
    return logits_wanted;
}

float *rt_logits_row(rt_rank *rank, int32_t sequence, int32_t position) {
    (void)rank;
    return logits && position >= 0 ? logits + ((int64_t)sequence * PROMPT + position) * VOCABULARY
                                   : NULL;
}

rt_choice choice = {.top_p = 1};
uint64_t choice_seed;

const rt_choice *rt_choice_of(const rt_rank *rank) {
    (void)rank;
    return &choice;
}

uint64_t rt_choice_key(const rt_rank *rank, int32_t sequence) {
    (void)rank;
    return rt_random_bits(choice_seed, (uint64_t)sequence);
}

/* As the runtime has it (runtime/core/choice.c). */
double rt_choice_noise(uint64_t key, int32_t entry) {
    double uniform = ((double)(rt_random_bits(key, (uint64_t)entry) >> 11) + 0.5) * 0x1p-53;
    return -log(-log(uniform));
}

rt_status rt_fail(rt_rank *rank, rt_status status, const char *format, ...) {
    (void)rank;
    (void)format;
    ++kernel_failures;
    return status;
}

int main(int argc, char **argv) {
    target_open(argc > 1 ? argv[1] : NULL);
    target_checks();
    check_rows();
    check_choice();
    check_attention();
    check_heads();
    check_latent();
    check_routing();
    check_experts();
    printf("%s: %d failures\n", target_name(), failures);
    free(slab);
    return failures != 0;
}
