/* property: see property.h. A refusal by the checker is a failure: either the generator makes what is not legal, or
 * lowering or the checker is wrong. */
#include "property.h"

#include "schedule/certificate.h"
#include "schedule/simulate.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

const char *const property_limits[PROPERTY_LIMITS] = {"E0460", "E0524", "E0573"};

const char *const plant_names[] = {"none", "replica", "wait", "crash", "hang", NULL};

void verdict_fail(Verdict *verdict, const char *kind, const char *format, ...) {
    verdict->outcome = OUTCOME_FAILED;
    snprintf(verdict->kind, sizeof verdict->kind, "%s", kind);
    va_list args;
    va_start(args, format);
    vsnprintf(verdict->message, sizeof verdict->message, format, args);
    va_end(args);
}

static bool is_limit(const char *code) {
    for (int i = 0; i < PROPERTY_LIMITS; ++i)
        if (strcmp(code, property_limits[i]) == 0)
            return true;
    return false;
}

/* What the first error that is no limit says, else the first one: documented limits decline a case, anything else is a
 * failure. */
void verdict_judge(Verdict *verdict, const Diag *diag, const char *where) {
    const DiagMessage *first = NULL;
    for (int64_t i = diag->count - 1; i >= 0; --i) {
        const DiagMessage *message = &diag->messages[i];
        if (message->level == DIAG_ERROR &&
            (!first || is_limit(first->code) || !is_limit(message->code)))
            first = message;
    }
    verdict_fail(verdict, first ? first->code : "no code", "%s: %s", where,
                 first ? first->text : "it failed without an error");
    if (first && is_limit(first->code))
        verdict->outcome = OUTCOME_DECLINED;
}

/* A path that reads as this text, until the next one. */
static const char *file_of(const Buf *text) {
    static char path[32];
    static int file = -1;
    static pid_t owner; /* a fork needs one of its own */
    if (owner != getpid()) {
        owner = getpid();
        file = memfd_create("plan", MFD_CLOEXEC);
        snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    }
    if (file < 0 || ftruncate(file, 0) != 0 ||
        pwrite(file, text->data, text->length, 0) != (ssize_t)text->length) {
        fprintf(stderr, "prove: there is no memory for a plan\n");
        exit(70);
    }
    return path;
}

/* The plan is written, read as a file of a user's would be, and written again as it was. */
static bool reads_back(RandomCase *made, Verdict *verdict) {
    Buf text = {0}, again = {0};
    Plan *read = ARENA_NEW(made->arena, Plan);
    plan_write(&made->plan, &text);
    bool equal = false;
    if (plan_read(made->arena, file_of(&text), read, made->diag) != STATUS_OK) {
        verdict_judge(verdict, made->diag, "reading the plan back");
    } else {
        plan_write(read, &again);
        equal = again.length == text.length && memcmp(again.data, text.data, text.length) == 0;
        if (!equal)
            verdict_fail(verdict, "round trip", "the plan reads back different");
        made->plan = *read; /* what follows is of the plan as a user has it */
    }
    buf_free(&text);
    buf_free(&again);
    return equal;
}

/* Going through recurring layers one by one comes to the same end. */
static void check_flat(RandomCase *made, const Schedule *schedule, const CheckReport *folded,
                       Verdict *verdict) {
    Diag diag = {.arena = made->arena};
    CheckReport flat = {0};
    if (check_schedule_flat(schedule, &flat, made->arena, &diag) != STATUS_OK)
        verdict_fail(verdict, "flat form", "the folded form is proved, the flat one not: %s",
                     diag.messages[0].text);
    for (int r = 0; r < CHECK_RULE_COUNT; ++r)
        if (flat.rules[r].ran != folded->rules[r].ran)
            verdict_fail(verdict, "flat form", "rule %s ran in one form only", flat.rules[r].name);
}

/* The schedule is written and read again as it was; its certificate is read back, and the small checker, which shares no
 * code with the proof, is sure of what was read. */
static void check_certificate(RandomCase *made, const Schedule *schedule, Verdict *verdict) {
    Buf text = {0}, again = {0}, witness = {0};
    Schedule *read = ARENA_NEW(made->arena, Schedule);
    Certificate certificate;
    schedule_write(schedule, &text);
    const char *digest = plan_digest(made->arena, text.data, text.length);
    if (certificate_text(made->arena, schedule, &witness, made->diag) != STATUS_OK ||
        schedule_parse(made->arena, "schedule.json", text.data, text.length, read, made->diag) !=
            STATUS_OK ||
        certificate_parse(made->arena, "certificate.json", witness.data, witness.length,
                          &certificate, made->diag) != STATUS_OK ||
        certify(read, digest, NULL, &certificate, made->diag) != STATUS_OK) {
        verdict_judge(verdict, made->diag, "certifying");
    } else {
        schedule_write(read, &again);
        if (again.length != text.length || memcmp(again.data, text.data, text.length) != 0)
            verdict_fail(verdict, "schedule read", "the schedule reads back different");
        for (int64_t t = 0; t < schedule->routes.count; ++t)
            if (read->routes.items[t].rows != schedule->routes.items[t].rows)
                verdict_fail(verdict, "schedule read", "route table %lld has %lld rows, not %lld",
                             (long long)t, (long long)read->routes.items[t].rows,
                             (long long)schedule->routes.items[t].rows);
    }
    buf_free(&text);
    buf_free(&again);
    buf_free(&witness);
}

