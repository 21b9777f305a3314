/* Which links a program uses, what the topology says of them, and what preflight says of what was measured. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "core/links.h"
#include "core/report.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Two nodes of 2 GPUs: the first has a NIC for both, the second one each. */
static const rt_node nodes[] = {{2, 1, 100e9, 2e-6, 20e9}, {2, 2, 80e9, 3e-6, 25e9}};
static const rt_place places[] = {
    {0, 0, 0, 0, NULL, 0}, {0, 1, 0, 1, NULL, 0}, {0, 2, 1, 0, NULL, 0}, {0, 3, 1, 1, NULL, 0}};
static const int32_t near[] = {0, 1}, own[] = {0, 1, 1, 2}, all[] = {0, 1, 2, 3};
static const rt_transfer_item items[] = {{1, 2, 0, 1, false}}; /* from rank 1 to rank 2 */
static const rt_channel channels[] = {{"near", 2, near, 2, own, 0, NULL},
                                      {"stage", 4, all, 1, NULL, 1, items},
                                      {"rows", 4, all, 0, NULL, 0, NULL}};
static const rt_end sources[] = {{0, 4}}, targets[] = {{2, 1}, {3, 1}};
static const rt_hop back[] = {{0, 2, 3, 0, 0}, {1, 3, 0, 0, 0}};
static const rt_exchange exchanges[] = {
    {"rows", 1, 2, sources, targets, 1, false, 0, 1, 8, 4, 0, 2, NULL, back}};
static const rt_role role = {.name = "all"};
static const rt_program program = {.abi = RT_ABI_VERSION,
                                   .name = "linked",
                                   .digest = "00112233445566aa",
                                   .schedule = "123456789abcdef0",
                                   .certificate = "23456789abcdef01",
                                   .world = 4,
                                   .roles = 1,
                                   .places = places,
                                   .role = &role,
                                   .channels = 3,
                                   .channel = channels,
                                   .exchanges = 1,
                                   .exchange = exchanges,
                                   .nodes = 2,
                                   .node = nodes,
                                   .network_seconds = 5e-6,
                                   .batch = 1,
                                   .prompt = 1,
                                   .context = 1,
                                   .vocabulary = 1};

/* from, to, NICs, rate, seconds: dispatch goes 0 to 2 and 0 to 3, combine 2 to 3 and 3 to 0. */
static const rt_link expected[] = {
    {0, 1, -1, -1, 100e9, 2e-6}, {0, 2, 0, 1, 20e9, 5e-6}, {0, 3, 0, 2, 20e9, 5e-6},
    {1, 0, -1, -1, 100e9, 2e-6}, {1, 2, 0, 1, 20e9, 5e-6}, {2, 3, -1, -1, 80e9, 3e-6},
    {3, 0, 2, 0, 20e9, 5e-6},
};
enum { LINKS = sizeof expected / sizeof *expected };

static void test_links(void **state) {
    (void)state;
    rt_links links;
    assert_true(rt_links_find(&links, &program));
    assert_int_equal(links.count, LINKS);
    assert_int_equal(rt_links_count(&program), LINKS);
    assert_int_equal(links.nics, 3);
    for (int i = 0; i < LINKS; ++i) {
        const rt_link *a = &links.link[i], *b = &expected[i];
        if (a->from != b->from || a->to != b->to || a->nic_from != b->nic_from ||
            a->nic_to != b->nic_to || a->rate != b->rate || a->seconds != b->seconds)
            fail_msg("link %d: %d to %d by %d, %d: %g, %g", i, a->from, a->to, a->nic_from,
                     a->nic_to, a->rate, a->seconds);
    }
    rt_links_free(&links);
}

