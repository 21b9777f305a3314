"""Token ids for a program, as an array file (runtime/rt_format.h): prompts of several lengths.

usage: tokens.py FILE SEQUENCES LONGEST NEW VOCABULARY
"""
import random
import struct
import sys


def array(name, shape, values):
    data = struct.pack(f"<{len(values)}i", *values)
    head = struct.pack("<24sII3QQ", name.encode(), 3, len(shape), *shape, *[1] * (3 - len(shape)), len(data))
    return head + data + bytes(-len(data) % 64)


def main():
    sequences, longest, new, vocabulary = map(int, sys.argv[2:6])
    draw = random.Random(3)
    lengths = [longest] + [draw.randint(1, longest) for _ in range(sequences - 1)]
    ids = [draw.randrange(vocabulary) if t < n else 0 for n in lengths for t in range(longest)]
    with open(sys.argv[1], "wb") as file:
        file.write(struct.pack("<8sII16s32s", b"RTARRAY", 1, 3, b"", b""))
        file.write(array("lengths", [sequences], lengths) + array("ids", [sequences, longest], ids))
        file.write(array("max_new", [1], [new]))


main()
