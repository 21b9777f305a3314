/* Which pages of a rank's slab are its own once its weights are to be loaded: those with weights alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "host/pages.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE = 4096, SLAB = 3 * PAGE, TOTAL = 24 << 20, ROWS = 1024, COLUMNS = 1024, LAYERS = 2 };

/* A slab at SLAB of a segment: 2 layers of 1024 x 1024 float32 and, right behind, a tensor of the same size in bf16; then
 * what is no weight; then a weight that is too small for pages of its own. */
enum {
    FIRST = 100,
    MATRIX = ROWS * COLUMNS * 4,
    BEHIND = FIRST + LAYERS * MATRIX,
    OTHER = BEHIND + MATRIX / 2
};
static const rt_weight weights[] = {
    {.name = "small",
     .layer_begin = -1,
     .layer_end = -1,
     .row_end = 8,
     .column_end = 64,
     .offset = 16 << 20,
     .pitch = 64,
     .type = RT_F32},
    {.name = "behind",
     .layer_begin = -1,
     .layer_end = -1,
     .row_end = ROWS,
     .column_end = COLUMNS,
     .offset = BEHIND,
     .pitch = COLUMNS,
     .type = RT_BF16},
    {.name = "layers",
     .layer_begin = 3,
     .layer_end = 3 + LAYERS,
     .row_end = ROWS,
     .column_end = COLUMNS,
     .offset = FIRST,
     .layer_stride = MATRIX,
     .pitch = COLUMNS,
     .type = RT_F32},
    {.name = "none",
     .layer_begin = -1,
     .layer_end = -1,
     .column_end = COLUMNS,
     .pitch = COLUMNS,
     .type = RT_F32},
};

typedef struct Pages {
    int fd;
    char *ours, *theirs; /* the segment as this rank and as another process sees it */
} Pages;

static Pages pages_own(rt_transport transport) {
    Pages p = {.fd = memfd_create("test_rt_pages", MFD_CLOEXEC)};
    assert_int_equal(ftruncate(p.fd, TOTAL), 0);
    p.ours = mmap(NULL, TOTAL, PROT_READ | PROT_WRITE, MAP_SHARED, p.fd, 0);
    p.theirs = mmap(NULL, TOTAL, PROT_READ | PROT_WRITE, MAP_SHARED, p.fd, 0);
    assert_true(p.ours != MAP_FAILED && p.theirs != MAP_FAILED);
    memset(p.ours, 7, TOTAL);
    const rt_place place = {.weights = weights, .weight_count = sizeof weights / sizeof *weights};
    const rt_options options = {.transport = transport};
    const rt_job job = {.options = &options};
    rt_segment segment = {.base = p.ours, .total = TOTAL};
    rt_rank rank = {.job = &job, .segment = &segment, .place = &place, .slab = p.ours + SLAB};
    assert_int_equal(rt_pages_own(&rank), RT_OK);
    return p;
}

static void pages_close(Pages *p) {
    munmap(p->ours, TOTAL);
    munmap(p->theirs, TOTAL);
    close(p->fd);
}

/* Whether others see what is written there. */
static int shared(Pages *p, int64_t at) {
    p->ours[at] = 9;
    return p->theirs[at] == 9;
}

static void test_own(void **state) {
    (void)state;
    Pages p = pages_own(RT_TRANSPORT_SHM);
    int64_t begin = SLAB + PAGE,
            end = (SLAB + OTHER) / PAGE * PAGE; /* FIRST shares its page with what is before */
    for (int64_t at = 0; at < TOTAL; at += PAGE) {
        int own = at >= begin && at < end;
        assert_int_equal(p.ours[at + 5], own ? 0 : 7);
        assert_int_equal(shared(&p, at), !own);
        assert_int_equal(shared(&p, at + PAGE - 1), !own);
    }
    pages_close(&p);
}

/* Ranks that are threads have all memory for themselves already. */
static void test_threads(void **state) {
    (void)state;
    Pages p = pages_own(RT_TRANSPORT_THREADS);
    for (int64_t at = 0; at < TOTAL; at += PAGE)
        assert_true(shared(&p, at) && p.ours[at + 5] == 7);
    pages_close(&p);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_own), cmocka_unit_test(test_threads)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