static void check_ledger(const Schedule *schedule, const Ledger *ledger, Verdict *verdict) {
    for (int64_t i = 0; i < ledger->count; ++i) {
        const LedgerRow *row = &ledger->rows[i];
        int64_t sum = row->weights + row->state + row->windows + row->workspace + row->activations +
                      row->padding;
        if (sum != row->total || row->total != schedule->ranks[i].slab_bytes || row->padding < 0)
            verdict_fail(verdict, "ledger",
                         "rank %lld: %lld bytes of items, %lld in all, a slab of %lld",
                         (long long)i, (long long)sum, (long long)row->total,
                         (long long)schedule->ranks[i].slab_bytes);
    }
}

static void check_times(RandomCase *made, const Schedule *schedule, Verdict *verdict) {
    Simulation simulation = simulate(made->arena, schedule);
    for (int at = 0; at < COST_CASES; ++at)
        for (int64_t s = 0; s < made->plan.steps.count; ++s) {
            double time = simulation.steps[at][s].makespan;
            if (!isfinite(time) || time <= 0)
                verdict_fail(verdict, "simulated time", "step %s takes %g s",
                             made->plan.steps.items[s].name, time);
        }
    for (int64_t s = 0; s < made->plan.steps.count; ++s) {
        double bound = simulation.steps[COST_LOW][s].makespan,
               high = simulation.steps[COST_HIGH][s].makespan;
        if (bound > high * (1 + 1e-9))
            verdict_fail(verdict, "simulated cases",
                         "step %s takes %g s at the least and %g s at the most",
                         made->plan.steps.items[s].name, bound, high);
    }
}

/* --- planted faults --------------------------------------------------------------------------- */

static void drop_wait(const Schedule *schedule) {
    for (int64_t rank = schedule->world - 1; rank >= 0; --rank)
        for (int64_t i = schedule->ranks[rank].ops.count - 1; i >= 0; --i) {
            Op *op = &schedule->ranks[rank].ops.items[i];
            for (int w = OP_WAITS - 1; w >= 0; --w)
                if (op->waits[w] >= 0) {
                    op->waits[w] = -1;
                    return;
                }
        }
}

static void plant_in_plan(const Plan *plan, Plant plant, Verdict *verdict) {
    if (plant == PLANT_REPLICA && plan->ranks.count > 2)
        for (int64_t s = 0; s < plan->stages.count; ++s)
            for (int64_t i = 0; i < plan->stages.items[s].experts.count; ++i)
                if (plan->stages.items[s].experts.items[i].replica > 0)
                    verdict_fail(verdict, "planted",
                                 "a plan of %lld ranks has a replica of an expert",
                                 (long long)plan->ranks.count);
    if (plant == PLANT_CRASH && plan->stages.count == 3)
        abort();
    while (plant == PLANT_HANG && plan->stages.count == 3)
        ;
}

/* --- */

void property_check(RandomCase *made, Plant plant, Schedule *schedule, Verdict *verdict) {
    CheckReport report = {0};
    *verdict = (Verdict){.outcome = OUTCOME_PROVED};
    if (random_case_draw(made) != STATUS_OK) {
        verdict_judge(verdict, made->diag, "planning");
        return;
    }
    plant_in_plan(&made->plan, plant, verdict);
    if (verdict->outcome != OUTCOME_PROVED || !reads_back(made, verdict))
        return;
    if (schedule_lower(made->arena, &made->plan, schedule, made->diag) != STATUS_OK) {
        verdict_judge(verdict, made->diag, "lowering");
        return;
    }
    if (plant == PLANT_WAIT)
        drop_wait(schedule);
    if (check_schedule(schedule, &report, made->arena, made->diag) != STATUS_OK) {
        verdict_judge(verdict, made->diag, "proving");
        return;
    }
    if (made->plan.inputs.model.layers > 6 || made->choices->next % 4 == 0)
        check_flat(made, schedule, &report, verdict); /* of the rest, some would do */
    if (made->choices->next % 8 == 1)
        check_certificate(made, schedule, verdict);
    check_ledger(schedule, &report.ledger, verdict);
    check_times(made, schedule, verdict);
}
