/* verify: see verify.h. */
#include "run/verify.h"

#include "run/arrays.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* By element type, f32 bf16 f16. Rounding to bf16 after each operation was tried on the shipped
 * models: where no expert changed, logits moved by up to 0.013 of the largest (0.045 where an
 * earlier token of the sequence had changed experts), and experts changed up to a router margin
 * of 0.01. f16 has 3 bits more. */
static const double tolerances[] = {1e-5, 3e-2, 4e-3};
static const double closenesses[] = {0, 1e-2, 1.25e-3};
static const double speed = 1e9; /* multiply-adds a second that any machine in use reaches */

/* --- can it be done --------------------------------------------------------------------------- */

/* Bytes that the system says can be had; 0: it does not say. */
static double memory_available(void) {
    double kib = 0;
    char line[128];
    FILE *file = fopen("/proc/meminfo", "r");
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "MemAvailable: %lf kB", &kib) == 1)
            break;
    if (file)
        fclose(file);
    return kib * 1024;
}

static const char *const go_on =
    "verify the same plan with a smaller model: cut layers, hidden or vocabulary, then make again; "
    "or "
    "give fewer and shorter prompts with --tokens; `gen run` needs no reference";

static Status check_effort(const VerifyRequest *request, const ReferencePrompts *prompts,
                           Diag *diag) {
    const Model *model = &request->schedule->plan->inputs.model;
    double available = memory_available(), needed = reference_memory(model, prompts);
    double limit = request->seconds > 0 ? request->seconds : VERIFY_SECONDS;
    double seconds = reference_work(model, prompts) / speed;
    if (available > 0 && needed > 0.9 * available) {
        diag_error(diag, diag_nowhere(), "E0821", go_on,
                   "the reference needs %.1f GB of memory for this model, %.1f GB are free",
                   needed / 1e9, available / 1e9);
        return STATUS_UNAVAILABLE;
    }
    if (seconds > limit) {
        diag_error(diag, diag_nowhere(), "E0820", go_on,
                   "the reference would compute for about %.0f minutes, more than %.0f",
                   seconds / 60, limit / 60);
        return STATUS_UNAVAILABLE;
    }
    return STATUS_OK;
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static Status run_reference(Arena *arena, const VerifyRequest *request, Verify *verify,
                            Diag *diag) {
    const PlanInputs *inputs = &request->schedule->plan->inputs;
    ReferencePrompts prompts = {.sequences = verify->tokens.sequences,
                                .longest = verify->tokens.longest,
                                .lengths = verify->tokens.lengths,
                                .ids = verify->tokens.ids,
                                .max_new = verify->tokens.max_new,
                                .progress = request->progress,
                                .context = request->context};
    Safetensors checkpoint;
    Reference *reference;
    TRY(check_effort(request, &prompts, diag));
    if (request->checkpoint)
        TRY(safetensors_open(arena, request->checkpoint, 0, &checkpoint, diag));
    double start = now();
    TRY(reference_open(&reference, &inputs->model, inputs->workload.dtype,
                       request->checkpoint ? &checkpoint : NULL, 0, diag));
    reference_run(reference, &prompts, true, arena, &verify->reference);
    reference_close(reference);
    verify->seconds = now() - start;
    return STATUS_OK;
}

/* --- what can be compared --------------------------------------------------------------------- */

/* First position of a sequence whose routing is too close; all its positions if there is none. */
static int64_t first_close_position(const Verify *verify, int64_t sequence) {
    const ReferenceResult *reference = &verify->reference;
    int64_t used = verify->tokens.lengths[sequence] + reference->max_new - 1, position = 0;
    const double *margins = reference->router_margin + sequence * reference->positions;
    while (position < used && margins[position] >= verify->closeness)
        position++;
    return position;
}

static void drop_close_tokens(Verify *verify, int64_t sequence, int64_t close) {
    const ReferenceResult *reference = &verify->reference;
    bool certain = true;
    for (int64_t step = 0; step < reference->max_new; step++) {
        int64_t at = sequence * reference->max_new + step;
        certain = certain && verify->tokens.lengths[sequence] + step - 1 < close &&
                  reference->argmax_margin[at] >= verify->tolerance;
        if (certain)
            verify->compared_tokens++;
        else
            reference->tokens[at] = -1;
    }
}

static void drop_close_logits(Verify *verify, int64_t sequence, int64_t close) {
    const ReferenceResult *reference = &verify->reference;
    for (int64_t p = 0; p < verify->tokens.lengths[sequence]; p++) {
        float *row =
            reference->logits + (sequence * reference->longest + p) * reference->vocabulary;
        if (p < close)
            verify->compared_positions++;
        else
            for (int64_t i = 0; i < reference->vocabulary; i++)
                row[i] = NAN;
    }
}

void verify_drop_close(Verify *verify) {
    for (int64_t s = 0; s < verify->tokens.sequences; s++) {
        int64_t close = first_close_position(verify, s);
        verify->all_tokens += verify->tokens.max_new;
        verify->all_positions += verify->tokens.lengths[s];
        drop_close_tokens(verify, s, close);
        drop_close_logits(verify, s, close);
    }
}

/* Without rounding of activations nothing is too close: a difference is to be seen. */
static void choose_tolerance(const VerifyRequest *request, Verify *verify) {
    int64_t dtype = request->schedule->plan->inputs.workload.dtype;
    verify->tolerance = request->tolerance > 0 ? request->tolerance : tolerances[dtype];
    verify->closeness = closenesses[dtype];
}

/* --- counters --------------------------------------------------------------------------------- */

/* Bytes that follow from the routing are not known where the routing is not certain. */
static void forget_exact_bytes(const Schedule *schedule, Counters *counters) {
    for (int64_t e = 0; e < schedule->exchanges.count; e++) {
        const Exchange *exchange = &schedule->exchanges.items[e];
        if (exchange->mode != MODE_EXACT)
            continue;
        for (int64_t s = 0; s < exchange->sources.count; s++)
            for (int64_t t = 0; t < exchange->targets.count; t++) {
                int64_t source = exchange->sources.items[s].rank;
                int64_t target = exchange->targets.items[t].rank;
                counters->bytes[source * schedule->world + target] = -1;
                counters->bytes[target * schedule->world + source] = -1;
            }
    }
}

/* The program runs its first prefill step once a wave and its first decode step for each further
 * token. */
void verify_count(Arena *arena, const Schedule *schedule, Verify *verify) {
    const Plan *plan = schedule->plan;
    int64_t batch = plan->inputs.workload.batch;
    int64_t waves = (verify->tokens.sequences + batch - 1) / batch;
    verify->waves = waves;
    bool done[2] = {false, false};
    VerifyRouting routing;
    verify_routing_begin(arena, schedule, &verify->tokens, &verify->reference, &routing);
    verify->counters = counters_begin(arena, schedule);
    for (int64_t i = 0; i < plan->steps.count; i++) {
        bool decode = plan->steps.items[i].phase == PHASE_DECODE;
        int64_t calls = decode ? waves * (verify->tokens.max_new - 1) : waves;
        if (!done[decode] && calls)
            counters_add_step(schedule, i, 0, calls, verify_exchange_counts, &routing,
                              &verify->counters);
        done[decode] = true;
    }
    if (verify->closeness > 0)
        forget_exact_bytes(schedule, &verify->counters);
}

/* --- the file --------------------------------------------------------------------------------- */

Status verify_write(Arena *arena, const Schedule *schedule, const Verify *verify, const char *path,
                    Diag *diag) {
    const Tokens *tokens = &verify->tokens;
    const ReferenceResult *reference = &verify->reference;
    const Counters *counters = &verify->counters;
    int64_t world = schedule->world, sequences = tokens->sequences;
    int32_t max_new = (int32_t)tokens->max_new;
    Array arrays[] = {
        {"lengths", RT_I32, 1, {sequences}, tokens->lengths},
        {"ids", RT_I32, 2, {sequences, tokens->longest}, tokens->ids},
        {"max_new", RT_I32, 1, {1}, &max_new},
        {"tokens", RT_I32, 2, {sequences, tokens->max_new}, reference->tokens},
        {"logits",
         RT_F32,
         3,
         {sequences, tokens->longest, reference->vocabulary},
         reference->logits},
        {"tolerance", RT_F64, 1, {1}, &verify->tolerance},
        {"operations", RT_I64, 2, {world, OP_KINDS}, counters->operations},
        {"bytes", RT_I64, 2, {world, world}, counters->bytes},
        {"weights", RT_I64, 1, {world}, counters->weights},
    };
    Buf plan = {0};
    plan_write(schedule->plan, &plan);
    const char *digest = plan_digest(arena, plan.data, plan.length);
    buf_free(&plan);
    return arrays_write(path, digest, arrays, sizeof arrays / sizeof *arrays, diag);
}

/* --- */

Status verify_prepare(Arena *arena, const VerifyRequest *request, Verify *verify, Diag *diag) {
    const PlanInputs *inputs = &request->schedule->plan->inputs;
    const TokensBounds bounds = {.vocabulary = inputs->model.vocabulary,
                                 .prompt = inputs->workload.prefill,
                                 .context = inputs->workload.context};
    *verify = (Verify){0};
    choose_tolerance(request, verify);
    if (request->tokens)
        verify->tokens = *request->tokens;
    else
        tokens_make(arena, &bounds, inputs->workload.batch, &verify->tokens);
    TRY(run_reference(arena, request, verify, diag));
    verify_count(arena, request->schedule, verify);
    verify_drop_close(verify);
    return verify_write(arena, request->schedule, verify, request->path, diag);
}

const char *verify_margins(Arena *arena, const Verify *verify) {
    const ReferenceMargin *router = &verify->reference.router, *argmax = &verify->reference.argmax;
    return arena_printf(arena,
                        "smallest router margin %.3g (sequence %lld, position %lld, layer %lld), "
                        "smallest argmax margin %.3g (sequence %lld, position %lld)",
                        router->value, (long long)router->sequence, (long long)router->position,
                        (long long)router->layer, argmax->value, (long long)argmax->sequence,
                        (long long)argmax->position);
}
