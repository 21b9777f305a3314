/* compose: canonical composition of a text (Unicode's NFC): equal texts become the same bytes. */
#pragma once

#include "base/buf.h"

/* Append the composed text. Bytes that are no UTF-8 stay as they are, and nothing composes across them. */
void compose_nfc(const char *text, size_t length, Buf *out);