static void test_rounds(void **state) {
    (void)state;
    rt_links links;
    int64_t seen = 0;
    assert_true(rt_links_find(&links, &program));
    for (int64_t round = 0; round < links.rounds; ++round) {
        bool busy[4] = {false};
        for (int64_t l = 0; l < links.count; ++l) {
            if (links.round[l] != round)
                continue;
            assert_false(busy[links.link[l].from] || busy[links.link[l].to]);
            busy[links.link[l].from] = busy[links.link[l].to] = true;
            ++seen;
        }
    }
    assert_int_equal(seen, LINKS);
    assert_true(links.rounds < LINKS); /* 0 to 1 and 2 to 3 go together */
    rt_links_free(&links);
}

static void test_nics(void **state) {
    (void)state;
    rt_links links;
    int32_t index;
    assert_true(rt_links_find(&links, &program));
    assert_true(rt_links_nic_rate(&links, &program, 0, false) == 20e9); /* of 60 that want it */
    assert_true(rt_links_nic_rate(&links, &program, 1, true) == 25e9);  /* of 40 */
    assert_true(rt_links_nic_rate(&links, &program, 2, false) == 20e9); /* no more comes */
    assert_int_equal(rt_links_nic_node(&program, 2, &index), 1);
    assert_int_equal(index, 1);
    rt_links_free(&links);
}

/* --- what is said --- */

static char *report(double slow_rate, bool json, bool *equal) {
    static char text[8192];
    rt_options options = {.share = 0.7, .json = json};
    rt_job job = {
        .program = &program, .options = &options, .preflight = true, .round = 1, .max_new = 1};
    rt_segment segment;
    rt_error error = {0};
    assert_int_equal(rt_segment_plan(&segment, &job, &error), RT_OK);
    assert_int_equal(rt_segment_map(&segment, -1, true, &error), RT_OK);
    rt_link_time *time = (rt_link_time *)(segment.base + segment.links);
    for (int i = 0; i < LINKS; ++i)
        time[i] = (rt_link_time){0.9 * expected[i].rate, 12e-6, 7e9, 20e9};
    time[6].out_rate = 20e9; /* alone on its NIC, where others share theirs */
    time[4].rate = slow_rate;
    FILE *file = tmpfile();
    fflush(stdout);
    int kept = dup(STDOUT_FILENO);
    dup2(fileno(file), STDOUT_FILENO);
    assert_int_equal(rt_report_preflight(&segment, equal, &error), RT_OK);
    fflush(stdout);
    dup2(kept, STDOUT_FILENO);
    close(kept);
    rewind(file);
    text[fread(text, 1, sizeof text - 1, file)] = 0;
    fclose(file);
    rt_segment_close(&segment);
    return text;
}

static void assert_line(const char *text, const char *line) {
    if (!strstr(text, line))
        fail_msg("no '%s' in\n%s", line, text);
}

static void test_report(void **state) {
    (void)state;
    bool equal;
    const char *text = report(18e9, false, &equal);
    assert_line(
        text,
        "rank 0 to rank 1                     100.000    90.000   0.90       2.0      12.0  ok\n");
    assert_line(text, "rank 1 to rank 2, by NICs             20.000    18.000   0.90");
    assert_line(
        text,
        "node 0 NIC 0 out, 3 links             20.000    21.000   1.05                      ok\n");
    assert_line(text, "node 0 NIC 0 in, 1 links              20.000    20.000   1.00");
    assert_line(text, "0 of 12 below 0.70 of what the topology says\n");
    assert_true(equal);
    text = report(13.9e9, false, &equal);
    assert_line(text, "13.900   0.69");
    assert_line(text, "1 of 12 below 0.70 of what the topology says\n");
    assert_false(equal);
    text = report(13.9e9, true, &equal);
    assert_line(text,
                "{\"link\":\"rank 1 to rank 2, by NICs\",\"expected\":2e+10,\"measured\":1.39e+10,"
                "\"ratio\":0.6950,\"ok\":false,\"expected_s\":5e-06,\"measured_s\":1.2e-05}");
    assert_line(text, "],\"slow\":1}");
    assert_false(equal);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_links), cmocka_unit_test(test_rounds),
                                       cmocka_unit_test(test_nics), cmocka_unit_test(test_report)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
