/* command_weights: gen weights. Maps a checkpoint to the ranks of a program; no element is read. */
#include "base/fs.h"
#include "base/jsonw.h"
#include "emit/weights.h"
#include "run/build.h"
#include "run/inputs.h"

Status command_weights(Run *run) {
    const char *dir = run->options.operand, *binary;
    Plan plan;
    Schedule schedule;
    TRY(build_binary(run, dir, &binary)); /* that it is a program; it need not be built */
    TRY(inputs_program_plan(run, dir, &plan));
    TRY(schedule_lower(&run->arena, &plan, &schedule, &run->diag));
    const char *map = fs_join(&run->arena, dir, "weights.map");
    TRY(weights_write_map(&run->arena, &schedule, run->options.values[OPTION_FROM], map,
                          &run->diag));
    if (!run_json(run)) {
        printf("wrote %s\n", map);
        return STATUS_OK;
    }
    Buf text = {0};
    Jsonw json;
    jsonw_begin(&json, &text);
    jsonw_object(&json, false);
    jsonw_key(&json, "map");
    jsonw_string(&json, map);
    jsonw_end(&json);
    jsonw_finish(&json);
    fputs(text.data, stdout);
    buf_free(&text);
    return STATUS_OK;
}
