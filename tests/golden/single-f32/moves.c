/* Moves of program single-f32: who sends what to whom. Made by gen: do not edit. */
#include "program.h"

/* clang-format off */

const rt_exchange exchanges[] = {
    { /* 0 */
        .name = "prefill_c0_m0_r0",
        .sources = 1,
        .targets = 1,
        .source = (const rt_end[]){{0, 288}}, /* rank, rows */
        .target = (const rt_end[]){{0, 8}}, /* rank, slots */
        .top_k = CHOICES,
        .exact = true,
        .chunk = 0,
        .in_flight = 1,
        .row_bytes = HIDDEN * 4,
        .meta_bytes = CHOICES * 4,
    },
    { /* 1 */
        .name = "decode_c0_m0_r0",
        .sources = 1,
        .targets = 1,
        .source = (const rt_end[]){{0, 12}}, /* rank, rows */
        .target = (const rt_end[]){{0, 8}}, /* rank, slots */
        .top_k = CHOICES,
        .exact = true,
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
    {{{0, 0}}, {{0, 1}}, {{0, 2}}, {{0, 3}}, {{0, 4}}, {{0, 5}}, {{0, 6}}, {{0, 7}}}, /* 0 */
};

/* clang-format on */
