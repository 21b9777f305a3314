/* exhaustive: prices every legal plan of a reduced space (tests/lua/exhaustive.lua) and what auto takes, by the same
 * prices. Prints auto's score, the best one's and how many plans were priced; fails where a plan is better than
 * auto's by more than 2 % or a price is below its lower bound. Run by hand through bench/run.sh: it takes minutes.
 * usage: exhaustive SOURCE MODEL TOPOLOGY PURPOSE BATCH PREFILL CONTEXT f32|bf16 */
#include "plan/planner.h"
#include "run/price.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SECONDS = 3600 };

int main(int argc, char **argv) {
    Arena arena = {0};
    Diag diag = {.arena = &arena};
    Plan plan = {0};
    if (argc != 9) {
        fputs("usage: exhaustive SOURCE MODEL TOPOLOGY PURPOSE BATCH PREFILL CONTEXT f32|bf16\n",
              stderr);
        return 2;
    }
    plan.inputs.workload =
        (Workload){.batch = strtoll(argv[5], NULL, 10),
                   .prefill = strtoll(argv[6], NULL, 10),
                   .context = strtoll(argv[7], NULL, 10),
                   .dtype = strcmp(argv[8], "f32") == 0 ? ELEMENT_F32 : ELEMENT_BF16};
    Status status = model_read(&arena, argv[2], NULL, &plan.inputs.model, &diag);
    if (status == STATUS_OK)
        status = topology_read(&arena, argv[3], &plan.inputs.topology, &diag);
    diag.count = 0;
    if (status == STATUS_OK) {
        PlannerRequest request = {
            .strategy =
                arena_printf(&arena, "%s/tests/lua/exhaustive.lua:for=%s", argv[1], argv[4]),
            .seconds = SECONDS,
            .price = price_plan};
        status = planner_run(&arena, &request, &plan, &diag);
    }
    const char *said = diag.count > 0 ? diag.messages[0].text : "nothing";
    puts(said);
    bool good = status == STATUS_NEGATIVE && strstr(said, "good: auto");
    arena_free(&arena);
    return good ? 0 : 1;
}
