/* gen: the table of verbs, nothing else. */
#include "run/command.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const Command commands[VERBS] = {
    [VERB_INIT] = command_init,
    [VERB_MAKE] = command_make,
    [VERB_PLAN] = command_plan,
    [VERB_CHECK] = command_check,
    [VERB_EMIT] = command_emit,
    [VERB_BUILD] = command_build,
    [VERB_WEIGHTS] = command_weights,
    [VERB_RUN] = command_run,
    [VERB_VERIFY] = command_verify,
    [VERB_BENCH] = command_bench,
    [VERB_SIMULATE] = command_simulate,
    [VERB_SHOW] = command_show,
    [VERB_DIFF] = command_diff,
    [VERB_SWEEP] = command_sweep,
    [VERB_REPORT] = command_report,
    [VERB_DOCTOR] = command_doctor,
    [VERB_EXPLAIN] = command_explain,
    [VERB_CALIBRATE] = command_calibrate,
    [VERB_PERPLEXITY] = command_perplexity,
    [VERB_TOKENS] = command_tokens,
    [VERB_HELP] = command_help,
};

/* Colour on a terminal, unless the user said no (https://no-color.org). */
static bool wants_color(void) {
    const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
    return isatty(STDERR_FILENO) && !(no && *no) && !(term && strcmp(term, "dumb") == 0);
}

int main(int argc, char **argv) {
    Run run = {0};
    run.diag.arena = &run.arena;
    run.diag.color = wants_color();
    Status status = options_parse(argc, argv, &run.options, &run.diag);
    if (status == STATUS_OK)
        status = commands[run.options.verb](&run);
    if ((fflush(stdout) != 0 || ferror(stdout)) && (int)status <= STATUS_NEGATIVE) {
        diag_error(&run.diag, diag_nowhere(), "E0904", NULL,
                   "standard output cannot be written: not all of the answer was printed");
        status = STATUS_CANTCREAT;
    }
    run_progress_end(&run);
    diag_render(&run.diag, stderr);
    arena_free(&run.arena);
    return status;
}
