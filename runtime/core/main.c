/* main: rt_main: from the command line through the ranks to what a verb prints. */
#include "core/backend.h"
#include "core/output.h"
#include "core/progress.h"
#include "core/report.h"
#include "core/scores.h"
#include "core/stream.h"
#include "core/emulate.h"

#include <errno.h>
#include <stdlib.h>

/* A program is data from a generator of perhaps another version: see that it is one of ours. */
static rt_status program_check(const rt_program *program, rt_error *error) {
    if (program->abi != RT_ABI_VERSION)
        return rt_error_set(error, RT_SOFTWARE,
                            "made for runtime interface %d, this runtime has %d; emit it anew",
                            program->abi, RT_ABI_VERSION);
    if (strlen(program->digest) != 16 || strlen(program->schedule) != 16 ||
        strlen(program->certificate) != 16 || program->world < 1 || program->batch < 1 ||
        program->prompt < 1 || program->vocabulary < 1)
        return rt_error_set(error, RT_SOFTWARE, "the program's tables are damaged");
    for (int32_t r = 0; r < program->world; ++r) {
        const rt_place *place = &program->places[r];
        if (place->role < 0 || place->role >= program->roles)
            return rt_error_set(error, RT_SOFTWARE, "rank %d has no role", r);
        const rt_role *role = &program->role[place->role];
        if (role->slab_bytes < 0 || role->zero_offset < 0 || role->zero_bytes < 0 ||
            role->zero_bytes > role->slab_bytes - role->zero_offset)
            return rt_error_set(error, RT_SOFTWARE, "role %s clears bytes outside its slab",
                                role->name);
        for (int32_t w = 0; w < place->weight_count; ++w) {
            const rt_weight *weight = &place->weights[w];
            int64_t layers = weight->layer_begin < 0 ? 1 : weight->layer_end - weight->layer_begin;
            int64_t rows = weight->row_end - weight->row_begin;
            int64_t columns = weight->column_end - weight->column_begin;
            int64_t end = weight->offset + (layers - 1) * weight->layer_stride +
                          ((rows - 1) * weight->pitch + columns) * rt_type_bytes(weight->type);
            if (rows > 0 && columns > 0 && (weight->offset < 0 || end > role->slab_bytes))
                return rt_error_set(error, RT_SOFTWARE, "rank %d: %s lies outside the slab", r,
                                    weight->name);
        }
    }
    return RT_OK;
}

/* Everything that is left once the ranks of a run have ended well. */
static rt_status report(const rt_segment *segment, bool *equal, rt_error *error) {
    const rt_options *options = segment->job->options;
    rt_results results;
    if (options->verb == RT_VERB_EMULATE)
        return rt_emulate_report(segment, error);
    if (options->verb == RT_VERB_PREFLIGHT)
        return rt_report_preflight(segment, equal, error);
    RT_TRY(rt_results_gather(&results, segment, error));
    rt_status status = RT_OK;
    if (options->out && options->verb != RT_VERB_MEASURE)
        status = rt_results_write(&results, segment, options->out, error);
    if (status == RT_OK && options->logits)
        status = rt_output_logits(segment, options->logits, error);
    if (status == RT_OK && options->scores)
        status = rt_scores_write(segment, options->scores, error);
    if (status == RT_OK && options->verb == RT_VERB_RUN)
        rt_report_run(&results, segment);
    if (status == RT_OK && options->verb == RT_VERB_VERIFY)
        status = rt_report_verify(&results, segment, equal, error);
    if (status == RT_OK && options->verb == RT_VERB_BENCH)
        rt_report_bench(&results, segment);
    if (status == RT_OK && options->verb == RT_VERB_MEASURE)
        status = rt_report_measure(segment, error);
    rt_results_free(&results);
    return status;
}

static rt_status program_run(const rt_program *program, const rt_options *options, char **argv,
                             bool *equal, rt_error *error) {
    rt_job job;
    rt_segment segment;
    bool leader;
    RT_TRY(rt_job_open(&job, program, options, error));
    rt_status status = rt_segment_plan(&segment, &job, error);
    if (status != RT_OK)
        goto close_job;
    status = rt_backend_launch(&segment, argv, &leader, error);
    if (segment.stream) {
        rt_error stream_error = {0};
        if (rt_stream_end(&segment, &stream_error) != RT_OK && status == RT_OK)
            status = rt_error_set(error, stream_error.status, "%s", stream_error.text);
    }
    if (leader && status != RT_OK)
        rt_progress_clear(options);
    if (leader && segment.base && options->trace) { /* also of a run that failed */
        rt_error trace_error = {0};
        if (rt_output_trace(&segment, options->trace, &trace_error) != RT_OK && status == RT_OK)
            status = rt_error_set(error, trace_error.status, "%s", trace_error.text);
    }
    if (leader && status == RT_OK)
        status = report(&segment, equal, error);
    rt_segment_close(&segment);
close_job:
    rt_job_close(&job);
    return status;
}

int rt_main(const rt_program *program, int argc, char **argv) {
    rt_error error = {0};
    rt_options options;
    bool equal = true;
    if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        printf("%sTransports: %s.\n", rt_options_help(), rt_backend_transports());
        return 0;
    }
    rt_status status = program_check(program, &error);
    if (status == RT_OK)
        status = rt_options_read(&options, argc, argv, &error);
    if (status == RT_OK)
        status = rt_backend_check(program, &options, &error);
    if (status == RT_OK && options.verb == RT_VERB_INFO)
        rt_report_info(program, options.json);
    else if (status == RT_OK)
        status = program_run(program, &options, argv, &equal, &error);
    if (status != RT_OK && *error.text)
        fprintf(stderr, "%s: %s\n", program->name, error.text);
    if ((fflush(stdout) != 0 || ferror(stdout)) && status == RT_OK) {
        fprintf(stderr, "%s: the output cannot be written: %s\n", program->name, strerror(errno));
        status = RT_CANTCREAT;
    }
    return status != RT_OK ? (int)status : equal ? 0 : 1;
}
