/* progress: see progress.h. A line is one write, so that those of other processes do not come between. */
#include "core/progress.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const double interval = 0.1; /* [s] */
static const char erase[] = "\r\033[K";

bool rt_progress_wanted(const rt_options *options) {
    const char *term = getenv("TERM");
    return !options->quiet && isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0;
}

static void put(const char *text, size_t length) {
    ssize_t written = write(STDERR_FILENO, text, length);
    (void)written; /* a terminal that is gone shows nothing */
}

void rt_progress(rt_rank *rank, const char *format, ...) {
    if (!rank->shows)
        return;
    double now = rt_now();
    if (now < rank->shown + interval)
        return;
    char line[80]; /* short enough not to be wrapped */
    int head = snprintf(line, sizeof line, "%s%.30s: ", erase, rank->program->name);
    va_list args;
    va_start(args, format);
    int tail = vsnprintf(line + head, sizeof line - (size_t)head, format, args);
    va_end(args);
    size_t length = (size_t)head + (size_t)(tail > 0 ? tail : 0);
    put(line, length < sizeof line ? length : sizeof line - 1);
    rank->shown = now;
}

void rt_progress_end(rt_rank *rank) {
    if (rank->shows && rank->shown > 0)
        put(erase, sizeof erase - 1);
    rank->shown = 0;
}

void rt_progress_clear(const rt_options *options) {
    if (rt_progress_wanted(options))
        put(erase, sizeof erase - 1);
}
