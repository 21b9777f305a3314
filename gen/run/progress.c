/* progress: what gen says on stderr while it works, and quantities written for people. */
#include "run/command.h"

#include <stdarg.h>
#include <stdio.h>

static void say(const char *format, va_list args) {
    fputs("gen: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
}

void run_say(const Run *run, const char *format, ...) {
    if (options_given(&run->options, OPTION_QUIET))
        return;
    va_list args;
    va_start(args, format);
    say(format, args);
    va_end(args);
}

void run_detail(const Run *run, const char *format, ...) {
    if (!options_given(&run->options, OPTION_VERBOSE))
        return;
    va_list args;
    va_start(args, format);
    say(format, args);
    va_end(args);
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
