/* command_verify: gen verify. The reference and the schedule say what is to come out; the program compares
 * itself with that, and gen adds how close the choices were. */
#include "base/fs.h"
#include "run/certified.h"
#include "run/inputs.h"
#include "run/map.h"
#include "run/records.h"
#include "run/runner.h"
#include "run/verify.h"

static Status read_tokens(Run *run, const Plan *plan, Tokens *tokens, const Tokens **given) {
    const Workload *workload = &plan->inputs.workload;
    const TokensBounds bounds = {plan->inputs.model.vocabulary, workload->prefill,
                                 workload->context};
    const char *path = run->options.values[OPTION_TOKENS];
    int64_t max_new;
    *given = path ? tokens : NULL;
    TRY(options_int(&run->options, OPTION_MAX_NEW_TOKENS, 1, 1 << 24, 0, &max_new, &run->diag));
    if (path)
        return tokens_read(&run->arena, path, &bounds, max_new, tokens, &run->diag);
    if (max_new) {
        diag_error(&run->diag, options_place(&run->diag, OPTION_MAX_NEW_TOKENS), "E0915",
                   "give --tokens as well", "made-up prompts come with a number of new tokens");
        return STATUS_USAGE;
    }
    return STATUS_OK;
}

static Status find_checkpoint(Run *run, const char **checkpoint) {
    const char *map = run->options.values[OPTION_WEIGHTS];
    *checkpoint = NULL;
    if (!map)
        map = fs_join(&run->arena, run->options.operand, "weights.map");
    if (!options_given(&run->options, OPTION_WEIGHTS) && !fs_exists(map))
        return STATUS_OK;
    return map_checkpoint(&run->arena, map, checkpoint, &run->diag);
}

static void json_margin(Jsonw *json, const char *key, const ReferenceMargin *margin) {
    jsonw_key(json, key);
    jsonw_object(json, true);
    jsonw_key(json, "layer");
    jsonw_int(json, margin->layer);
    jsonw_key(json, "position");
    jsonw_int(json, margin->position);
    jsonw_key(json, "sequence");
    jsonw_int(json, margin->sequence);
    jsonw_key(json, "value");
    jsonw_real(json, margin->value);
    jsonw_end(json);
}

/* The program's object, with ours as its last members. */
static void report_json(const Verify *verify, const RecordsReport *records, Buf *program) {
    Buf ours = {0};
    Jsonw json;
    jsonw_begin(&json, &ours);
    jsonw_object(&json, false);
    records_json(records, &json);
    jsonw_key(&json, "reference");
    jsonw_object(&json, false);
    json_margin(&json, "argmax_margin", &verify->reference.argmax);
    jsonw_key(&json, "compared_positions");
    jsonw_int(&json, verify->compared_positions);
    jsonw_key(&json, "compared_tokens");
    jsonw_int(&json, verify->compared_tokens);
    json_margin(&json, "router_margin", &verify->reference.router);
    jsonw_end(&json);
    jsonw_end(&json);
    jsonw_finish(&json);
    while (program->length && program->data[program->length - 1] != '}')
        program->length--;
    if (program->length) /* without the brace that opens ours */
        printf("%.*s,%s", (int)program->length - 1, program->data, ours.data + 1);
    else
        fputs(ours.data, stdout);
    buf_free(&ours);
}

static void report_text(Run *run, const Verify *verify, const RecordsReport *records,
                        const Buf *program) {
    fputs(program->data ? program->data : "", stdout);
    printf("%s\n%s\n", records_text(run, records), verify_margins(&run->arena, verify));
    if (verify->compared_tokens < verify->all_tokens ||
        verify->compared_positions < verify->all_positions)
        printf(
            "compared %lld of %lld tokens and %lld of %lld positions: after a choice closer than "
            "rounding, either answer is right\n",
            (long long)verify->compared_tokens, (long long)verify->all_tokens,
            (long long)verify->compared_positions, (long long)verify->all_positions);
}

/* A failure of the program is its own; what its ranks had done until then may be the cause, and is told beside it. */
static Status run_and_report(Run *run, Runner *runner, const Verify *verify,
                             RecordsRequest *request) {
    Buf output = {0};
    RecordsReport records;
    if (run_json(run))
        runner_add(runner, "--json");
    Status status = runner_run(run, runner, &output);
    request->failed = status != STATUS_OK && status != STATUS_NEGATIVE;
    Status calls = records_check(run, request, &records);
    if (run_json(run))
        report_json(verify, &records, &output);
    else
        report_text(run, verify, &records, &output);
    buf_free(&output);
    return status != STATUS_OK ? status : calls;
}

static void show_progress(void *context, int64_t done, int64_t all) {
    run_progress(context, "computing the reference: %lld of %lld tokens", (long long)done,
                 (long long)all);
}

Status command_verify(Run *run) {
    const char *dir = run->options.operand;
    Plan plan;
    Schedule schedule;
    Tokens tokens;
    Runner runner;
    Scratch scratch;
    Verify verify;
    VerifyRequest request = {.schedule = &schedule, .progress = show_progress, .context = run};
    TRY(inputs_program_plan(run, dir, &plan));
    certified_warn(run, dir);
    TRY(read_tokens(run, &plan, &tokens, &request.tokens));
    TRY(find_checkpoint(run, &request.checkpoint));
    TRY(schedule_lower(&run->arena, &plan, &schedule, &run->diag));
    TRY(runner_begin(run, dir, "verify", &runner));
    TRY(scratch_open(run, "expected.rta", &scratch));
    request.path = scratch.path;
    Status status = STATUS_OK;
    run_say(run, "computing the reference in double precision");
    TRY_TO(verify_prepare(&run->arena, &request, &verify, &run->diag), done);
    run_say(run, "running %lld ranks on this machine", (long long)plan.ranks.count);
    runner_add(&runner, "--expected");
    runner_add(&runner, request.path);
    const char *prefix = run->options.values[OPTION_RECORD];
    RecordsRequest records = {.schedule = &schedule,
                              .dir = dir,
                              .prefix = prefix ? prefix : scratch.prefix,
                              .waves = verify.waves,
                              .decode = verify.tokens.max_new - 1};
    scratch.ranks = prefix ? 0 : schedule.world;
    runner_add(&runner, "--record");
    runner_add(&runner, records.prefix);
    status = run_and_report(run, &runner, &verify, &records);
done:
    scratch_close(&scratch);
    return status;
}
