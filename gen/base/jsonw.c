/* JSON writer: see jsonw.h. It owns nothing: text goes to the caller's Buf. */
#include "base/jsonw.h"

#include "base/number.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void jsonw_begin(Jsonw *json, Buf *out) {
    *json = (Jsonw){.out = out, .depth = -1};
}

static void newline(Jsonw *json, int depth) {
    buf_putc(json->out, '\n');
    for (int i = 0; i < depth; i++)
        buf_puts(json->out, "  ");
}

/* What stands between the previous value of this level and the next one. */
static void separate(Jsonw *json) {
    if (json->after_key) {
        json->after_key = false;
        return;
    }
    if (json->depth < 0)
        return;
    bool first = json->first[json->depth];
    json->first[json->depth] = false;
    if (!first)
        buf_putc(json->out, ',');
    if (!json->inlined[json->depth])
        newline(json, json->depth + 1);
    else if (!first)
        buf_putc(json->out, ' ');
}

static void open_level(Jsonw *json, bool inlined, bool array) {
    separate(json);
    bool outer = json->depth >= 0 && json->inlined[json->depth];
    json->depth++;
    assert(json->depth < JSONW_DEPTH);
    json->inlined[json->depth] = inlined || outer;
    json->first[json->depth] = true;
    json->array[json->depth] = array;
    buf_putc(json->out, array ? '[' : '{');
}

void jsonw_object(Jsonw *json, bool inlined) {
    open_level(json, inlined, false);
}

void jsonw_array(Jsonw *json, bool inlined) {
    open_level(json, inlined, true);
}

void jsonw_end(Jsonw *json) {
    assert(json->depth >= 0 && !json->after_key);
    if (!json->first[json->depth] && !json->inlined[json->depth])
        newline(json, json->depth);
    buf_putc(json->out, json->array[json->depth] ? ']' : '}');
    json->depth--;
}

/* Control characters are escaped, those of U+0080 to U+009F too: YAML readers refuse them as
 * bytes. */
static void write_text(Buf *out, const char *text) {
    buf_putc(out, '"');
    for (const char *c = text; *c; c++) {
        if (*c == '"' || *c == '\\')
            buf_printf(out, "\\%c", *c);
        else if (*c == '\n')
            buf_puts(out, "\\n");
        else if (*c == '\t')
            buf_puts(out, "\\t");
        else if ((unsigned char)*c < 0x20 || *c == 0x7f)
            buf_printf(out, "\\u%04x", *c);
        else if (*c == '\xc2' && (unsigned char)c[1] < 0xa0)
            buf_printf(out, "\\u%04x", (unsigned char)*++c);
        else
            buf_putc(out, *c);
    }
    buf_putc(out, '"');
}

void jsonw_key(Jsonw *json, const char *key) {
    assert(json->depth >= 0 && !json->array[json->depth] && !json->after_key);
    char *last = json->last[json->depth];
    assert((json->first[json->depth] || strncmp(last, key, sizeof(json->last[0]) - 1) <= 0) &&
           "keys are written in byte order");
    separate(json);
    snprintf(last, sizeof(json->last[0]), "%s", key);
    write_text(json->out, key);
    buf_puts(json->out, ": ");
    json->after_key = true;
}

void jsonw_int(Jsonw *json, int64_t value) {
    separate(json);
    buf_printf(json->out, "%lld", (long long)value);
}

void jsonw_real(Jsonw *json, double value) {
    if (!isfinite(value)) {
        jsonw_null(json);
        return;
    }
    char text[32];
    jsonw_format_real(text, value);
    separate(json);
    buf_puts(json->out, text);
}

void jsonw_bool(Jsonw *json, bool value) {
    separate(json);
    buf_puts(json->out, value ? "true" : "false");
}

void jsonw_null(Jsonw *json) {
    separate(json);
    buf_puts(json->out, "null");
}

void jsonw_string(Jsonw *json, const char *value) {
    if (!value) {
        jsonw_null(json);
        return;
    }
    separate(json);
    write_text(json->out, value);
}

void jsonw_finish(Jsonw *json) {
    assert(json->depth == -1 && !json->after_key);
    buf_putc(json->out, '\n');
}

/* Fewest significant digits that read back as `value` (finite, not 0): digits[] without a point,
 * `exponent` that of the first digit. printf's point is skipped, whatever the locale makes it. */
static int shortest_digits(double value, char digits[20], int *exponent) {
    for (int precision = 0;; precision++) {
        char text[48], plain[48];
        snprintf(text, sizeof(text), "%.*e", precision, fabs(value));
        const char *mark = strchr(text, 'e');
        int count = 0;
        for (const char *c = text; c < mark; c++)
            if (*c >= '0' && *c <= '9')
                digits[count++] = *c;
        digits[count] = '\0';
        *exponent = atoi(mark + 1);
        snprintf(plain, sizeof(plain), "%se%d", digits, *exponent - (count - 1));
        if (precision == 16 || number_to_real(plain) == fabs(value))
            return count;
    }
}

void jsonw_format_real(char *text, double value) {
    const char *sign = signbit(value) ? "-" : "";
    if (!isfinite(value)) {
        strcpy(text, "null");
        return;
    }
    if (fabs(value) < 0x1p53 && value == floor(value)) {
        sprintf(text, "%s%lld", sign, (long long)fabs(value));
        return;
    }
    char digits[20];
    int exponent, count = shortest_digits(value, digits, &exponent);
    if (exponent >= -5 && exponent < 0)
        sprintf(text, "%s0.%.*s%s", sign, -exponent - 1, "0000", digits);
    else if (exponent >= 0 && exponent < count - 1)
        sprintf(text, "%s%.*s.%s", sign, exponent + 1, digits, digits + exponent + 1);
    else if (count == 1)
        sprintf(text, "%s%se%d", sign, digits, exponent);
    else
        sprintf(text, "%s%c.%se%d", sign, digits[0], digits + 1, exponent);
}

void jsonw_key_int(Jsonw *json, const char *key, int64_t value) {
    jsonw_key(json, key);
    jsonw_int(json, value);
}

void jsonw_key_string(Jsonw *json, const char *key, const char *value) {
    jsonw_key(json, key);
    jsonw_string(json, value);
}
