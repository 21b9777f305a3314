/* calibrate_write: puts measured rows into the text of a topology, so that its comments stay. */
#include "base/fs.h"
#include "run/calibrate.h"

#include <math.h>
#include <string.h>

enum { TOPOLOGY_BYTES = 1 << 20 };

/* Where `measured:` begins and the next key of the file, in the text; both its end if there is none. Keys of the top
 * level stand at the beginning of a line. */
static void find_measured(const char *text, size_t length, size_t *begin, size_t *end) {
    const char *at = text;
    *begin = *end = length;
    while (at && strncmp(at, "measured:", 9) != 0) {
        at = strchr(at, '\n');
        at = at ? at + 1 : NULL;
    }
    if (!at)
        return;
    *begin = (size_t)(at - text);
    while ((at = strchr(at, '\n'))) {
        at++;
        if (*at != ' ' && *at != '\n' && *at != '#' && *at != '-' && *at) {
            *end = (size_t)(at - text);
            return;
        }
        if (!*at)
            return;
    }
}

/* Four digits: more would pretend to be known. */
static void put_real(Buf *text, const char *key, double value) {
    buf_printf(text, ", %s: %.4g", key, value);
}

static void put_kernel(Buf *text, const MeasuredKernel *row) {
    buf_printf(text, "    - {kind: %s, ranks: %lld", row->kind, (long long)row->ranks);
    put_real(text, "seconds", row->seconds);
    if (row->per_element > 0)
        put_real(text, "per_element", row->per_element);
    put_real(text, "low", row->low);
    put_real(text, "high", row->high);
    buf_puts(text, row->points.count ? ",\n       points: [" : "");
    for (int64_t i = 0; i < row->points.count; i++)
        buf_printf(text, "%s{intensity: %.6g, per_byte: %.4g}",
                   i == 0       ? ""
                   : i % 3 == 0 ? ",\n                "
                                : ", ",
                   row->points.items[i].intensity, row->points.items[i].per_byte);
    buf_puts(text, row->points.count ? "]}\n" : "}\n");
}

static void put_measured(Buf *text, const Measured *measured) {
    buf_puts(text,
             "measured:                      # by gen calibrate; all ranks on this one machine\n");
    buf_printf(text, "  processor: \"%s\"\n  cores: %lld\n  dtype: %s\n", measured->processor,
               (long long)measured->cores, measured->dtype);
    buf_puts(text, "  # An operation takes seconds + bytes x per_byte at its FLOPs a byte + "
                   "per_element for each\n"
                   "  # value that passes a softmax or an activation, times low to high in nine of "
                   "ten cases.\n"
                   "  # ranks: that ran at once.\n"
                   "  kernels:\n");
    for (int64_t i = 0; i < measured->kernels.count; i++)
        put_kernel(text, &measured->kernels.items[i]);
    buf_puts(text, measured->moves.count ? "  moves:\n" : "");
    for (int64_t i = 0; i < measured->moves.count; i++) {
        const MeasuredMove *row = &measured->moves.items[i];
        buf_printf(text, "    - {kind: %s, ranks: %lld", row->kind, (long long)row->ranks);
        put_real(text, "seconds", row->seconds);
        put_real(text, "per_byte", row->per_byte);
        put_real(text, "low", row->low);
        put_real(text, "high", row->high);
        buf_puts(text, "}\n");
    }
}

Status calibrate_write(Run *run, const char *topology, const Measured *measured, const char *path) {
    char *source;
    size_t length, begin, end;
    Buf text = {0};
    TRY(fs_read(&run->arena, topology, TOPOLOGY_BYTES, &source, &length, &run->diag));
    find_measured(source, length, &begin, &end);
    buf_append(&text, source, begin);
    if (begin > 0 && source[begin - 1] != '\n')
        buf_putc(&text, '\n');
    if (begin == length)
        buf_putc(&text, '\n');
    put_measured(&text, measured);
    buf_append(&text, source + end, length - end);
    Status status = fs_write(path, text.data, text.length, &run->diag);
    buf_free(&text);
    return status;
}
