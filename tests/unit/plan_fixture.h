/* plan_fixture: a small model on a cluster of 2 x 4 GPUs and plans for it, for the tests of plan
 * and planner. The arena owns everything. */
#pragma once

#include "base/fs.h"
#include "plan/planner.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

typedef struct Fixture {
    Arena arena;
    Diag diag;
    Plan plan;
    char folder[32];
} Fixture;

static inline int fixture_setup(void **state) {
    Fixture *fixture = calloc(1, sizeof *fixture);
    *state = fixture;
    fixture->diag.arena = &fixture->arena;
    strcpy(fixture->folder, "/tmp/test-plan-XXXXXX");
    fixture->plan.inputs.workload = (Workload){
        .batch = 12, .prefill = 16, .context = 32, .dtype = ELEMENT_F32, .candidates = 1};
    if (!mkdtemp(fixture->folder)) {
        return -1;
    }
    const char *topology =
        "name: pair\n"
        "nodes:\n"
        "  - {name: box, count: 2, gpus: 4, nics: 1, nic_bandwidth: 200 Gb/s,\n"
        "     gpu: {type: x, memory: 8 GiB, flops: 10 TFLOP/s, flops_f32: 5 TFLOP/s,\n"
        "           bandwidth: 1 TB/s},\n"
        "     link: {type: y, bandwidth: 100 GB/s, latency: 2 us}}\n"
        "network: {type: z, latency: 5 us, oversubscription: 1}\n";
    char *path = fs_join(&fixture->arena, fixture->folder, "topology.yaml");
    Status status = fs_write(path, topology, strlen(topology), &fixture->diag);
    if (status == STATUS_OK) {
        status =
            topology_read(&fixture->arena, path, &fixture->plan.inputs.topology, &fixture->diag);
    }
    if (status == STATUS_OK) {
        status = model_read(&fixture->arena, TEST_SOURCE "/models/ma-small.yaml", NULL,
                            &fixture->plan.inputs.model, &fixture->diag);
    }
    unlink(path);
    if (status != STATUS_OK) {
        diag_render(&fixture->diag, stderr);
    }
    fixture->diag.count = fixture->diag.errors = 0;
    return status == STATUS_OK ? 0 : -1;
}

static inline int fixture_teardown(void **state) {
    Fixture *fixture = *state;
    rmdir(fixture->folder);
    arena_free(&fixture->arena);
    free(fixture);
    return 0;
}

/* Run a strategy that must plan. */
static inline void fixture_plan(Fixture *fixture, const char *strategy) {
    PlannerRequest request = {.strategy = strategy};
    Status status = planner_run(&fixture->arena, &request, &fixture->plan, &fixture->diag);
    if (status != STATUS_OK) {
        diag_render(&fixture->diag, stderr);
    }
    assert_int_equal(status, STATUS_OK);
}

/* The first message must have this code, and this part in its text or help. */
static inline void fixture_expect(Fixture *fixture, const char *code, const char *part) {
    const DiagMessage *message = &fixture->diag.messages[0];
    assert_true(fixture->diag.count > 0);
    if (strcmp(message->code, code) != 0 ||
        (!strstr(message->text, part) && !(message->help && strstr(message->help, part)))) {
        fail_msg("expected %s with '%s', got %s: %s (%s)", code, part, message->code, message->text,
                 message->help ? message->help : "");
    }
    fixture->diag.count = fixture->diag.errors = 0;
}
