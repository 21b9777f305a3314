/* text: see text.h. */
#include "base/text.h"

#include <string.h>

size_t text_steering(const char *text, size_t left, uint32_t *point) {
    /* U+061C, U+200E to U+200F, U+2028 to U+202E, U+2066 to U+2069, U+FEFF (Unicode, Bidi_Control and separators) */
    static const struct {
        uint32_t first, last;
    } steering[] = {{0x00, 0x1f},     {0x7f, 0x9f},     {0x61c, 0x61c},  {0x200e, 0x200f},
                    {0x2028, 0x202e}, {0x2066, 0x2069}, {0xfeff, 0xfeff}};
    const unsigned char *at = (const unsigned char *)text;
    size_t size = 1;
    if (left == 0)
        return 0;
    *point = at[0];
    if (at[0] >= 0xc2 && at[0] < 0xe0 && left > 1) {
        *point = (at[0] & 0x1fu) << 6 | (at[1] & 0x3fu);
        size = 2;
    } else if (at[0] >= 0xe0 && at[0] < 0xf0 && left > 2) {
        *point = (at[0] & 0x0fu) << 12 | (at[1] & 0x3fu) << 6 | (at[2] & 0x3fu);
        size = 3;
    } else if (at[0] >= 0x80) {
        return 0; /* longer, none of them; or no UTF-8 */
    }
    for (size_t i = 0; i < sizeof steering / sizeof *steering; i++)
        if (*point >= steering[i].first && *point <= steering[i].last)
            return size;
    return 0;
}

const char *text_find_steering(const char *text, uint32_t *point) {
    size_t left = strlen(text);
    for (; left; text++, left--)
        if (text_steering(text, left, point))
            return text;
    return NULL;
}
