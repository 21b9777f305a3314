#!/usr/bin/env python3
"""Writes gen/text/unicode_tables.c: what canonical composition (NFC) needs of the Unicode Character Database as
Python carries it. Normalisation of characters, once assigned, never changes, so that the version matters little.

usage: scripts/unicode-tables.py > gen/text/unicode_tables.c
"""
import sys
import unicodedata

LAST = 0x10FFFF
HANGUL = range(0xAC00, 0xD7A4)  # composed by rule, not by table


def rows(items, per):
    for i in range(0, len(items), per):
        yield "    " + " ".join(items[i : i + per])


def classes():
    runs = []
    for code in range(LAST + 1):
        value = unicodedata.combining(chr(code))
        if value and runs and runs[-1][1] == code - 1 and runs[-1][2] == value:
            runs[-1][1] = code
        elif value:
            runs.append([code, code, value])
    return [f"{{0x{a:x}, 0x{b:x}, {c}}}," for a, b, c in runs]


def pairs():
    decompositions, compositions = [], []
    for code in range(LAST + 1):
        parts = unicodedata.decomposition(chr(code))
        if not parts or parts[0] == "<" or code in HANGUL:
            continue
        parts = [int(p, 16) for p in parts.split()]
        first, second = parts[0], parts[1] if len(parts) > 1 else 0
        decompositions.append((code, first, second))
        if second and unicodedata.normalize("NFC", chr(first) + chr(second)) == chr(code):
            compositions.append((first, second, code))
    compositions.sort()
    text = "{{0x{:x}, 0x{:x}, 0x{:x}}},"
    return [text.format(*d) for d in decompositions], [text.format(*c) for c in compositions]


def main():
    out = [
        "/* unicode_tables: made by scripts/unicode-tables.py, from the Unicode Character Database "
        + unicodedata.unidata_version + ". */",
        '#include "text/unicode_tables.h"',
        "",
        "/* clang-format off */",
    ]
    decompositions, compositions = pairs()
    for kind, name, items, per in (
        ("UnicodeMark", "unicode_marks", classes(), 4),
        ("UnicodePair", "unicode_decompositions", decompositions, 4),
        ("UnicodePair", "unicode_compositions", compositions, 4),
    ):
        out.append(f"const {kind} {name}[] = {{")
        out.extend(rows(items, per))
        out.append("};")
        out.append(f"const int {name[:-1]}_count = {len(items)};")
    sys.stdout.write("\n".join(out) + "\n")


main()
