/* Plans. One that the reader accepts must be safe to price, lower, prove, simulate, show, write and emit, whatever it
 * says: the digests of its inputs are made to fit, as an enemy would. */
#include "fuzz.h"

#include "emit/program.h"
#include "plan/plan_digest.h"
#include "run/price.h"
#include "schedule/certificate.h"
#include "schedule/check.h"
#include "schedule/size.h"
#include "show/show.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    EMIT_IN = 16,
    SHOW_IN = 4,
    PRICE_IN = 4 /* of so many accepted plans one is emitted, shown, priced */
};

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed) {
    return fuzz_mutate_json(data, size, most, seed);
}

static void emit(Arena *arena, const Schedule *schedule, const Simulation *simulation) {
    static char dir[128];
    Diag diag = {.arena = arena};
    Buf prediction = {0}, certificate = {0};
    snprintf(dir, sizeof dir, "%s/program", fuzz_folder());
    simulate_write(simulation, schedule, &prediction);
    fuzz_judge(certificate_text(arena, schedule, &certificate, &diag), &diag);
    fuzz_expect(diag.errors == 0, "a proved plan has a certificate");
    fuzz_judge(emit_program(arena, schedule, certificate.data, prediction.data, dir,
                            (EmitOptions){.version = "fuzz"}, &diag),
               &diag);
    fuzz_expect(diag.errors == 0, "a proved plan can be emitted");
    buf_free(&certificate);
    buf_free(&prediction);
}

static void show(const Schedule *schedule, const CheckReport *report,
                 const Simulation *simulation) {
    Buf text = {0};
    show_plan_text(schedule, &text);
    show_proof_text(report, &text);
    show_ledger_text(schedule, &report->ledger, &text);
    show_prediction_text(schedule, simulation, &text);
    show_rank_text(schedule, schedule->world - 1, &text);
    show_rank_json(schedule, 0, &text);
    schedule_write(schedule, &text);
    buf_free(&text);
}

/* What became of the plans, so that a run shows whether it got anywhere. */
static int64_t schemed, accepted, proved;

static void tell(void) {
    fprintf(stderr, "plans: %lld with all fields, %lld accepted, %lld proved\n", (long long)schemed,
            (long long)accepted, (long long)proved);
}

static void price(Arena *arena, const Plan *plan) {
    Diag diag = {.arena = arena};
    PlannerPrice answer = {0};
    fuzz_judge(price_plan(NULL, arena, plan, &answer, &diag), &diag);
}

static void prove(Arena *arena, const Plan *plan, uint64_t hash) {
    Diag diag = {.arena = arena};
    Schedule schedule;
    CheckReport report = {0};
    Status status = schedule_lower(arena, plan, &schedule, &diag);
    if (status == STATUS_OK)
        status = check_schedule(&schedule, &report, arena, &diag);
    fuzz_judge(status, &diag);
    if (status != STATUS_OK)
        return;
    ++proved;
    Simulation simulation = simulate(arena, &schedule);
    if (hash % SHOW_IN == 0)
        show(&schedule, &report, &simulation);
    if (hash / SHOW_IN % EMIT_IN == 0)
        emit(arena, &schedule, &simulation);
}

/* The plan as gen writes it is a plan that it reads or refuses with a reason, and writes again the same. */
static Status write_and_read(Arena *arena, const Plan *plan, Plan *read) {
    Buf text = {0}, again = {0};
    Diag diag = {.arena = arena};
    plan_write(plan, &text);
    Status status = plan_read(arena, fuzz_file(0, text.data, text.length), read, &diag);
    fuzz_judge(status, &diag);
    if (status == STATUS_OK)
        plan_write(read, &again);
    fuzz_expect(status != STATUS_OK || (again.length == text.length &&
                                        __builtin_memcmp(again.data, text.data, text.length) == 0),
                "a plan is written again as it was");
    buf_free(&text);
    buf_free(&again);
    return status;
}

/* Larger ones may take their time and memory. */
static int is_small(const Plan *plan) {
    ScheduleSize size = schedule_size(plan);
    return size.bytes < 0x1p24 && size.operations < 0x1p17;
}

static void go_on(Arena *arena, const Plan *plan, uint64_t hash) {
    Diag diag = {.arena = arena};
    if (schedule_size_check(plan, &diag) != STATUS_OK || !is_small(plan))
        return;
    if (hash / SHOW_IN / EMIT_IN % PRICE_IN ==
        0) { /* which lowers and simulates like what follows */
        ArenaMark mark = arena_mark(arena);
        price(arena, plan);
        arena_rewind(arena, mark);
    }
    prove(arena, plan, hash);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (!fuzz_is_json(
            data,
            size)) /* that is the business of other targets: here it would only win attention */
        return 0;
    Arena arena = {0};
    Diag diag = {.arena = &arena};
    YamlNode *root;
    Plan plan, read;
    uint64_t hash = fuzz_hash(data, size);
    Status status =
        yaml_parse(&arena, "plan.json", (const char *)data, size, yaml_plan_limits, &root, &diag);
    if (status == STATUS_OK)
        status = schema_read(&plan_schema, root, &plan, &arena, &diag);
    fuzz_judge(status, &diag);
    if (status == STATUS_OK) {
        if (!schemed++)
            atexit(tell);
        plan_digest_inputs(&arena, &plan.inputs);
        plan.schema_version = PLAN_SCHEMA_VERSION;
        if (write_and_read(&arena, &plan, &read) == STATUS_OK) {
            ++accepted;
            go_on(&arena, &read, hash >> 32);
        }
    }
    arena_free(&arena);
    return 0;
}
