/* expect: what an emitted program must compute, as the file that its verb `verify` reads, so that it can be verified where
 * there is no gen. In float32 logits may differ by 1e-4 of the largest: a GPU sums in other orders than the reference.
 * usage: expect DIR FILE [TOKENS.json NEW [WEIGHTS]]   WEIGHTS: folder of the checkpoint; without it random ones */
#include "plan/plan.h"
#include "run/verify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static Status expect(Arena *arena, int argc, char **argv, Diag *diag) {
    Plan plan;
    Schedule schedule;
    Tokens tokens;
    Verify verify;
    TRY(plan_read(arena, arena_printf(arena, "%s/plan.json", argv[1]), &plan, diag));
    TRY(schedule_lower(arena, &plan, &schedule, diag));
    const Workload *workload = &plan.inputs.workload;
    VerifyRequest request = {.schedule = &schedule, .path = argv[2]};
    if (workload->dtype == ELEMENT_F32)
        request.tolerance = 1e-4;
    if (argc > 4) {
        const TokensBounds bounds = {plan.inputs.model.vocabulary, workload->prefill,
                                     workload->context};
        TRY(tokens_read(arena, argv[3], &bounds, atoll(argv[4]), &tokens, diag));
        request.tokens = &tokens;
    }
    if (argc > 5)
        request.checkpoint = argv[5];
    TRY(verify_prepare(arena, &request, &verify, diag));
    printf("%lld of %lld tokens and %lld of %lld positions can be compared\n",
           (long long)verify.compared_tokens, (long long)verify.all_tokens,
           (long long)verify.compared_positions, (long long)verify.all_positions);
    return STATUS_OK;
}

int main(int argc, char **argv) {
    Arena arena = {0};
    Diag diag = {.arena = &arena};
    if (argc != 3 && argc != 5 && argc != 6) {
        fputs("usage: expect DIR FILE [TOKENS.json NEW [WEIGHTS]]\n", stderr);
        return STATUS_USAGE;
    }
    Status status = expect(&arena, argc, argv, &diag);
    diag_render(&diag, stderr);
    arena_free(&arena);
    return (int)status;
}
