/* command_help: gen help, --help and --version. */
#include "run/command.h"

#include <string.h>

Status command_help(Run *run) {
    const char *name = run->options.operand;
    if (options_given(&run->options, OPTION_VERSION)) {
        puts("gen (Toposmith) " TOPOSMITH_VERSION);
        return STATUS_OK;
    }
    if (!name) {
        options_help(stdout);
        return STATUS_OK;
    }
    Verb verb = options_verb(name);
    if (verb == VERBS) {
        const char *nearest = options_nearest_verb(name);
        diag_error(&run->diag, diag_nowhere(), "E0910",
                   nearest ? arena_printf(&run->arena, "did you mean %s?", nearest)
                           : "see: gen --help",
                   "unknown verb '%s'", name);
        return STATUS_USAGE;
    }
    options_help_verb(verb, stdout);
    return STATUS_OK;
}
