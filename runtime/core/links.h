/* links: which pairs of ranks a program's moves use, and what the topology says that each of them does. It knows the
 * tables of a program, and no device. */
#pragma once

#include "rt.h"

/* From a rank to another. On one node the GPUs' link carries it; between nodes a NIC of either. */
typedef struct rt_link {
    int32_t from, to;
    int32_t nic_from, nic_to; /* numbers among all NICs; -1: on one node */
    double rate, seconds;     /* as the topology has it: bytes per second; of a small message */
} rt_link;

/* What was measured of a link: alone; and while all others of the NIC that it leaves, or comes to, were busy too. */
typedef struct rt_link_time {
    double rate, seconds;
    double out_rate, in_rate;
} rt_link_time;

typedef struct rt_links {
    rt_link *link; /* ascending by from, to */
    int64_t count;
    int32_t nics;   /* of all nodes */
    int64_t *round; /* [count] links of a round have no rank in common */
    int64_t rounds;
} rt_links;

/* Ranks next to each other in a collective's channel, pairs of stages and exchanges: once each, either way. False without
 * memory. */
bool rt_links_find(rt_links *links, const rt_program *program);
void rt_links_free(rt_links *links);
/* How many there are, -1 without memory. */
int64_t rt_links_count(const rt_program *program);

/* Bytes per second of a NIC, and the most that all links together can bring to it or take from it. */
double rt_links_nic_rate(const rt_links *links, const rt_program *program, int32_t nic, bool in);
/* Node of a NIC, and its number there. */
int32_t rt_links_nic_node(const rt_program *program, int32_t nic, int32_t *index);
