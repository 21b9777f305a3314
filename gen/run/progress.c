/* progress: what gen says on stderr while it works, and quantities written for people. */
#include "run/command.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static const char erase[] = "\r\033[K";

static void say(const Run *run, const char *format, va_list args) {
    run_progress_end(run);
    fputs("gen: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
}

void run_say(const Run *run, const char *format, ...) {
    if (options_given(&run->options, OPTION_QUIET))
        return;
    va_list args;
    va_start(args, format);
    say(run, format, args);
    va_end(args);
}

void run_detail(const Run *run, const char *format, ...) {
    if (!options_given(&run->options, OPTION_VERBOSE))
        return;
    va_list args;
    va_start(args, format);
    say(run, format, args);
    va_end(args);
}

bool run_progress_wanted(const Run *run) {
    const char *term = getenv("TERM");
    return !options_given(&run->options, OPTION_QUIET) && isatty(STDERR_FILENO) && term &&
           strcmp(term, "dumb") != 0;
}

/* Columns of the terminal; a line that is wrapped could not be written over. */
static size_t columns(void) {
    struct winsize size;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 8 ? size.ws_col : 80;
}

void run_progress(const Run *run, const char *format, ...) {
    char line[256];
    if (!run_progress_wanted(run))
        return;
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    size_t length = strlen(line), room = columns() - sizeof "gen: ";
    if (length > room)
        length = room;
    while (length > 0 && length < strlen(line) && (line[length] & 0xC0) == 0x80)
        length--; /* no half of a character */
    fprintf(stderr, "%sgen: %.*s", erase, (int)length, line);
    fflush(stderr);
}

void run_progress_end(const Run *run) {
    if (run_progress_wanted(run))
        fputs(erase, stderr);
}

const char *run_bytes(Run *run, double bytes) {
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    int unit = 0;
    for (; bytes >= 1024 && unit < 4; unit++)
        bytes /= 1024;
    return arena_printf(&run->arena, unit ? "%.2f %s" : "%.0f %s", bytes, units[unit]);
}

const char *run_seconds(Run *run, double seconds) {
    if (seconds < 1e-3)
        return arena_printf(&run->arena, "%.1f us", seconds * 1e6);
    if (seconds < 1)
        return arena_printf(&run->arena, "%.3f ms", seconds * 1e3);
    return arena_printf(&run->arena, "%.2f s", seconds);
}
