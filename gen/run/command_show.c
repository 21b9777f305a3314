/* command_show: gen show. A plan, or what one rank of it holds and does. */
#include "show/show.h"
#include "run/inputs.h"

#include <string.h>

static Status wants_json(Run *run, bool *json) {
    const char *format = run->options.values[OPTION_FORMAT];
    *json = run_json(run) || (format && strcmp(format, "json") == 0);
    if (!format || *json || strcmp(format, "text") == 0)
        return STATUS_OK;
    diag_error(&run->diag, options_place(&run->diag, OPTION_FORMAT), "E0918", "write text or json",
               "there is no format '%s'", format);
    return STATUS_USAGE;
}

Status command_show(Run *run) {
    Plan plan;
    Schedule schedule;
    int64_t rank;
    bool json;
    Buf text = {0};
    TRY(wants_json(run, &json));
    TRY(inputs_operand_plan(run, &plan));
    TRY(options_int(&run->options, OPTION_RANK, 0, plan.ranks.count - 1, -1, &rank, &run->diag));
    TRY(schedule_lower(&run->arena, &plan, &schedule, &run->diag));
    if (rank < 0 && json)
        plan_write(&plan, &text);
    else if (rank < 0)
        show_plan_text(&schedule, &text);
    else if (json)
        show_rank_json(&schedule, rank, &text);
    else
        show_rank_text(&schedule, rank, &text);
    fwrite(text.data, 1, text.length, stdout);
    buf_free(&text);
    return STATUS_OK;
}
