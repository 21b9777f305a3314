/* Moves of program $(view.name): who sends what to whom. Made by gen: do not edit. */
#include "program.h"

/* clang-format off */
//% if #view.channels > 0 then

/* name, members, their ranks, pieces, pieces [begin, end) that each member owns, transfers of a stage:
 * {from, to, pieces [begin, end), sum} */
const rt_channel channels[] = {
//%   for _, line in ipairs(view.channels) do
    $(line)
//%   end
};
//% end
//% if #view.exchanges > 0 then

const rt_exchange exchanges[] = {
//%   for _, exchange in ipairs(view.exchanges) do
    { /* $(exchange.index) */
        .name = $(exchange.name),
        .sources = $(exchange.sources),
        .targets = $(exchange.targets),
        .source = $(exchange.source), /* rank, rows */
        .target = $(exchange.target), /* rank, slots */
        .top_k = CHOICES,
        .exact = $(exchange.exact),
        .chunk = $(exchange.chunk),
        .in_flight = $(exchange.in_flight),
//%     if exchange.there_hops then
        /* stage, from, to, source, target */
        .there_hops = $(exchange.there),
        .there = $(exchange.there_hops),
//%     end
//%     if exchange.back_hops then
        .back_hops = $(exchange.back),
        .back = $(exchange.back_hops),
//%     end
        .row_bytes = HIDDEN * $(view.element_bytes),
        .meta_bytes = CHOICES * 4,
    },
//%   end
};
//% end
//% if #view.routes > 0 then

/* A line a route table; in it the row of each layer, -1: the table has none. */
const int32_t route_rows[][LAYERS] = {
//%   for _, line in ipairs(view.route_rows) do
    $(line)
//%   end
};

/* {target, slot} of the parts of each expert. */
const int16_t routes[][ROUTED][PARTS][2] = {
//%   for _, route in ipairs(view.routes) do
    /* table $(route.index) */
//%     for _, line in ipairs(route.lines) do
    $(line)
//%     end
//%   end
};
//% end

/* clang-format on */
