/* options_table: the declarations behind options.h. Rows are read by options.c, and by gen/pages, which makes
 * the man page and the completions of them. */
#pragma once

#include "run/options.h"

typedef struct OptionInfo {
    uint32_t verbs, needed; /* bit masks over Verb: takes it, cannot do without it */
    char letter;            /* short form, or 0 */
    const char *name;       /* long form without dashes */
    const char *argument;   /* as shown in the help; NULL: a flag */
    const char *doc;
    bool many; /* may be given several times */
} OptionInfo;

extern const OptionInfo option_info[OPTIONS];
