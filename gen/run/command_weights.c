/* command_weights: gen weights. Maps a checkpoint to the ranks of a program; no element is read. */
#include "base/fs.h"
#include "base/jsonw.h"
#include "emit/weights.h"
#include "run/build.h"
#include "run/inputs.h"

/* What is to be said of some of the tensors. */
static const char *parts(Run *run, const WeightsSummary *summary) {
    const char *text = "";
    if (summary->scaled)
        text = arena_printf(&run->arena, ", %lld of them of 8 bits with scales",
                            (long long)summary->scaled);
    return summary->ignored ? arena_printf(&run->arena, "%s; %lld more not used", text,
                                           (long long)summary->ignored)
                            : text;
}

static void write_count(Jsonw *json, const char *name, int64_t count) {
    jsonw_key(json, name);
    jsonw_int(json, count);
}

Status command_weights(Run *run) {
    const char *dir = run->options.operand, *binary;
    Plan plan;
    Schedule schedule;
    WeightsSummary summary;
    TRY(build_binary(run, dir, &binary)); /* that it is a program; it need not be built */
    TRY(inputs_program_plan(run, dir, &plan));
    TRY(schedule_lower(&run->arena, &plan, &schedule, &run->diag));
    const char *map = fs_join(&run->arena, dir, "weights.map");
    TRY(weights_write_map(&run->arena, &schedule, run->options.values[OPTION_FROM], map, &summary,
                          &run->diag));
    if (!run_json(run)) {
        printf("wrote %s: %lld tensors of %lld %s%s\n", map, (long long)summary.tensors,
               (long long)summary.files, summary.files == 1 ? "file" : "files",
               parts(run, &summary));
        return STATUS_OK;
    }
    Buf text = {0};
    Jsonw json;
    jsonw_begin(&json, &text);
    jsonw_object(&json, false);
    write_count(&json, "files", summary.files);
    write_count(&json, "ignored", summary.ignored);
    jsonw_key(&json, "map");
    jsonw_string(&json, map);
    write_count(&json, "scaled", summary.scaled);
    write_count(&json, "tensors", summary.tensors);
    jsonw_end(&json);
    jsonw_finish(&json);
    fputs(text.data, stdout);
    buf_free(&text);
    return STATUS_OK;
}
