/* program: see program.h. Tokens and logits are compared with those that the single-rank program gave, counters with the
 * schedule. Where the reference says that two choices are closer than rounding, neither is: what follows from such a
 * choice is left out, and counted. */
#include "program.h"

#include "build.h"
#include "checkpoint.h"

#include "base/fs.h"
#include "emit/program.h"
#include "emit/weights.h"
#include "plan/plan_digest.h"
#include "plan/planner.h"
#include "run/arrays.h"
#include "run/npy.h"
#include "run/records.h"
#include "run/verify.h"
#include "schedule/certificate.h"
#include "schedule/certificate.h"
#include "schedule/simulate.h"

#include "rt_format.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { LOGITS_LIMIT = 1 << 28 };

/* By element type, f32 bf16 f16: of logits, over the largest, and of choices of experts. In f32 sums of a few hundred
 * elements are taken in other parts; in 16 bits activations are rounded after each operation (run/verify.c). */
static const double tolerances[] = {2e-5, 6e-2, 8e-3}, closenesses[] = {1e-4, 4e-2, 5e-3};

struct Twin {
    Arena arena;
    const char *folder;
    bool ready;
    Tokens tokens;
    ReferenceResult reference;
    int32_t *chosen; /* [sequences][max_new], of the single-rank program */
    float *logits;   /* as in the reference */
};

Twin *twin_open(const char *folder) {
    Twin *twin = calloc(1, sizeof *twin);
    if (!twin)
        arena_exhausted(sizeof *twin);
    twin->folder = arena_strdup(&twin->arena, folder);
    build_remove(folder);
    mkdir(folder, 0755);
    return twin;
}

void twin_close(Twin *twin) {
    build_remove(twin->folder);
    arena_free(&twin->arena);
    free(twin);
}

/* --- making a program ------------------------------------------------------------------------- */

typedef struct Program {
    Arena *arena;
    Twin *twin;
    const Schedule *schedule;
    const char *folder, *weights;
    bool processes;
    Verdict *verdict;
    Diag diag;
} Program;

static bool make(Program *of) {
    Simulation simulation = simulate_times(of->arena, of->schedule);
    Buf prediction = {0}, certificate = {0};
    WeightsSummary weights;
    of->diag.arena = of->arena;
    of->weights = fs_join(of->arena, of->folder, "weights.map");
    simulate_write(&simulation, of->schedule, &prediction);
    Status status = certificate_text(of->arena, of->schedule, &certificate, &of->diag);
    if (status == STATUS_OK)
        status = emit_program(of->arena, of->schedule, certificate.data, prediction.data,
                              of->folder, (EmitOptions){.version = "prove"}, &of->diag);
    buf_free(&prediction);
    buf_free(&certificate);
    if (status == STATUS_OK)
        status = weights_write_map(of->arena, of->schedule,
                                   fs_join(of->arena, of->twin->folder, "model.safetensors"),
                                   of->weights, &weights, &of->diag);
    if (status != STATUS_OK) {
        verdict_judge(of->verdict, &of->diag, "emitting");
        return false;
    }
    return build_make(of->arena, of->folder, of->twin->folder, of->verdict);
}

/* Run a verb; anything but 0 is a failure: 1 that it differs, the rest that it went wrong. */
static bool run(Program *of, const char *verb, const char *option, const char *file,
                const char *more, const char *value) {
    const char *argv[] = {
        "./program",    verb,          option,        file,
        "--weights",    "weights.map", "--transport", of->processes ? "shm" : "threads",
        "--timeout-ms", "30000",       "--json",      "-q",
        more,           value,         NULL};
    int status = build_run(of->folder, argv, "run.log");
    if (status == 0)
        return true;
    const char *said = build_tail(of->arena, of->folder, "run.log", 900);
    char kind[40] = "run: fails";
    const char *differs = strstr(said, "\"differs\":\"");
    if (status == 1 && differs)
        snprintf(kind, sizeof kind, "run: %.*s", (int)strcspn(differs + 11, "\""), differs + 11);
    verdict_fail(of->verdict, kind, "%s: exit status %d: %s", verb, status, said);
    return false;
}

/* --- the single-rank program of a group -------------------------------------------------------- */

