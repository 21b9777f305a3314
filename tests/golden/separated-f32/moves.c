/* Moves of program separated-f32: who sends what to whom. Made by gen: do not edit. */
#include "program.h"

/* clang-format off */

/* name, members, their ranks, pieces, pieces [begin, end) that each member owns, transfers of a stage:
 * {from, to, pieces [begin, end), sum} */
const rt_channel channels[] = {
    {"dispatch_c0", 4, (const int32_t[]){0, 1, 2, 3}, 0, NULL, 0, NULL}, /* 0 */
    {"combine_c0", 4, (const int32_t[]){0, 1, 2, 3}, 0, NULL, 0, NULL}, /* 1 */
};

const rt_exchange exchanges[] = {
    { /* 0 */
        .name = "prefill_c0_m0",
        .sources = 2,
        .targets = 2,
        .source = (const rt_end[]){{0, 72}, {1, 72}}, /* rank, rows */
        .target = (const rt_end[]){{2, 4}, {3, 4}}, /* rank, slots */
        .top_k = CHOICES,
        .exact = true,
        .chunk = 0,
        .in_flight = 1,
        .row_bytes = HIDDEN * 4,
        .meta_bytes = CHOICES * 4,
    },
    { /* 1 */
        .name = "prefill_c0_m1",
        .sources = 2,
        .targets = 2,
        .source = (const rt_end[]){{0, 72}, {1, 72}}, /* rank, rows */
        .target = (const rt_end[]){{2, 4}, {3, 4}}, /* rank, slots */
        .top_k = CHOICES,
        .exact = true,
        .chunk = 0,
        .in_flight = 1,
        .row_bytes = HIDDEN * 4,
        .meta_bytes = CHOICES * 4,
    },
    { /* 2 */
        .name = "decode_c0_m0",
        .sources = 2,
        .targets = 2,
        .source = (const rt_end[]){{0, 6}, {1, 6}}, /* rank, rows */
        .target = (const rt_end[]){{2, 4}, {3, 4}}, /* rank, slots */
        .top_k = CHOICES,
        .exact = false,
        .chunk = 0,
        .in_flight = 1,
        .row_bytes = HIDDEN * 4,
        .meta_bytes = CHOICES * 4,
    },
};

/* A line a route table; in it the row of each layer, -1: the table has none. */
const int32_t route_rows[][LAYERS] = {
    {0, 0}, /* table 0 */
};

/* {target, slot} of the parts of each expert. */
const int16_t routes[][ROUTED][PARTS][2] = {
    /* table 0 */
    {{{0, 0}}, {{0, 1}}, {{0, 2}}, {{0, 3}}, {{1, 0}}, {{1, 1}}, {{1, 2}}, {{1, 3}}}, /* 0 */
};

/* clang-format on */
