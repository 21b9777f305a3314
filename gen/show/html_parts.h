/* html_parts: pieces of the page's data, each a value of the JSON that is open. Private to gen/show. */
#pragma once

#include "show/html.h"

/* Of the plan: "network" and "nodes", "ranks", "memory", as members of the object that is open, in byte order from
 * "idle" to "why". */
void html_put_nodes(Jsonw *json, const Plan *plan);
void html_put_ranks(Jsonw *json, const Schedule *schedule);
void html_put_memory(Jsonw *json, const Ledger *ledger);
/* Object of a step: times, bound, moves, bytes between ranks, links, critical path, time line. */
void html_put_step(Jsonw *json, const HtmlPage *page, int64_t step);
/* Object of a time line: lanes of streams as arrays of whole numbers. */
void html_put_line(Jsonw *json, const Schedule *schedule, const Timeline *line);

/* A range as [begin, end], a list of whole numbers, an interval as {expected, high, low}. */
void html_put_range(Jsonw *json, const char *key, Range range);
void html_put_ints(Jsonw *json, const char *key, const int64_t *values, int64_t count);
void html_put_interval(Jsonw *json, const char *key, const double value[COST_CASES]);
void html_put_real(Jsonw *json, const char *key, double value);
