/* preflight: what was measured of links and NICs beside what the topology says, a line each, and the verdict. A message's
 * time is told, not judged: it has NCCL's own beginnings in it, which no topology knows. */
#include "core/links.h"
#include "core/report.h"

#include <stdio.h>

typedef struct Report {
    const rt_program *program;
    rt_links links;
    const rt_link_time *time;
    double share;
    bool json;
    int64_t lines, slow;
} Report;

static double gigabytes(double rate) {
    return rate * 1e-9;
}

/* One line: a link, or a NIC in one direction. */
static void line(Report *r, const char *name, double expected, double measured, double seconds,
                 double expected_seconds) {
    double ratio = expected > 0 ? measured / expected : 0;
    bool slow = ratio < r->share;
    if (r->json) {
        printf("%s{\"link\":\"%s\",\"expected\":%.6g,\"measured\":%.6g,\"ratio\":%.4f,\"ok\":%s",
               r->lines ? ",\n" : "", name, expected, measured, ratio, slow ? "false" : "true");
        if (seconds > 0)
            printf(",\"expected_s\":%.4g,\"measured_s\":%.4g", expected_seconds, seconds);
        printf("}");
    } else {
        printf("%-34s %9.3f %9.3f %6.2f", name, gigabytes(expected), gigabytes(measured), ratio);
        if (seconds > 0)
            printf(" %9.1f %9.1f", expected_seconds * 1e6, seconds * 1e6);
        else
            printf(" %9s %9s", "", "");
        printf("  %s\n", slow ? "SLOW" : "ok");
    }
    r->lines++;
    r->slow += slow;
}

static void report_links(Report *r) {
    for (int64_t l = 0; l < r->links.count; ++l) {
        const rt_link *link = &r->links.link[l];
        char name[64];
        snprintf(name, sizeof name, "rank %d to rank %d%s", link->from, link->to,
                 link->nic_from < 0 ? "" : ", by NICs");
        line(r, name, link->rate, r->time[l].rate, r->time[l].seconds, link->seconds);
    }
}

/* All links that leave a NIC at once, then all that come to it. */
static void report_nics(Report *r) {
    for (int32_t nic = 0; nic < r->links.nics; ++nic)
        for (int in = 0; in < 2; ++in) {
            int64_t count = 0;
            double measured = 0;
            int32_t index, node = rt_links_nic_node(r->program, nic, &index);
            char name[64];
            for (int64_t l = 0; l < r->links.count; ++l) {
                const rt_link *link = &r->links.link[l];
                if ((in ? link->nic_to : link->nic_from) != nic)
                    continue;
                measured += in ? r->time[l].in_rate : r->time[l].out_rate;
                ++count;
            }
            snprintf(name, sizeof name, "node %d NIC %d %s, %lld links", node, index,
                     in ? "in" : "out", (long long)count);
            if (count)
                line(r, name, rt_links_nic_rate(&r->links, r->program, nic, in), measured, 0, 0);
        }
}

rt_status rt_report_preflight(const rt_segment *segment, bool *equal, rt_error *error) {
    Report r = {.program = segment->program,
                .time = (const rt_link_time *)(segment->base + segment->links),
                .share = segment->job->options->share,
                .json = segment->job->options->json};
    if (!rt_links_find(&r.links, r.program))
        return rt_error_set(error, RT_UNAVAILABLE, "no memory for the links");
    if (r.json)
        printf("{\"share\":%.4g,\"links\":[\n", r.share);
    else
        printf("%-34s %9s %9s %6s %9s %9s\n", "", "expected", "measured", "", "expected",
               "measured");
    if (!r.json)
        printf("%-34s %9s %9s %6s %9s %9s\n", "link", "GB/s", "GB/s", "ratio", "us", "us");
    report_links(&r);
    report_nics(&r);
    *equal = r.slow == 0;
    if (r.json)
        printf("\n],\"slow\":%lld}\n", (long long)r.slow);
    else if (r.lines == 0)
        printf("%s moves nothing between ranks\n", r.program->name);
    else
        printf("%lld of %lld below %.2f of what the topology says\n", (long long)r.slow,
               (long long)r.lines, r.share);
    rt_links_free(&r.links);
    return RT_OK;
}