static bool plan_single(Program *of, const RandomCase *made, Plan *plan, Schedule *schedule) {
    static const TopologyNode one = {
        .name = "one",
        .count = 1,
        .gpus = 1,
        .gpu = {.type = "x",
                .memory = (int64_t)1 << 40,
                .flops = 1e12,
                .flops_f32 = 1e12,
                .bandwidth = 1e12},
        .link = {.type = "y", .bandwidth = 1e9, .latency = 1e-6},
    };
    *plan = (Plan){.inputs = made->plan.inputs};
    plan->inputs.topology = (Topology){
        .name = "one",
        .network = {.type = "z", .latency = 1e-6, .oversubscription = 1},
        .measured = {.processor = "", .dtype = ""},
    };
    *(TopologyNode *)LIST_PUSH(of->arena, &plan->inputs.topology.nodes) = one;
    PlannerRequest request = {.strategy = "single"};
    of->diag.arena = of->arena;
    plan_digest_inputs(of->arena, &plan->inputs);
    if (planner_run(of->arena, &request, plan, &of->diag) == STATUS_OK) {
        plan_digest_inputs(of->arena, &plan->inputs);
        if (schedule_lower(of->arena, plan, schedule, &of->diag) == STATUS_OK)
            return true;
    }
    verdict_judge(of->verdict, &of->diag, "the single-rank plan");
    return false;
}

static bool run_reference(Program *of, const RandomCase *made) {
    const Workload *workload = &made->plan.inputs.workload;
    const Model *model = &made->plan.inputs.model;
    Twin *twin = of->twin;
    const TokensBounds bounds = {model->vocabulary, workload->prefill, workload->context};
    const char *path = fs_join(of->arena, twin->folder, "model.safetensors");
    tokens_make(of->arena, &bounds, made->sequences, &twin->tokens);
    twin->tokens.max_new = made->max_new;
    ReferencePrompts prompts = {.sequences = twin->tokens.sequences,
                                .longest = twin->tokens.longest,
                                .lengths = twin->tokens.lengths,
                                .ids = twin->tokens.ids,
                                .max_new = made->max_new};
    Safetensors checkpoint;
    Reference *reference;
    of->diag.arena = of->arena;
    if (checkpoint_write(of->arena, model, path, &of->diag) != STATUS_OK ||
        safetensors_open(of->arena, path, 0, &checkpoint, &of->diag) != STATUS_OK ||
        reference_open(&reference, model, workload->dtype, &checkpoint, 1, &of->diag) !=
            STATUS_OK) {
        verdict_judge(of->verdict, &of->diag, "the reference");
        return false;
    }
    reference_run(reference, &prompts, true, of->arena, &twin->reference);
    reference_close(reference);
    return true;
}

/* Arrays that are changed when choices are left out, of this run alone. */
static void copy_arrays(Arena *arena, const Twin *twin, ReferenceResult *result) {
    *result = twin->reference;
    size_t tokens = (size_t)(result->sequences * result->max_new);
    size_t logits = (size_t)(result->sequences * result->longest * result->vocabulary);
    result->tokens = ARENA_ARRAY(arena, tokens, int32_t);
    result->logits = ARENA_ARRAY(arena, logits, float);
    memcpy(result->tokens, twin->reference.tokens, tokens * sizeof(int32_t));
    memcpy(result->logits, twin->reference.logits, logits * sizeof(float));
}

/* Where neither is left out: what the single-rank program gave in place of what the reference says. */
static void take_single(const Twin *twin, ReferenceResult *result) {
    int64_t logits = result->sequences * result->longest * result->vocabulary;
    for (int64_t i = 0; i < result->sequences * result->max_new; ++i)
        if (result->tokens[i] >= 0)
            result->tokens[i] = twin->chosen[i];
    for (int64_t i = 0; i < logits; ++i)
        if (result->logits[i] == result->logits[i])
            result->logits[i] = twin->logits[i];
}

/* Every call that a rank made is that of the schedule. */
static bool check_calls(Program *of, const Verify *verify) {
    Run run = {0};
    RecordsReport report = {0};
    RecordsRequest request = {.schedule = of->schedule,
                              .dir = of->folder,
                              .prefix = fs_join(of->arena, of->folder, "record"),
                              .waves = verify->waves,
                              .decode = verify->tokens.max_new - 1};
    run.diag.arena = &run.arena;
    Status status = records_check(&run, &request, &report);
    if (status != STATUS_OK && report.findings.count > 0)
        verdict_fail(of->verdict, report.findings.items[0].code, "the calls of rank %lld: %s",
                     (long long)report.findings.items[0].rank, report.findings.items[0].text);
    else if (status != STATUS_OK || report.ranks != of->schedule->world)
        verdict_fail(of->verdict, "run: record", "%lld of %lld records can be read: %s",
                     (long long)report.ranks, (long long)of->schedule->world,
                     run.diag.count > 0 ? run.diag.messages[0].text : "");
    arena_free(&run.arena);
    return of->verdict->outcome == OUTCOME_PROVED;
}

