/* number: see number.h. */
#include "base/number.h"

#include <ctype.h>
#include <errno.h>
#include <locale.h>
#include <stdlib.h>

bool number_parse_int(const char *text, int64_t *value, bool *overflow) {
    const char *digits = text + (text[0] == '-');
    *overflow = false;
    if (!*digits)
        return false;
    for (const char *c = digits; *c; c++)
        if (!isdigit((unsigned char)*c))
            return false;
    errno = 0;
    long long parsed = strtoll(text, NULL, 10);
    *overflow = errno == ERANGE;
    *value = parsed;
    return !*overflow;
}

static int count_digits(const char *text) {
    int count = 0;
    while (isdigit((unsigned char)text[count]))
        count++;
    return count;
}

int number_length(const char *text) {
    int at = text[0] == '-' || text[0] == '+';
    int whole = count_digits(text + at), fraction = 0;
    at += whole;
    if (text[at] == '.') {
        fraction = count_digits(text + at + 1);
        at += 1 + fraction;
    }
    if (!whole && !fraction)
        return 0;
    if (text[at] == 'e' || text[at] == 'E') {
        int sign = text[at + 1] == '-' || text[at + 1] == '+';
        int exponent = count_digits(text + at + 1 + sign);
        if (exponent)
            at += 1 + sign + exponent;
    }
    return at;
}

double number_to_real(const char *text) {
    /* glibc hands out its built-in "C" locale here: nothing is allocated. */
    locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    double value = strtod_l(text, NULL, c);
    freelocale(c);
    return value;
}

bool number_parse_real(const char *text, double *value) {
    int length = number_length(text);
    if (!length || text[length])
        return false;
    *value = number_to_real(text);
    return true;
}