static bool compare(Program *of, bool with_single, ProgramCounts *counts) {
    int64_t dtype = of->schedule->plan->inputs.workload.dtype;
    Verify verify = {.tokens = of->twin->tokens,
                     .tolerance = tolerances[dtype],
                     .closeness = closenesses[dtype]};
    copy_arrays(of->arena, of->twin, &verify.reference);
    verify_drop_close(&verify);
    if (with_single)
        take_single(of->twin, &verify.reference);
    if (verify.compared_tokens == verify.all_tokens &&
        verify.compared_positions == verify.all_positions)
        verify.closeness =
            0; /* every choice is sure, so that the bytes that follow from them are */
    verify_count(of->arena, of->schedule, &verify);
    const char *path = fs_join(of->arena, of->folder, "expected.bin");
    if (verify_write(of->arena, of->schedule, &verify, path, &of->diag) != STATUS_OK) {
        verdict_judge(of->verdict, &of->diag, "writing what is expected");
        return false;
    }
    *counts = (ProgramCounts){verify.all_tokens, verify.compared_tokens, verify.all_positions,
                              verify.compared_positions};
    return run(of, "verify", "--expected", "expected.bin", "--record", "record") &&
           check_calls(of, &verify);
}

static bool read_results(Program *of) {
    Twin *twin = of->twin;
    const ReferenceResult *like = &twin->reference;
    json_t *root = json_loads(build_tail(of->arena, of->folder, "run.log", SIZE_MAX),
                              JSON_DISABLE_EOF_CHECK, NULL);
    const json_t *lists = json_object_get(root, "tokens");
    twin->chosen = ARENA_ARRAY(of->arena, like->sequences * like->max_new, int32_t);
    bool whole = (int64_t)json_array_size(lists) == like->sequences;
    for (int64_t s = 0; whole && s < like->sequences; ++s) {
        const json_t *list = json_array_get(lists, (size_t)s);
        whole = (int64_t)json_array_size(list) == like->max_new;
        for (int64_t t = 0; whole && t < like->max_new; ++t)
            twin->chosen[s * like->max_new + t] =
                (int32_t)json_integer_value(json_array_get(list, (size_t)t));
    }
    json_decref(root);
    Npy npy;
    whole = whole &&
            npy_read(of->arena, fs_join(of->arena, of->folder, "logits.npy"), LOGITS_LIMIT, &npy,
                     &of->diag) == STATUS_OK &&
            npy.type == NPY_F32 &&
            npy.elements == like->sequences * like->longest * like->vocabulary;
    if (whole)
        twin->logits = (float *)npy.data;
    else
        verdict_fail(of->verdict, "run: results", "the single-rank program gave no results");
    return whole;
}

static bool twin_make(Twin *twin, const RandomCase *made, Verdict *verdict) {
    Plan *plan = ARENA_NEW(&twin->arena, Plan);
    Schedule *schedule = ARENA_NEW(&twin->arena, Schedule);
    Program of = {.arena = &twin->arena,
                  .twin = twin,
                  .schedule = schedule,
                  .folder = fs_join(&twin->arena, twin->folder, "single"),
                  .verdict = verdict};
    ProgramCounts counts;
    const int32_t max_new = (int32_t)made->max_new;
    const char *path = fs_join(of.arena, of.folder, "tokens.bin");
    if (!run_reference(&of, made) || !plan_single(&of, made, plan, schedule) || !make(&of) ||
        !compare(&of, false, &counts))
        return false;
    const Array arrays[] = {
        {"lengths", RT_I32, 1, {twin->tokens.sequences}, twin->tokens.lengths},
        {"ids", RT_I32, 2, {twin->tokens.sequences, twin->tokens.longest}, twin->tokens.ids},
        {"max_new", RT_I32, 1, {1}, &max_new},
    };
    if (arrays_write(path, NULL, arrays, 3, &of.diag) != STATUS_OK) {
        verdict_judge(verdict, &of.diag, "writing tokens");
        return false;
    }
    twin->ready =
        run(&of, "run", "--tokens", "tokens.bin", "--logits", "logits.npy") && read_results(&of);
    return twin->ready;
}

/* --- */

void program_check(Twin *twin, const RandomCase *made, const Schedule *schedule, Verdict *verdict,
                   ProgramCounts *counts) {
    if (!twin->ready && !twin_make(twin, made, verdict))
        return;
    Program of = {.arena = made->arena,
                  .twin = twin,
                  .schedule = schedule,
                  .folder = fs_join(made->arena, twin->folder, "case"),
                  .processes = made->processes,
                  .verdict = verdict};
    if (make(&of) && compare(&of, true, counts))
        build_remove(of.folder);
}
